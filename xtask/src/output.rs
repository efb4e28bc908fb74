//! The only place that writes to the terminal.

use std::fmt::Display;

/// Prints one line for the person who runs the task.
#[expect(clippy::print_stdout, reason = "a task's lines are its output")]
pub(crate) fn print_line(line: impl Display) {
    println!("{line}");
}

/// Prints the error that ends the program: one line, never a backtrace.
#[expect(clippy::print_stderr, reason = "the last line of a task that failed")]
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
