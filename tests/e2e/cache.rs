//! Directories with installed official clients, created once below the target directory.

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use hh_testing::write;

use super::support::profile_dir;

/// Returns a directory that `install` filled for these contents. Without it, prints the reason, and fails if CI is set
/// (see `docs/design/decisions.md#q3`).
pub(crate) fn installed(
    kind: &str,
    contents: impl Hash,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    match directory(kind, contents, install) {
        Ok(dir) => Some(dir),
        Err(why) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "the official clients cannot be installed: {why}"
            );
            println!("skipped: the official clients cannot be installed: {why}");
            None
        }
    }
}

fn directory(
    kind: &str,
    contents: impl Hash,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    let name = format!("{kind}-{:016x}", hasher.finish());
    let cache = profile_dir().parent().unwrap().join("hh-e2e");
    fs::create_dir_all(&cache).unwrap();

    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(cache.join(format!("{name}.lock")))
        .unwrap();
    lock.lock().unwrap();
    let dir = cache.join(&name);
    let complete = dir.join("complete");
    if !complete.exists() {
        // A directory of an interrupted test.
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        install(&dir)?;
        write(&complete, "");
    }
    Ok(dir)
}

/// Runs a command and returns its stdout.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let failed = |why: String| format!("{}: {why}", command.get_program().display());
    let output = output.map_err(|error| failed(error.to_string()))?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(failed(text(&output.stderr)))
    }
}
