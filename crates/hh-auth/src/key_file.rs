//! Notices that a key file has changed: a mounted secret is replaced under a running program.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file is looked at once in so long.
const EVERY: Duration = Duration::from_secs(1);

/// What is remembered of a file that a key was read from.
#[derive(Debug)]
pub struct KeyFileWatch {
    path: PathBuf,
    seen: Option<FileIdentity>,
    looked: Instant,
}

/// What changes when a file is replaced, also behind a link: Kubernetes swaps a link to the directory above it.
#[derive(Debug, PartialEq, Eq)]
struct FileIdentity {
    resolved: PathBuf,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

impl KeyFileWatch {
    /// Begins to watch. Call it before the file is read: what changes in between is noticed then.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            seen: identify(&path),
            path,
            looked: Instant::now(),
        }
    }

    /// Tells whether the file is another one by now; it looks at most once a second, and costs next to nothing else.
    pub fn has_changed(&mut self) -> bool {
        let now = Instant::now();
        if now.saturating_duration_since(self.looked) < EVERY {
            return false;
        }
        self.looked = now;
        // A file that is gone is on its way to be replaced, and what it held still counts.
        identify(&self.path).is_some_and(|seen| Some(seen) != self.seen)
    }
}

fn identify(path: &Path) -> Option<FileIdentity> {
    let resolved = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&resolved).ok()?;
    Some(FileIdentity {
        resolved,
        device: metadata.dev(),
        inode: metadata.ino(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        length: metadata.len(),
    })
}
