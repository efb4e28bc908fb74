//! Reads and writes files of a source tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Hidden directories with code of the project; others belong to tools.
const HIDDEN: [&str; 2] = [".ci", ".github"];

/// Returns all files in a directory and its subdirectories, as sorted relative paths.
///
/// Build output (which cargo marks with `CACHEDIR.TAG`), installed packages and links are omitted.
///
/// # Errors
/// Returns an error if a directory cannot be read.
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
/// Returns an error if the file cannot be read.
pub(crate) fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| cannot_read(path))
}

/// Writes a file, and creates its directory if it is missing.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a page in the source tree is not secret, and git has the previous version"
    )]
    fs::write(path, text).with_context(cannot)
}

/// Creates a directory, and removes what it contained.
///
/// # Errors
/// Returns an error if the directory cannot be removed or created.
pub(crate) fn empty_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && !HIDDEN.contains(&&*name);
    // If cargo builds in another directory, it does not mark this one, which then contains only the output of tasks.
    let is_output = name == "target" && folder.with_file_name("Cargo.lock").exists();
    !hidden && name != "node_modules" && !is_output && !folder.join("CACHEDIR.TAG").exists()
}
