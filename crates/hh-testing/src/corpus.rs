//! The committed corpora of the fuzz targets.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Checks every file of a fuzz target's corpus, and names the file whose check panics.
pub fn replay(target: &str, check: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let entries = std::fs::read_dir(root.join(target)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 30, "{} files are too few", files.len());
    for file in files {
        let data = std::fs::read(&file).unwrap();
        let checked = catch_unwind(AssertUnwindSafe(|| check(&data)));
        assert!(checked.is_ok(), "{} fails, see above", file.display());
    }
}
