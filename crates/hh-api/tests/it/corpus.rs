//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use hh_testing::replay;

#[path = "../../../../fuzz/src/otlp.rs"]
#[expect(unreachable_pub, reason = "the file is a library for the fuzz targets")]
mod checks;

#[test]
fn the_corpus_of_otlp_pb_holds() {
    replay("otlp_pb", checks::otlp_pb);
}

#[test]
fn the_corpus_of_otlp_json_holds() {
    replay("otlp_json", checks::otlp_json);
}
