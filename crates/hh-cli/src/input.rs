//! Reads files that the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The maximum length of a file, in bytes.
const MAX: u64 = 64 * 1024 * 1024;

/// Reads a whole file, or standard input if the path is `-`.
pub(crate) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file)?)
    };
    let mut content = Vec::new();
    source.take(MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(content)
}
