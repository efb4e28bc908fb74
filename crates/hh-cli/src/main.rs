//! The entry point of `honeyhive`, the command line and the local server.

use std::process::ExitCode;

fn main() -> ExitCode {
    hh_cli::run()
}
