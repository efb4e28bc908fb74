//! Prints one word: the baseline of the command line in `cargo xtask bench config`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "hello")
}
