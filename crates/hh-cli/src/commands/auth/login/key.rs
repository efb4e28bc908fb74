//! The key of a login: from a pipe or from a prompt.

use std::io::{self, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::super::prompt;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// A key is one short line; what is longer is refused as a key later.
const MAX_STDIN: usize = 4096;

/// Reads the key, and says from where.
pub(super) fn read(
    context: &Context,
    from_stdin: bool,
) -> Result<(SecretString, &'static str), CliError> {
    if from_stdin {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_STDIN));
        let read = io::stdin().take(MAX_STDIN as u64).read_to_end(&mut bytes);
        read.map_err(|error| CliError::new(Exit::Other, format!("cannot read the key: {error}")))?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| none("standard input holds no key: it is not text"))?;
        let key = SecretString::from(text);
        check_given(&key, "standard input holds no key; nothing was changed")?;
        return Ok((key, "standard input"));
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("there is no terminal to ask for the key")
            .with_hint("pipe it in with --api-key-stdin"));
    }
    let empty = "no key was typed; nothing was changed";
    let key = prompt::ask(context).map_err(|_| {
        // The line of the prompt is still open.
        context.note("");
        none(empty)
    })?;
    check_given(&key, empty)?;
    Ok((key, "the prompt"))
}

/// A blank key would count as not given, and the next source would be used in its place.
#[expect(clippy::disallowed_methods, reason = "only whether there is any text")]
pub(super) fn check_given(key: &SecretString, message: &'static str) -> Result<(), CliError> {
    if key.expose_secret().trim().is_empty() {
        return Err(none(message));
    }
    Ok(())
}

fn none(message: &'static str) -> CliError {
    CliError::new(Exit::Auth, message)
}
