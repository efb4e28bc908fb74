//! Implements `honeyhive server openapi`.

use clap::Args;

use crate::error::CliError;
use crate::output;

#[derive(Args)]
pub(crate) struct OpenApi {}

pub(super) fn run() -> Result<(), CliError> {
    output::verbatim(hh_server::OPENAPI.trim_end())
}
