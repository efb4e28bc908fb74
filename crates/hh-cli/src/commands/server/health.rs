//! Implements `honeyhive server health`.

use std::time::Duration;

use clap::Args;
use hh_sdk::api::OpId;
use hh_sdk::tooling;
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// The time limit to connect.
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Health {}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let resolved = context.layers().resolve()?;
    let base_url = &resolved.settings.base_url;
    let address = base_url.value.as_str().trim_end_matches('/');
    if resolved.settings.test_mode.value {
        return print(context, address, "not checked (test mode)");
    }
    let path = OpId::Health.operation().route().path;
    let probe = tooling::probe(&context.options(), &resolved, CONNECT)?;
    // The base URL can contain a path.
    let base = address.splitn(4, '/').nth(3);
    let full = base.map_or_else(|| path.to_owned(), |base| format!("/{base}{path}"));
    let answer = context.block_on(async { Ok(probe.get(&full).await?) })?;
    if (200..300).contains(&answer.status) && !answer.is_html {
        return print(context, address, "healthy");
    }
    let message = format!(
        "{address} is not healthy: GET {full} returned {}",
        answer.status
    );
    let hint = format!(
        "check the log of the server; base_url comes from {}",
        base_url.provenance
    );
    Err(CliError::new(Exit::Network, message).with_hint(hint))
}

fn print(context: &Context, address: &str, status: &str) -> Result<(), CliError> {
    let result = json!({ "base_url": address, "status": status });
    let line = format!("{address}: {status}");
    context.printer().object(&result, |_| vec![line])
}
