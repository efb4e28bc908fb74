//! Writes the manual pages of `honeyhive` and of all its subcommands to the folder in the first argument.

use std::io;

fn main() -> io::Result<()> {
    let usage = || io::Error::other("missing argument: the folder for the manual pages");
    let folder = std::env::args_os().nth(1).ok_or_else(usage)?;
    clap_mangen::generate_to(hh_cli::manual(), folder)
}
