//! Delivers the secret of a new key to its creator, once.

use std::path::Path;

use hh_sdk::HoneyHive;
use hh_sdk::api::types::{CreatedKey, Key};
use hh_sdk::auth::private_file::{Replace, write_private};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui;

/// Prints a new key, or writes it to a new file. `line` says what was done. A key that cannot be delivered is revoked.
pub(super) fn deliver(
    context: &Context,
    created: &CreatedKey,
    file: Option<&Path>,
    line: &str,
) -> Result<(), CliError> {
    let client = context.client(None)?;
    let key = &created.key;
    if let Some(path) = file {
        write(path, created).map_err(|error| revoke_lost_key(context, client, key, error))?;
        context.success(&format!("{line} and wrote it to {}", path.display()));
        return context.printer().data(key);
    }
    context.success(&format!("{line}; the secret is printed only once:"));
    let printed = context.printer().object(created, |_| secret_lines(created));
    printed.map_err(|error| revoke_lost_key(context, client, key, error))
}

/// Revokes a key whose secret could not be printed or written, and returns the error.
fn revoke_lost_key(context: &Context, client: &HoneyHive, key: &Key, error: CliError) -> CliError {
    let id = &key.id;
    let line = match context.block_on(client.revoke_key(id)) {
        Ok(_) => format!("Revoked key {id} because its secret could not be delivered"),
        Err(_) => {
            format!("warning: key {id} could not be revoked; run `honeyhive auth keys revoke {id}`")
        }
    };
    // The line is separate from the error, because a closed pipe has no error message. It is printed even with
    // `--quiet`, because the key may still be active.
    ui::print_line(&line);
    error
}

#[expect(
    clippy::disallowed_methods,
    reason = "a new key is printed once, to its creator"
)]
fn secret_lines(created: &CreatedKey) -> Vec<String> {
    vec![created.secret.expose_secret().to_owned()]
}

#[expect(
    clippy::disallowed_methods,
    reason = "--key-file writes the key to a file of the user's choice with mode 0600"
)]
fn write(path: &Path, created: &CreatedKey) -> Result<(), CliError> {
    let line = Zeroizing::new(format!("{}\n", created.secret.expose_secret()));
    write_private(path, line.as_bytes(), Replace::No).map_err(|error| refused(path, &error.kind()))
}

/// Checks before a key is created that its secret will be delivered, because it cannot be retrieved later.
pub(super) fn check_delivery(context: &Context, file: Option<&Path>) -> Result<(), CliError> {
    match file {
        Some(path) => check_new(path),
        None => context.printer().check_prints("key"),
    }
}

fn check_new(path: &Path) -> Result<(), CliError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    if path.symlink_metadata().is_ok() {
        return Err(refused(path, &"the file already exists"));
    }
    if dir.is_some_and(|dir| !dir.is_dir()) {
        return Err(refused(path, &"the directory does not exist"));
    }
    Ok(())
}

/// Returns the error for a key file that cannot be created.
fn refused(path: &Path, why: &dyn std::fmt::Display) -> CliError {
    let message = format!("cannot write the key to {}: {why}", path.display());
    CliError::new(Exit::Config, message).with_hint("specify a new file in an existing directory")
}
