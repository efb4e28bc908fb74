//! Says hello: what `cargo xtask bench config` measures the command line against.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "hello")
}
