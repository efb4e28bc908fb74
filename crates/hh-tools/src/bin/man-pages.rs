//! Writes the manual pages of `honeyhive` and of all commands below it into the folder that is named.

use std::io;

fn main() -> io::Result<()> {
    let usage = || io::Error::other("name the folder that the pages go to");
    let folder = std::env::args_os().nth(1).ok_or_else(usage)?;
    clap_mangen::generate_to(hh_cli::manual(), folder)
}
