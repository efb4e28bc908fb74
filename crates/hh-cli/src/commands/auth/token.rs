//! Implements `honeyhive auth token`.

use std::io::{self, IsTerminal as _};

use clap::Args;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the key even if standard output is a terminal
    #[arg(long)]
    pub(super) reveal: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    if io::stdout().is_terminal() && !arguments.reveal {
        return Err(CliError::usage("refusing to print the key on a terminal")
            .with_hint("pipe the output to another command, or add --reveal"));
    }
    output::verbatim(key(context)?.as_str())
}

/// Returns the text of the active key.
#[expect(clippy::disallowed_methods, reason = "this command prints the key")]
pub(super) fn key(context: &Context) -> Result<Zeroizing<String>, CliError> {
    let credential = context.credential()?;
    Ok(Zeroizing::new(
        credential.key.secret().expose_secret().to_owned(),
    ))
}
