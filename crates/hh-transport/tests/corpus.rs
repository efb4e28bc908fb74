//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use hh_testing::replay;

#[path = "../../../fuzz/src/transport.rs"]
#[expect(unreachable_pub, reason = "the file is a library for the fuzz targets")]
#[expect(clippy::expect_used, reason = "a check fails by panicking")]
#[expect(clippy::panic, reason = "a check fails by panicking")]
mod checks;

#[test]
fn the_corpus_of_retry_after_holds() {
    replay("retry_after", checks::retry_after);
}

#[test]
fn the_corpus_of_problem_body_holds() {
    replay("problem_body", checks::problem_body);
}
