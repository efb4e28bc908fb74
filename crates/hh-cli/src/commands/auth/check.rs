//! `honeyhive auth check`: the key, step by step, up to a request that it authorizes.

use std::cell::RefCell;

use hh_sdk::Identity;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::ui::without_keys;

#[derive(Serialize)]
struct CheckReport {
    ok: bool,
    steps: Vec<CheckStep>,
}

#[derive(Serialize)]
struct CheckStep {
    state: &'static str,
    seen: String,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let is_json = context.is_json();
    let steps = RefCell::new(Vec::new());
    let add = |state, seen: &str| {
        if is_json {
            let seen = without_keys(seen);
            steps.borrow_mut().push(CheckStep { state, seen });
            return Ok(());
        }
        output::lines([format!("{state:<8}{seen}")])
    };
    let step = |seen: &str| add("ok", seen);
    let checked = || -> Result<(), CliError> {
        let client = context.client(None)?;
        let base_url = &client.settings().base_url;
        if client.settings().test_mode.value {
            return step("test mode is on, so there is nothing to check");
        }
        let credential = context.credential()?;
        step(&format!("API key set, from {}", credential.provenance))?;
        step(&format!(
            "API key format valid: {}",
            credential.key.redacted()
        ))?;
        let identity = context.block_on(client.whoami())?;
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
        let projects = context.block_on(client.list_projects())?;
        step(&match projects.len() {
            1 => "access to 1 project".to_owned(),
            count => format!("access to {count} projects"),
        })
    };
    let result = checked().inspect_err(|error| {
        let what = error.message();
        // The whole message follows on stderr, whether this can be printed or not.
        add("failed", what).ok();
    });
    if is_json {
        output::json(&CheckReport {
            ok: result.is_ok(),
            steps: steps.take(),
        })?;
    }
    result
}
