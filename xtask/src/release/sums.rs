//! Writes the SHA-256 sums of all artifacts, in the format of `sha256sum`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::files;

/// The name of the file with the sums.
pub(crate) const FILE: &str = "SHA256SUMS";

/// Writes the sums of all files directly in the folder.
///
/// # Errors
/// Returns an error if a file cannot be read or written.
pub(crate) fn write(folder: &Path, artifacts: &[PathBuf]) -> Result<PathBuf> {
    let mut lines = Vec::new();
    for artifact in artifacts {
        let name = artifact.strip_prefix(folder).unwrap_or(artifact);
        lines.push((name.display().to_string(), of_file(artifact)?));
    }
    lines.sort();
    let text = lines.iter().fold(String::new(), |mut text, (name, sum)| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{sum}  {name}");
        text
    });
    let path = folder.join(FILE);
    files::write(&path, &text)?;
    Ok(path)
}

/// Returns the SHA-256 sum of a file in lower-case hexadecimal digits.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(of_bytes(&bytes))
}

/// Returns the SHA-256 sum of bytes in lower-case hexadecimal digits.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
