//! Implements the program `honeyhive`. [`run`] executes it; [`manual`] describes it for manual pages.

#[cfg(not(unix))]
compile_error!(
    "hh-cli requires Unix; on Windows, use the program in the Windows Subsystem for Linux"
);

mod args;
mod cli;
mod commands;
mod confirm;
mod context;
mod deletion;
mod error;
mod exit;
mod input;
mod interrupt;
mod lazy;
mod output;
mod pages;
mod prefix;
mod projects;
mod sessions;
mod ui;

use std::process::ExitCode;

use crate::args::Global;
pub use crate::cli::{command, manual};
use crate::context::Context;
use crate::exit::Exit;

/// Runs the program with the arguments and the environment of this process and returns its exit code.
pub fn run() -> ExitCode {
    // Scripts call `--version` most often. It is handled first, because it does not need the setup below.
    let mut arguments = std::env::args_os().skip(1);
    let is_version = arguments
        .next()
        .is_some_and(|first| first == "--version" || first == "-V");
    if is_version && arguments.next().is_none() {
        let version = concat!("honeyhive ", env!("CARGO_PKG_VERSION"));
        return output::lines([version])
            .map_or_else(|error| error.exit().into(), |()| Exit::Ok.into());
    }
    let (global, command) = match cli::parse() {
        Ok(parsed) => parsed,
        // Help and version are printed to stdout and are not errors.
        Err(help) if !help.use_stderr() => {
            return match help.print() {
                Ok(()) => Exit::Ok.into(),
                Err(_) => Exit::BrokenPipe.into(),
            };
        }
        Err(error) => {
            let usage = cli::UsageError::of(&error);
            let guessed = Global::guess(std::env::args_os().skip(1));
            if Context::new(guessed).has_json_errors() {
                ui::error(&usage.into(), true);
            } else {
                ui::usage(&usage.text());
            }
            return Exit::Usage.into();
        }
    };
    ui::set_colors(global.color());
    let context = Context::new(global);
    let result = context
        .check_output()
        .and_then(|()| commands::run(&context, command));
    match result {
        Ok(()) => {
            context.warn_of_unused_options();
            Exit::Ok.into()
        }
        Err(error) => {
            if error.exit() != Exit::BrokenPipe {
                ui::error(&error, context.has_json_errors());
            }
            error.exit().into()
        }
    }
}
