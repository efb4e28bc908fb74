//! Requests over a plain socket, so that no client library is between a test and the server.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use hh_testing::PATIENCE;
use serde_json::{Value, json};

/// Posts JSON on a new connection; an error means that no complete response arrived.
pub(crate) fn post(address: &str, key: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
    send(address, key, "POST", path, body)
}

/// Sends a request on a new connection; null means no body. An error means that no complete response arrived.
pub(crate) fn send(
    address: &str,
    key: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> io::Result<(u16, Value)> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let whole = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).ok()?))
    };
    whole().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Sends spans and returns after the server has confirmed them.
pub(crate) fn export(address: &str, key: &str, request: &Value) -> io::Result<()> {
    let (status, body) = post(address, key, "/opentelemetry/v1/traces", request)?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body, json!({}), "the server rejected spans");
    Ok(())
}

/// Returns an export request of spans of one event type in one trace.
pub(crate) fn spans(kind: &str, trace: u64, count: u64) -> Value {
    let spans: Vec<Value> = (1..=count)
        .map(|number| {
            json!({
                "traceId": format!("{trace:032x}"),
                "spanId": format!("{number:016x}"),
                "name": "span",
                "kind": 1,
                "startTimeUnixNano": "1795461676880265471",
                "endTimeUnixNano": "1795461676880929739",
                "attributes": [{"key": "honeyhive_event_type", "value": {"stringValue": kind}}],
            })
        })
        .collect();
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

/// Counts the events of a type.
pub(crate) fn count(address: &str, key: &str, kind: &str) -> u64 {
    let filter = json!({"field": "event_type", "operator": "is", "value": kind, "type": "string"});
    let mut count = 0;
    // The server counts only the rows that it reads: the total is exact on the last page.
    for page in 1.. {
        let body = json!({"filters": [filter], "limit": 1000, "page": page});
        let (status, body) = post(address, key, "/v1/events/export", &body).unwrap();
        assert_eq!(status, 200, "{body}");
        let events = body["events"].as_array().unwrap().len() as u64;
        count += events;
        if events < 1000 {
            assert_eq!(body["count"], count);
            break;
        }
    }
    count
}
