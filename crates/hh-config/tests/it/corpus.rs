//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use hh_testing::replay;

#[path = "../../../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "the module is a library for the fuzz targets"
)]
#[expect(clippy::expect_used, reason = "a check fails by panicking")]
mod checks;

#[test]
fn the_corpus_of_substitute_holds() {
    replay("substitute", checks::substitute);
}

#[test]
fn the_corpus_of_file_layer_holds() {
    replay("file_layer", checks::file_layer);
}
