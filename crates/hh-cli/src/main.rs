//! `honeyhive`: the command line and the local server.

mod cli;
mod commands;
mod context;
mod error;
mod exit;
mod output;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version go to stdout and are no failure.
        Err(help) if !help.use_stderr() => {
            return match help.print() {
                Ok(()) => Exit::Ok.into(),
                Err(_) => Exit::BrokenPipe.into(),
            };
        }
        Err(error) => {
            ui::usage(&error.render().to_string());
            return Exit::Usage.into();
        }
    };
    let (global, command) = cli.split();
    let context = Context::new(global);
    match commands::run(&context, command) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            if error.exit() != Exit::BrokenPipe {
                ui::error(&error);
            }
            error.exit().into()
        }
    }
}
