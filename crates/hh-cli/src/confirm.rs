//! Asks the user on the terminal before a command removes something that cannot be restored.

use std::io::{self, IsTerminal as _};

use rustix::termios::{QueueSelector, tcflush};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui;

/// Returns whether the user can read a question and answer it.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question. Every answer except yes is an error.
pub(crate) fn yes(context: &Context, question: &str) -> Result<(), CliError> {
    let answer = ask(context, &format!("{question} [y/N] "))?;
    check(["y", "yes"].contains(&answer.to_ascii_lowercase().as_str()))
}

/// Asks the user to type a text. Every other answer is an error.
pub(crate) fn typed(context: &Context, question: &str, expected: &str) -> Result<(), CliError> {
    let answer = ask(context, &format!("{question} "))?;
    check(answer == expected.trim())
}

fn check(is_confirmed: bool) -> Result<(), CliError> {
    if is_confirmed {
        return Ok(());
    }
    Err(CliError::new(Exit::Other, "canceled; nothing was changed"))
}

/// Asks a question and returns the line that the user types, without white space around it.
fn ask(context: &Context, question: &str) -> Result<String, CliError> {
    // Text that was typed before the question does not answer it.
    tcflush(io::stdin(), QueueSelector::IFlush).ok();
    ui::print_prompt(question)?;
    let answer = context.run(async {
        // After a request, signals no longer terminate the process. Therefore, another thread waits for the input.
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer)?;
            Ok(answer.trim().to_owned())
        });
        let answer = read.await.map_err(io::Error::other)?;
        answer.map_err(|error: io::Error| {
            CliError::new(Exit::Other, format!("cannot read the answer: {error}"))
        })
    });
    answer.map_err(|error| {
        if error.exit() == Exit::Interrupted {
            CliError::new(Exit::Interrupted, "interrupted; nothing was changed")
        } else {
            error
        }
    })
}
