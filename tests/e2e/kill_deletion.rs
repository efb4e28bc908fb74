//! A deletion that a kill interrupts continues when the server is started again.

use std::thread;

use hh_testing::{poll_until, rounds};
use serde_json::{Value, json};

use super::http::{count, export, post, send, spans};
use super::support::{TestDir, key_in};

const SPANS: u64 = 3000;
const ROUNDS: u32 = 3;
/// The event type of the session that is deleted.
const DELETED: &str = "model";
/// The event type of another session.
const KEPT: &str = "chain";

/// Returns the id of the session of the latest event of a type.
fn session(address: &str, key: &str, kind: &str) -> String {
    let filter = json!({"field": "event_type", "operator": "is", "value": kind});
    let query = json!({"filters": [filter], "limit": 1});
    let (_, page) = post(address, key, "/v1/events/export", &query).unwrap();
    page["events"][0]["session_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_whose_deletion_was_interrupted_by_kill_9_does_not_return() {
    let place = TestDir::new();
    let mut server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    export(server.address(), &key, &spans(KEPT, 2, 25)).unwrap();
    let deleted = spans(DELETED, 1, SPANS);
    let rounds = rounds(ROUNDS);
    for round in 0..rounds {
        let address = server.address().to_owned();
        // Events of a session that is being deleted are accepted and discarded.
        poll_until("the last deletion is complete", || {
            export(&address, &key, &deleted).unwrap();
            count(&address, &key, DELETED) == SPANS
        });
        let path = format!("/v1/sessions/{}", session(&address, &key, DELETED));
        thread::scope(|scope| {
            // The server may be killed before the response.
            scope.spawn(|| send(&address, &key, "DELETE", &path, &Value::Null));
            poll_until("the session is not found", || {
                let (status, _) = send(&address, &key, "GET", &path, &Value::Null).unwrap();
                status == 404
            });
            server.kill();
        });
        server = place.start();
        assert_eq!(count(server.address(), &key, DELETED), 0, "round {round}");
        assert_eq!(count(server.address(), &key, KEPT), 25, "round {round}");
    }
    println!(
        "soak: {rounds} deletions of {SPANS} events were interrupted by kill -9, and no event returned"
    );
}
