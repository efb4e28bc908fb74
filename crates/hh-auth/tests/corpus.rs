//! Replays the committed corpora of the fuzz targets through the checks of the targets.

use hh_testing::replay;

#[path = "../../../fuzz/src/auth.rs"]
#[expect(unreachable_pub, reason = "the file is a library for the fuzz targets")]
#[expect(clippy::expect_used, reason = "a check fails by panicking")]
mod checks;

#[test]
fn the_corpus_of_api_key_parse_holds() {
    replay("api_key_parse", checks::api_key_parse);
}

#[test]
fn the_corpus_of_credentials_file_holds() {
    replay("credentials_file", checks::credentials_file);
}
