//! Counts scanned files while a scan runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A handle to the number of files that a scan has finished, which another thread can read.
///
/// ```
/// let mut report = hh_scan::Report::default();
/// let progress = report.progress();
/// // While the scan runs, another thread can read the number from `progress`.
/// hh_scan::scan_reader("<stdin>", &b"no key"[..], &mut report);
/// assert_eq!(progress.files(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Progress {
    files: Arc<AtomicUsize>,
}

impl Progress {
    /// Returns the number of files, or of file versions in a repository, that were scanned so far.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.load(Ordering::Relaxed)
    }

    pub(crate) fn count_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }
}
