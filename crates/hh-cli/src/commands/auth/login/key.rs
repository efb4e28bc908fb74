//! Reads the key of a login from standard input or from a prompt.

use std::io::{self, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::super::prompt;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// The maximum number of bytes to read. Longer input is rejected as a malformed key later.
const MAX_STDIN: usize = 4096;

/// Reads the key for a server and returns it with the name of its source.
pub(super) fn read(
    context: &Context,
    from_stdin: bool,
    server: &str,
) -> Result<(SecretString, &'static str), CliError> {
    // On a terminal, the prompt reads the key without echo.
    let is_terminal = io::stdin().is_terminal();
    if from_stdin && !is_terminal {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_STDIN));
        let read = io::stdin().take(MAX_STDIN as u64).read_to_end(&mut bytes);
        read.map_err(|error| {
            CliError::new(
                Exit::Other,
                format!("cannot read the key from standard input: {error}"),
            )
        })?;
        let text = hh_text::decode(&bytes).map_err(|what| {
            CliError::new(Exit::Auth, what.with_prefix("the text on standard input "))
        })?;
        let key = SecretString::from(text);
        check_given(&key, "no key on standard input; nothing was changed")?;
        return Ok((key, "standard input"));
    }
    if !is_terminal {
        return Err(
            CliError::usage("cannot prompt for the key: standard input is not a terminal")
                .with_hint("pass the key on standard input with --api-key-stdin"),
        );
    }
    let empty = "no key was entered; nothing was changed";
    // The line of the prompt has no line break yet.
    let key = prompt::ask(context, server).inspect_err(|_| context.note(""))?;
    check_given(&key, empty)?;
    Ok((key, "the prompt"))
}

/// Rejects a blank key. It would count as unset, and the next source would be used instead.
#[expect(
    clippy::disallowed_methods,
    reason = "only checks whether the key is blank"
)]
pub(super) fn check_given(key: &SecretString, message: &'static str) -> Result<(), CliError> {
    if key.expose_secret().trim().is_empty() {
        return Err(none(message));
    }
    Ok(())
}

fn none(message: &'static str) -> CliError {
    CliError::new(Exit::Auth, message)
}
