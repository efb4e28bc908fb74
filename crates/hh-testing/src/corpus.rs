//! The corpora of the fuzz targets in the repository.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Checks every file of a fuzz target's corpus, and names the file whose check panics.
pub fn replay(target: &str, check: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let entries = std::fs::read_dir(root.join(target)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(
        files.len() >= 30,
        "only {} corpus files, expected at least 30",
        files.len()
    );
    for file in files {
        let data = std::fs::read(&file).unwrap();
        let checked = catch_unwind(AssertUnwindSafe(|| check(&data)));
        assert!(checked.is_ok(), "{} fails, see above", file.display());
    }
}
