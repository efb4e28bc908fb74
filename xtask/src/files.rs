//! Lists, reads and writes the files of a source tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The hidden folders that contain code of the project. Other hidden folders belong to tools.
const HIDDEN_BUT_OURS: [&str; 2] = [".ci", ".github"];

/// Returns the sorted paths of all files in a folder and its subfolders, relative to the folder.
///
/// Build output (marked by cargo with `CACHEDIR.TAG`), installed packages and links are skipped.
///
/// # Errors
/// Fails if a folder cannot be read.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        let entries = fs::read_dir(&current).with_context(|| cannot_read(&current))?;
        for entry in entries {
            let entry = entry.with_context(|| cannot_read(&current))?;
            let kind = entry
                .file_type()
                .with_context(|| cannot_read(&entry.path()))?;
            if kind.is_dir() && is_ours(&entry.path()) {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path().strip_prefix(folder)?.to_path_buf());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the text of a file.
///
/// # Errors
/// Fails if the file cannot be read.
pub(crate) fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| cannot_read(path))
}

/// Writes a file, and creates its folder if necessary.
///
/// # Errors
/// Fails if the file cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a page in the source tree: no secret, and git has the old one"
    )]
    fs::write(path, text).with_context(cannot)
}

fn cannot_read(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}

fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && !HIDDEN_BUT_OURS.contains(&&*name);
    !hidden && name != "node_modules" && !folder.join("CACHEDIR.TAG").exists()
}
