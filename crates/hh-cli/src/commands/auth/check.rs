//! `honeyhive auth check`: the key, step by step, up to a request that it authorizes.

use hh_sdk::Identity;

use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::output;

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let step = |line: &str| output::lines([format!("ok      {line}")]);
    let checked = || -> Result<(), CliError> {
        let client = context.client(context.options(), None)?;
        let base_url = &client.settings().base_url;
        if client.settings().test_mode.value {
            return step("test mode is on, so there is nothing to check");
        }
        let credential = hh_sdk::load_credential(&context.options_without_warning())?;
        step(&format!("API key set, from {}", credential.provenance))?;
        step(&format!("API key format valid: {}", credential.key.shown()))?;
        let identity = block_on(client.whoami())?;
        step(&match identity {
            Identity::Known(me) => format!(
                "authentication successful at {}: {} ({})",
                base_url.value, me.principal.name, me.permissions
            ),
            Identity::Unknown | _ => format!(
                "authentication successful at {} (this server does not tell as whom)",
                base_url.value
            ),
        })?;
        let projects = block_on(client.list_projects())?;
        step(&match projects.len() {
            1 => "access to 1 project".to_owned(),
            count => format!("access to {count} projects"),
        })
    };
    checked().inspect_err(|error| {
        let what = error.message();
        // The whole message follows on stderr, whether this can be printed or not.
        output::lines([format!("failed  {what}")]).ok();
    })
}
