//! Replays the committed corpus of the fuzz target through its checks.

use hh_testing::replay;

#[path = "../../../../fuzz/src/filter.rs"]
#[expect(unreachable_pub, reason = "the file is a library for the fuzz targets")]
mod checks;

#[test]
fn the_corpus_of_event_filter_holds() {
    replay("event_filter", checks::event_filter);
}
