//! Runs programs in the directory of the workspace and prints their commands.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::output::print_line;

/// Returns whether the task runs in CI, where a missing program is an error.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Returns a command of the cargo that runs this program, with arguments separated by spaces.
pub(crate) fn cargo(root: &Path, arguments: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments.split_whitespace());
    // `cargo run` sets these variables for xtask. Build scripts that depend on them would run again.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Prints the command and runs it.
///
/// # Errors
/// Returns an error if the program cannot be started or fails.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let line = render(&command);
    print_line(format_args!("$ {line}"));
    let status = command.status().with_context(|| cannot_start(&line))?;
    if !status.success() {
        bail!("`{line}` failed ({status}); see its output above");
    }
    Ok(())
}

/// Returns the output of the command without printing it.
///
/// # Errors
/// Returns an error if the program cannot be started or fails. The error contains a line of its standard error.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let line = render(&command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| cannot_start(&line))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let complaint = complaint
            .lines()
            .find(|line| line.contains("error"))
            .or_else(|| complaint.lines().rfind(|line| !line.trim().is_empty()))
            .unwrap_or("no message");
        bail!("`{line}` failed: {complaint}");
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of `{line}` is not UTF-8"))
}

/// Returns the directory of the compiler and its libraries.
///
/// # Errors
/// Returns an error if rustc fails.
pub(crate) fn sysroot(root: &Path) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root).args(["--print", "sysroot"]);
    Ok(output(rustc)?.trim().into())
}

/// Returns whether a program is on PATH.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut which = Command::new("sh");
    which.args(["-c", "command -v \"$1\"", "sh", program]);
    succeeds(which)
}

/// Returns whether the command succeeds, without printing its output.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Stops a server with SIGTERM, so that it closes its database, and waits until it exits.
pub(crate) fn stop(child: &mut Child) {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    if !asked.is_ok_and(|status| status.success()) {
        drop(child.kill());
    }
    drop(child.wait());
}

fn cannot_start(line: &str) -> String {
    format!("cannot start `{line}`: check that it is installed and on PATH")
}

/// Returns the command as a line for a shell, with the variables that were added.
fn render(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!(
            "{}={}",
            name.to_string_lossy(),
            quoted(&value?.to_string_lossy())
        ))
    });
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or(command.get_program());
    let program = [program.to_string_lossy().into_owned()];
    let arguments = command
        .get_args()
        .map(|argument| quoted(&argument.to_string_lossy()));
    variables
        .chain(program)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(text: &str) -> String {
    if text.contains(' ') {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}
