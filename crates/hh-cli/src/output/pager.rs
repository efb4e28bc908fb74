//! Shows long output in a pager, as git does.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::{Child, Command, Stdio};

use hh_text::one_line;
use tokio::signal::unix::{SignalKind, signal};

use super::lines;
use super::screen::Screen;
use crate::error::CliError;

/// The pager of the user.
pub(crate) struct Pager {
    /// A command for the shell; `None` if there is no pager.
    command: Option<OsString>,
    has_options: bool,
}

impl Pager {
    /// Reads `PAGER`, which defaults to `less`, and `LESS`.
    pub(crate) fn of_user() -> Self {
        let command = env::var_os("PAGER").unwrap_or_else(|| "less".into());
        let is_off = command
            .to_str()
            .is_some_and(|command| ["", "cat"].contains(&command.trim()));
        Self {
            command: (!is_off).then_some(command),
            has_options: env::var_os("LESS").is_some(),
        }
    }

    /// Prints lines through the pager if they do not fit the terminal, otherwise directly.
    pub(crate) fn print(&self, text: &[String], screen: &Screen) -> Result<(), CliError> {
        let is_long = screen.height().is_some_and(|height| text.len() >= height);
        let pager = is_long.then(|| self.start()).flatten();
        if let Some(pager) = pager
            && show(pager, text)?
        {
            return Ok(());
        }
        lines(text)
    }

    /// Starts the pager. Returns `None` without a pager.
    fn start(&self) -> Option<Child> {
        // The shell splits the arguments, as it does for git.
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(self.command.as_ref()?)
            .stdin(Stdio::piped());
        if !self.has_options {
            // Quit if the text fits one screen, keep colors, and leave the text on the screen.
            command.env("LESS", "FRX");
        }
        command.spawn().ok()
    }
}

/// The exit code of a shell that cannot run a command, and the one for a command that does not exist.
const NOT_RUN: [i32; 2] = [126, 127];

/// Passes the text to the pager and waits until the user closes it. Returns false if the shell could not run the pager.
fn show(mut pager: Child, text: &[String]) -> io::Result<bool> {
    // Ctrl-C is for the pager. Without a handler, it would terminate this process and leave the pager behind.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _entered = runtime.enter();
    let _interrupt = signal(SignalKind::interrupt())?;
    if let Some(mut stdin) = pager.stdin.take() {
        // A pager that is closed early does not read everything.
        drop(
            text.iter()
                .try_for_each(|line| writeln!(stdin, "{}", one_line(line))),
        );
    }
    let status = pager.wait()?;
    Ok(!status.code().is_some_and(|code| NOT_RUN.contains(&code)))
}
