//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use std::path::Path;

#[path = "../../../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "the module is a library for the fuzz targets"
)]
#[expect(clippy::expect_used, reason = "a check fails by panicking")]
mod checks;

/// Replays every file of a corpus, and reports the name of the file that fails.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let folder = root.join(target);
    assert!(folder.is_dir(), "{} is not a folder", folder.display());
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(
        files.len() >= 30,
        "expected at least 30 files, found {}",
        files.len()
    );
    for file in files {
        let data = std::fs::read(&file).unwrap();
        let check = std::panic::AssertUnwindSafe(|| check(&data));
        let replayed = std::panic::catch_unwind(check);
        assert!(replayed.is_ok(), "{} fails, see above", file.display());
    }
}

#[test]
fn the_corpus_of_substitute_holds() {
    replay("substitute", checks::substitute);
}

#[test]
fn the_corpus_of_file_layer_holds() {
    replay("file_layer", checks::file_layer);
}
