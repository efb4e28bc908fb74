//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use std::io::Result;
use std::path::Path;

#[path = "../../../fuzz/src/transport.rs"]
#[expect(unreachable_pub, reason = "the file is a library for the fuzz targets")]
#[expect(clippy::expect_used, reason = "a check fails by panicking")]
#[expect(clippy::panic, reason = "a check fails by panicking")]
mod checks;

/// Replays every file of a corpus, and names the file that fails.
fn replay(target: &str, check: impl Fn(&[u8])) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let entries = std::fs::read_dir(root.join(target))?;
    let files = entries.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<Result<Vec<_>>>()?;
    files.sort();
    assert!(files.len() >= 30, "{} files are too few", files.len());
    for file in files {
        let data = std::fs::read(&file)?;
        let check = std::panic::AssertUnwindSafe(|| check(&data));
        let replayed = std::panic::catch_unwind(check);
        assert!(replayed.is_ok(), "{} fails, see above", file.display());
    }
    Ok(())
}

#[test]
fn the_corpus_of_retry_after_holds() -> Result<()> {
    replay("retry_after", checks::retry_after)
}

#[test]
fn the_corpus_of_problem_body_holds() -> Result<()> {
    replay("problem_body", checks::problem_body)
}
