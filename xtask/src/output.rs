//! Writes to the terminal. No other code does.

use std::fmt::Display;

/// Prints one line.
#[expect(clippy::print_stdout, reason = "a task's lines are its output")]
pub(crate) fn print_line(line: impl Display) {
    println!("{line}");
}

/// Prints the error that ends the program, as one line without a backtrace.
#[expect(clippy::print_stderr, reason = "the last line of a task that failed")]
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
