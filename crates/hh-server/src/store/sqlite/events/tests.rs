use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::event_ids::{IdScheme, SpanIdentity, SpanParent, session_of_trace};
use crate::testing::InProcess;

const TRACES: &str = "/opentelemetry/v1/traces";
/// The number of spans for five full parts and a shorter one.
const SPANS: usize = 5 * MAX_PART + 100;

/// Returns an export of spans in one session each.
fn export() -> Value {
    let spans: Vec<_> = (1..=SPANS)
        .map(|number| {
            json!({
                "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "n",
                "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001",
            })
        })
        .collect();
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

fn count(connection: &Connection) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM events";
    let count = connection.query_row(sql, [], |row| row.get::<_, isize>(0))?;
    Ok(count.unsigned_abs())
}

/// Polls an export until a part of it is stored. It only continues when it is polled again.
async fn until_stored(server: &InProcess, export: &mut (impl Future + Unpin)) {
    let database = Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    let stored = async {
        while count(&database).unwrap() == 0 {
            let is_done = poll_fn(|cx| Poll::Ready(Pin::new(&mut *export).poll(cx).is_ready()));
            assert!(
                !is_done.await,
                "the export was answered before anything was stored"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, stored).await.unwrap();
}

#[test]
fn a_key_change_does_not_wait_for_the_whole_of_a_large_export() {
    let server = InProcess::start();
    server.runtime.block_on(async {
        let body = export();
        let mut export = Box::pin(server.send(&server.admin, "POST", TRACES, &body));
        until_stored(&server, &mut export).await;
        let writer = &server.app.store.engine.writer;
        let before = writer.submit_administration(count, |_| ()).wait().await;
        // One part is stored, and another one may be queued.
        assert!(before.unwrap() <= 2 * MAX_PART);
        assert_eq!(export.await, (200, json!({})));
        let stored = writer.submit(count).wait().await;
        assert_eq!(stored.unwrap(), SPANS);
    });
}

#[test]
fn an_export_whose_key_is_revoked_in_between_reports_how_much_was_stored() {
    let server = InProcess::start();
    let wanted = json!({"name": "test", "level": "ingest_only", "projects": "all"});
    let (_, minted) = server.call(&server.admin, "POST", "/v1/api_keys", &wanted);
    let (id, key) = (minted["id"].as_str(), minted["key"].as_str().unwrap());
    server.runtime.block_on(async {
        let body = export();
        let mut export = Box::pin(server.send(key, "POST", TRACES, &body));
        until_stored(&server, &mut export).await;
        let path = format!("/v1/api_keys/{}", id.unwrap());
        let revoked = server.send(&server.admin, "DELETE", &path, &Value::Null);
        assert_eq!(revoked.await.0, 200);
        let (status, answer) = export.await;
        assert_eq!((status, &answer["errorCode"]), (401, &json!("KEY_REVOKED")));
        let stored = server.app.store.engine.writer.submit(count).wait().await;
        let stored = stored.unwrap();
        assert!((1..=2 * MAX_PART).contains(&stored), "{stored}");
        assert_eq!(
            answer["message"],
            format!("the request failed after {stored} of its events were stored; retry the whole request (no event is stored twice)")
        );
    });
}

/// The rows of a database from before ids began with bits of their trace.
#[test]
fn a_span_of_a_trace_that_an_earlier_version_stored_keeps_its_session_and_its_id() {
    let server = InProcess::start();
    let (trace, span) = ([1; 16], [2; 8]);
    let export = |attributes: Value| {
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "01".repeat(16), "spanId": "02".repeat(8), "name": "n", "attributes": attributes,
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001",
        }]}]}]})
    };
    let sent = server.call(&server.admin, "POST", TRACES, &export(json!([])));
    assert_eq!(sent, (200, json!({})));
    let database = Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    let project = database.query_row("SELECT project FROM events", [], |row| row.get(0));
    let project = hh_auth::ProjectId::new(project.unwrap());
    let identity = SpanIdentity::new(project, trace, span, SpanParent::Session);
    let session = session_of_trace(project, &trace);
    let (id, _) = EventIdentity::Span(identity).ids(IdScheme::Digest, session);
    let changed = database.execute("UPDATE events SET id = ?1", [id.as_bytes()]);
    assert_eq!(changed.unwrap(), 1);
    database
        .execute("UPDATE sessions SET id_scheme = 0", [])
        .unwrap();
    let named = json!([{"key": "session.id", "value": {"stringValue": "chat"}}]);
    for attributes in [json!([]), named] {
        let sent = server.call(&server.admin, "POST", TRACES, &export(attributes));
        assert_eq!(sent, (200, json!({})));
        let counts = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sessions)";
        let counts: (i64, i64) = database
            .query_row(counts, [], |row| row.try_into())
            .unwrap();
        assert_eq!(counts, (1, 1));
    }
}
