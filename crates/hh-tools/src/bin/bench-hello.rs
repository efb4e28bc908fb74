//! Prints one word. `cargo xtask bench config` compares the command line with this program.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "hello")
}
