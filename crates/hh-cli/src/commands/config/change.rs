//! Implements `honeyhive config set` and `unset`, which change only the user configuration file.

use std::io::{self, Read as _};
use std::path::PathBuf;

use clap::Args;
use hh_sdk::auth::private_file::{Replace, create_private_dir, lock, write_private};
use hh_sdk::config::{Edit, FileState, RedactedValue, SettingName, Source, edit, names, paths};
use hh_sdk::tooling;
use secrecy::SecretString;
use serde::Serialize;
use zeroize::Zeroizing;

use super::find::find;
use crate::context::{Context, ends_with_version};
use crate::error::{CliError, of_problem};
use crate::exit::Exit;
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct SetArguments {
    /// Name of the setting, e.g. `timeout`
    name: String,
    /// Value, which may contain ${NAME} substitutions; use `-` to read it from standard input
    #[arg(allow_hyphen_values = true)]
    value: SecretString,
}

#[derive(Args)]
pub(crate) struct UnsetArguments {
    /// Name of the setting, e.g. `timeout`
    name: String,
}

#[derive(Serialize)]
struct EditReport {
    name: &'static str,
    file: String,
    changed: bool,
}

pub(super) fn set(context: &Context, arguments: SetArguments) -> Result<(), CliError> {
    let name = find(&arguments.name)?;
    let value = if is_dash(&arguments.value) {
        read_value()?
    } else {
        if name.spec().secret {
            context.note(&format!(
                    "warning: the value of {name} on the command line is visible to other users of this machine; use - and pass the value on standard input instead"
                ));
        }
        arguments.value
    };
    change(context, name, &Edit::Set(value))
}

pub(super) fn unset(context: &Context, arguments: &UnsetArguments) -> Result<(), CliError> {
    change(context, find(&arguments.name)?, &Edit::Unset)
}

#[expect(
    clippy::disallowed_methods,
    reason = "only compares the value with a dash"
)]
fn is_dash(value: &SecretString) -> bool {
    secrecy::ExposeSecret::expose_secret(value) == "-"
}

/// The maximum length of a value, in bytes.
const MAX_STDIN: u64 = 64 * 1024;

fn read_value() -> Result<SecretString, CliError> {
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .take(MAX_STDIN + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            CliError::new(
                Exit::Other,
                format!("cannot read the value from standard input: {error}"),
            )
        })?;
    if text.len() as u64 > MAX_STDIN {
        return Err(CliError::new(
            Exit::Config,
            "the value on standard input is longer than 64 KiB; nothing was changed",
        ));
    }
    Ok(SecretString::from(hh_text::without_bom(&text).trim()))
}

/// Edits the user configuration file while holding its lock.
fn change(context: &Context, name: SettingName, wanted: &Edit) -> Result<(), CliError> {
    let named = own_file(context)?;
    // A symbolic link is preserved.
    let path = std::fs::canonicalize(&named).unwrap_or_else(|_| named.clone());
    let failed = |verb: &str, error: io::Error| {
        let message = format!("cannot {verb} {}: {error}", named.display());
        CliError::new(Exit::Other, message)
    };
    if let Some(dir) = path.parent() {
        create_private_dir(dir).map_err(|error| failed("write", error))?;
    }
    let _lock = lock(&named).map_err(|error| failed("lock", error))?;
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) => return Err(failed("read", error)),
    };
    let after = Zeroizing::new(edit(&named, &before, name, wanted)?);
    let is_changed = *before != *after;
    if is_changed {
        write_private(&path, after.as_bytes(), Replace::Yes)
            .map_err(|error| failed("write", error))?;
    }
    let file = named.display().to_string();
    let is_unset = matches!(wanted, Edit::Unset);
    context.note(&match (is_unset, is_changed) {
        (true, false) => format!("{name} is not set in {file}; nothing was changed"),
        (true, true) => format!("Removed {name} from {file}"),
        (false, false) => format!("{name} already has this value in {file}"),
        (false, true) => format!("Set {name} in {file}"),
    });
    context.printer().data(&EditReport {
        name: name.as_str(),
        file: without_keys(&file),
        changed: is_changed,
    })?;
    warn_if_overridden(context, name, is_unset);
    Ok(())
}

/// Prints a note if another source takes precedence over the new value, or a warning if the value in effect is invalid.
fn warn_if_overridden(context: &Context, name: SettingName, is_unset: bool) {
    // Loads the layers again, because the file changed.
    let layers = tooling::layers(&context.options());
    let explained = layers.stack.explain_one(name);
    if name == names::BASE_URL
        && let RedactedValue::Plain(value) = &explained.value
        && ends_with_version(value)
    {
        context.note("warning: base_url ends with /v1, which every request adds; remove /v1 if the server is not behind a path");
    }
    if let RedactedValue::Invalid(problem) = &explained.value {
        context.note(&format!("warning: {}", of_problem(problem).to_line()));
    } else if !is_unset && explained.provenance.source() > Source::User {
        context.note(&format!(
            "note: the value from {} takes precedence",
            explained.provenance
        ));
    }
}

/// Returns the user configuration file in use, or the path of the file to create.
pub(super) fn own_file(context: &Context) -> Result<PathBuf, CliError> {
    let files = context.stack().files().iter();
    let mut own =
        files.filter(|file| file.source == Source::User && file.state != FileState::Absent);
    if let Some((path, state)) = own
        .next()
        .and_then(|file| Some((file.path.clone()?, file.state)))
    {
        if state == FileState::Read {
            return Ok(path);
        }
        let message = format!(
            "cannot change the user configuration file {}: {}",
            path.display(),
            state.as_str()
        );
        let unusable = CliError::new(Exit::Config, message);
        return Err(unusable.with_hint("run `honeyhive config validate` for details"));
    }
    let dir = paths::config_dir(context.env()).ok_or_else(|| {
        CliError::new(
            Exit::Config,
            hh_text::Diagnostic::new(
                "cannot determine the location of the user configuration file: neither HOME nor XDG_CONFIG_HOME is an absolute path",
            )
            .with_hint("set HOME or XDG_CONFIG_HOME to an absolute path"),
        )
    })?;
    Ok(dir.join("config.yaml"))
}
