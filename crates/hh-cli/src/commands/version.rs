//! Implements `honeyhive version`.

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Arguments {}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
    };
    context
        .printer()
        .object(&version, |_| vec![format!("honeyhive {}", version.version)])
}
