use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use hh_api::operations::Health;
use http::Method;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::testing::InProcess;

/// Collects the lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.bytes())).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Logs what this thread does from now on.
fn log() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(lines.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

/// The one line of a request that failed, which has the id of the response and no key.
#[track_caller]
fn line_of(lines: &Lines, response: &Value, key: &str) -> Value {
    let all = lines.take();
    assert_eq!(all.len(), 1, "{all:?}");
    let line = all.into_iter().next().unwrap();
    assert_eq!(line["request_id"], response["request_id"], "{line}");
    assert!(!line.to_string().contains(key), "the key is in the log");
    line
}

#[test]
fn a_request_that_is_rejected_leaves_one_line_with_its_id() {
    let server = InProcess::start();
    let (lines, _guard) = log();
    let key = "hh_0123456789abcdef0123456789abcdef";
    let (status, response) = server.call(key, "GET", "/v1/projects", &Value::Null);
    let line = line_of(&lines, &response, key);
    assert_eq!((status, &line["status"]), (401, &401.into()));
    assert_eq!(
        (&line["level"], &line["path"]),
        (&"INFO".into(), &"/v1/projects".into())
    );
    assert_eq!(line["cause"], response["message"]);

    let (status, response) = server.call(&server.admin, "GET", "/v1/api_keys/NOBODY", &Value::Null);
    let line = line_of(&lines, &response, &server.admin);
    assert_eq!((status, &line["status"]), (404, &404.into()));
    // The values of the path may be anything.
    assert_eq!(line["path"], "/v1/api_keys/{id}");
    assert!(
        line["key"].as_str().is_some_and(|id| !id.is_empty()),
        "{line}"
    );

    let (status, response) = server.call(key, "GET", &format!("/{key}"), &Value::Null);
    let line = line_of(&lines, &response, key);
    assert_eq!((status, &line["path"]), (404, &Value::Null));
}

#[test]
fn an_error_of_sqlite_leaves_one_line_with_its_cause() {
    let server = InProcess::start();
    let database = rusqlite::Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    let rename = "PRAGMA legacy_alter_table = ON; ALTER TABLE owners RENAME TO moved";
    database.execute_batch(rename).unwrap();
    let (lines, _guard) = log();
    let (status, response) = server.call(&server.admin, "GET", "/v1/owners", &Value::Null);
    let line = line_of(&lines, &response, &server.admin);
    assert_eq!((status, &line["level"]), (500, &"ERROR".into()));
    let cause = line["cause"].as_str().unwrap();
    assert!(
        cause.contains("SQLite failed (code 1): no such table: owners"),
        "{cause}"
    );
    // What the client gets names no table.
    assert!(!response.to_string().contains("table"), "{response}");
}

fn out_of_order() -> ApiError {
    panic!("out of order")
}

#[test]
fn a_panic_leaves_one_line_with_its_message() {
    let server = InProcess::start();
    let (lines, _guard) = log();
    let handler = Handler::open::<Health, _, _>(async |_, (), _| Err(out_of_order()));
    let route = &OpId::Health.operation().routes[0];
    let request = Request::new(Body::empty());
    let future = serve(Arc::clone(&server.app), handler, route, request);
    let response = server.runtime.block_on(future);
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = response.headers()[REQUEST_ID].to_str().unwrap();
    let line = line_of(
        &lines,
        &serde_json::json!({"request_id": id}),
        &server.admin,
    );
    assert_eq!(line["level"], "ERROR");
    assert!(
        line["cause"].as_str().unwrap().ends_with("out of order"),
        "{line}"
    );
}

#[test]
fn work_on_another_thread_that_panics_leaves_its_message() {
    let server = InProcess::start();
    let work = server.app.large_work.run(|| -> () { panic!("too large") });
    let error = server.runtime.block_on(work).unwrap_err();
    assert!(error.cause().ends_with("too large"), "{}", error.cause());
}

#[test]
fn requests_that_succeed_are_logged_on_request() {
    let server = InProcess::start();
    let (lines, _guard) = log();
    let (status, _) = server.call(&server.admin, "GET", "/v1/projects", &Value::Null);
    assert_eq!((status, lines.take()), (200, vec![]));
    let logged = RequestLog {
        request_id: "1",
        method: &Method::GET,
        path: Some("/v1/projects"),
    };
    logged.succeeded(200, Some("KEYID"), std::time::Duration::from_millis(3));
    let line = lines.take().remove(0);
    assert_eq!(
        (&line["key"], &line["milliseconds"]),
        (&"KEYID".into(), &3.into())
    );
}
