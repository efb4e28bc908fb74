//! Prints to the terminal; no other module does.

use std::fmt::Display;

/// Prints one line to standard output.
#[expect(
    clippy::print_stdout,
    reason = "printed lines are the output of a task"
)]
pub(crate) fn print_line(line: impl Display) {
    println!("{line}");
}

/// Prints the error of a task as one line, without a backtrace.
#[expect(
    clippy::print_stderr,
    reason = "the error of a task is for standard error"
)]
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
