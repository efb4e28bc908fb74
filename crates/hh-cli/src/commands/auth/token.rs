//! `honeyhive auth token`

use std::io::{self, IsTerminal as _};

use clap::Args;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the key on a terminal too, where others may see it
    #[arg(long)]
    pub(super) reveal: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    if io::stdout().is_terminal() && !arguments.reveal {
        return Err(CliError::usage("the key would be seen on this terminal")
            .with_hint("pipe it to where it is needed, or add --reveal"));
    }
    output::verbatim(key(context)?.as_str())
}

/// The key in use itself, which is what was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "this command is there to print the key"
)]
pub(super) fn key(context: &Context) -> Result<Zeroizing<String>, CliError> {
    let credential = context.credential()?;
    Ok(Zeroizing::new(
        credential.key.secret().expose_secret().to_owned(),
    ))
}
