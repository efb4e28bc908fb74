//! Detects changes of a key file, such as a mounted secret that is replaced while the program runs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The minimum interval between two checks of a file.
const EVERY: Duration = Duration::from_secs(1);

/// A watch that detects changes of the file that a key was read from.
#[derive(Debug)]
pub struct KeyFileWatch {
    path: PathBuf,
    seen: Option<FileIdentity>,
    looked: Instant,
}

/// The identity of a file, which changes when the file is replaced. It includes the resolved path, because Kubernetes
/// replaces a link to the parent directory.
#[derive(Debug, PartialEq, Eq)]
struct FileIdentity {
    resolved: PathBuf,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

impl KeyFileWatch {
    /// Creates a watch. Create it before you read the file, so that it detects every change after the read.
    ///
    /// A file that is not a regular file, such as a named pipe, never counts as changed.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            seen: identify(&path),
            path,
            looked: Instant::now(),
        }
    }

    /// Returns whether the file has changed since the watch was created. A missing file does not count as changed.
    ///
    /// The method checks the file at most once per second. Other calls return `false`.
    pub fn has_changed(&mut self) -> bool {
        let now = Instant::now();
        if now.saturating_duration_since(self.looked) < EVERY {
            return false;
        }
        self.looked = now;
        // A missing file is usually about to be replaced, so its last contents remain valid.
        identify(&self.path).is_some_and(|seen| Some(seen) != self.seen)
    }
}

fn identify(path: &Path) -> Option<FileIdentity> {
    let resolved = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&resolved).ok()?;
    if !metadata.is_file() {
        return None;
    }
    Some(FileIdentity {
        resolved,
        device: metadata.dev(),
        inode: metadata.ino(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        length: metadata.len(),
    })
}
