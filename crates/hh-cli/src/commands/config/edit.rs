//! Implements `honeyhive config edit`, which opens the user configuration file in an editor.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::Command;

use hh_sdk::auth::private_file::{Replace, create_private_dir, write_private};
use hh_sdk::config::Stack;

use super::change::own_file;
use crate::context::Context;
use crate::error::{CliError, of_problem};
use crate::exit::Exit;

/// The content of a new file.
const TEMPLATE: &str = "# Settings of honeyhive, e.g. `timeout: 20`; `honeyhive config list --all` lists all of them.\n";

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let path = own_file(context)?;
    create(&path).map_err(|error| {
        CliError::new(
            Exit::Other,
            format!("cannot create {}: {error}", path.display()),
        )
    })?;
    open(context, &path)?;
    let problems = Stack::of_file(context.env(), &path).problems();
    CliError::of_all(Exit::Config, problems.iter().map(of_problem).collect())?;
    context.success(&format!("Checked {}", path.display()));
    Ok(())
}

/// Creates the file unless it exists. Only the user can read it, because it can contain an API key.
fn create(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        create_private_dir(dir)?;
    }
    write_private(path, TEMPLATE.as_bytes(), Replace::No)
}

/// Runs the editor and waits until it is closed.
fn open(context: &Context, path: &Path) -> Result<(), CliError> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| context.env().get(name));
    if editor.is_none() && !io::stdin().is_terminal() {
        let message = "cannot open an editor: standard input is not a terminal";
        return Err(CliError::usage(message).with_hint("set EDITOR, or use `honeyhive config set`"));
    }
    let editor = editor.map_or_else(|| "vi".into(), OsString::from);
    // The shell splits the arguments of the editor, as it does for git.
    let mut script = editor.clone();
    script.push(" \"$@\"");
    let shown = editor.to_string_lossy();
    let failed = |why: String| {
        CliError::new(Exit::Other, format!("the editor {shown} failed: {why}"))
            .with_hint("set VISUAL or EDITOR to the command of another editor")
    };
    let status = Command::new("sh")
        .arg("-c")
        .args([&script, &editor])
        .arg(path)
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(status.to_string()))
}
