//! Prints one word, as the minimal program of `cargo xtask bench config`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "hello")
}
