//! Sessions larger than the limit of one response.

use hh_testing::run;
use serde_json::json;

use super::http::{export, post, spans};
use super::support::{TestDir, key_in};

const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

#[test]
fn a_session_larger_than_a_page_is_shown_whole() {
    let place = TestDir::new();
    let server = place.start();
    let file = place.make_key(&server, "read_write");
    let key = key_in(&file);
    let start = json!({"session": {"session_id": SESSION, "session_name": "large"}});
    let (status, _) = post(server.address(), &key, "/session/start", &start).unwrap();
    assert_eq!(status, 200);
    for number in 1..=5_u64 {
        let mut request = spans("tool", number, 1);
        let attributes = request
            .pointer_mut("/resourceSpans/0/scopeSpans/0/spans/0/attributes")
            .unwrap();
        *attributes = json!([
            {"key": "honeyhive.session_id", "value": {"stringValue": SESSION}},
            {"key": "honeyhive_inputs.text", "value": {"stringValue": "x".repeat(3 << 20)}},
        ]);
        export(server.address(), &key, &request).unwrap();
    }
    let tree = ["event", "list", "--tree", "--session-id", SESSION];
    let shown = place.ask(&server, &file, &tree);
    assert_eq!(shown.lines().count(), 6, "{shown}");

    let mut command = place.command(&["event", "list", "--session-id", SESSION]);
    command
        .env("HH_BASE_URL", server.url())
        .env("HH_API_KEY_FILE", &file);
    let done = run(&mut command);
    assert_eq!(done.code, 0, "{done:?}");
    // A header, the session and its events, which the server returns in several pages.
    assert_eq!(done.stdout.lines().count(), 7, "{done:?}");
    assert_eq!(done.stderr, "");
    let few = [&["event", "list", "--limit", "2", "--session-id", SESSION][..]].concat();
    assert_eq!(place.ask(&server, &file, &few).lines().count(), 3);
}
