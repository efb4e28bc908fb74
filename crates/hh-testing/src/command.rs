//! Runs commands to their end.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

/// The result of a command.
#[derive(Debug)]
pub struct RunOutput {
    /// The exit code.
    pub code: i32,
    /// The text of stdout.
    pub stdout: String,
    /// The text of stderr.
    pub stderr: String,
}

/// Panics if a signal ended the command, or if its output is not UTF-8.
impl From<Output> for RunOutput {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> RunOutput {
    RunOutput::from(command.output().unwrap())
}

/// Runs a command to its end with a text on its standard input.
///
/// # Errors
///
/// Fails if the program cannot be started.
pub fn run_with_input(command: &mut Command, input: &str) -> io::Result<RunOutput> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A command that does not read its input may have exited already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    Ok(RunOutput::from(child.wait_with_output()?))
}
