//! Tests exports with unusual values: one bad value never costs its neighbors.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use super::spans::{attribute, encode, span};
use super::support::{Answer, Client, JSON, PROTOBUF, TRACES, TestServer};

const GOOD: &str = r#"{"traceId": "07070707070707070707070707070707", "spanId": "0101010101010101", "name": "good",
    "startTimeUnixNano": "1795461676000000000", "endTimeUnixNano": "1795461676001000000"}"#;

/// Returns an export in JSON of a good span and a span with these members.
fn with_good(members: &str) -> String {
    let odd = format!(
        r#"{{"traceId": "07070707070707070707070707070707", "spanId": "0202020202020202", "name": "odd",
        "startTimeUnixNano": "1795461676000000000", "endTimeUnixNano": "1795461676001000000", {members}}}"#
    );
    format!(r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{GOOD}, {odd}]}}]}}]}}"#)
}

async fn send_json(client: &Client, body: impl AsRef<[u8]>) -> Answer {
    client.send("POST", TRACES, &[JSON], body.as_ref()).await
}

/// Returns the stored events by their names.
async fn named(client: &Client, name: &str) -> Vec<Value> {
    let list = client.events(&json!({})).await;
    let events = list["events"].as_array().unwrap().iter();
    let found = events.filter(|event| event["event_name"] == name);
    found
        .filter(|event| event["event_type"] != "session")
        .cloned()
        .collect()
}

/// Returns an attribute `a` with a value in JSON.
fn value(value: &str) -> String {
    format!(r#""attributes": [{{"key": "a", "value": {value}}}]"#)
}

#[tokio::test]
async fn odd_values_of_json_are_stored_with_their_value() {
    let nested = r#"{"arrayValue": {"values": [null, {"intValue": "7"}, {}, {"kvlistValue": {"values": [
        {"key": "k", "value": null}, {"key": "n", "value": {"doubleValue": "-Infinity"}}]}}]}}"#;
    for (members, expected) in [
        (
            value(r#"{"stringValue": "hi \ud83d"}"#),
            json!("hi \u{fffd}"),
        ),
        (value(r#"{"intValue": 1e+21}"#), json!(1e21)),
        (
            value(r#"{"intValue": "1180591620717411303424"}"#),
            json!(1_180_591_620_717_411_303_424_f64),
        ),
        (
            value(r#"{"intValue": "18446744073709551615"}"#),
            json!(u64::MAX),
        ),
        (
            value(r#"{"intValue": "123456789012345678901234567890123456789"}"#),
            json!("123456789012345678901234567890123456789"),
        ),
        (value(r#"{"intValue": 3.0}"#), json!(3)),
        (value(r#"{"intValue": "1e3"}"#), json!(1000)),
        (
            value(r#"{"arrayValue": {"values": [null]}}"#),
            json!([null]),
        ),
        (
            value(nested),
            json!([null, 7, null, {"k": null, "n": "-Infinity"}]),
        ),
        (value(r#"{"doubleValue": "0.5"}"#), json!(0.5)),
        (value(r#"{"doubleValue": NaN}"#), json!("NaN")),
        (value(r#"{"bytesValue": "3q0="}"#), json!("3q0=")),
        (value(r#"{"bytesValue": "3q0"}"#), json!("3q0=")),
        (value(r#"{"bytesValue": "_-8"}"#), json!("/+8=")),
        (
            value(r#"{"StringValue": "x", "n": [1e400]}"#),
            json!({"StringValue": "x", "n": ["1e400"]}),
        ),
    ] {
        let server = TestServer::start().await;
        let answer = send_json(&server.admin(), with_good(&members)).await;
        assert_eq!(answer.assert_ok(), json!({}), "{members}");
        assert_eq!(named(&server.admin(), "good").await.len(), 1, "{members}");
        // Compared as text, because a parser may round the last digit of a double.
        let wanted = json!({"filters": []});
        let events = server
            .admin()
            .post("/v1/events/export", &wanted)
            .await
            .text();
        let stored = format!("\"metadata\":{{\"a\":{expected}");
        assert!(events.contains(&stored), "{members}: {stored} in {events}");
    }
}

#[tokio::test]
async fn odd_members_of_a_span_are_read() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for (number, (members, check)) in [
        (r#""parentSpanId": "0000000000000000""#, "root"),
        (
            r#""parentSpanId": "", "status": null, "events": null"#,
            "root",
        ),
        (r#""parentSpanId": null, "kind": "CLIENT""#, "root"),
        (r#""startTimeUnixNano": 1.795461676e+18"#, "start"),
        (r#""status": {"code": "2", "message": "bad"}"#, "error"),
        (
            r#""status": {"code": "STATUS_CODE_ERROR", "message": "bad"}"#,
            "error",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("{:016x}", number + 1);
        let body = with_good(members)
            .replace("0202020202020202", &id)
            .replace("\"odd\"", &format!("\"odd {number}\""));
        assert_eq!(send_json(&admin, body).await.assert_ok(), json!({}));
        let event = &named(&admin, &format!("odd {number}")).await[0];
        match check {
            "root" => assert_eq!(event["parent_id"], event["session_id"], "{members}"),
            "start" => assert_eq!(event["start_time"], 1_795_461_676_000.0),
            _ => assert_eq!(event["error"], "bad", "{members}"),
        }
    }
}

#[tokio::test]
async fn a_span_that_cannot_be_stored_is_rejected_alone_with_the_reason() {
    let deep = format!(
        "{}{{}}{}",
        r#"{"arrayValue": {"values": ["#.repeat(65),
        "]}}".repeat(65)
    );
    for (members, reason) in [
        (
            r#""traceId": "00000000000000000000000000000000""#.to_owned(),
            "the trace id",
        ),
        (r#""traceId": "0707""#.to_owned(), "the trace id"),
        (r#""spanId": null"#.to_owned(), "the span id"),
        (r#""spanId": "0000000000000000""#.to_owned(), "the span id"),
        (r#""startTimeUnixNano": "yesterday""#.to_owned(), "a time"),
        (r#""endTimeUnixNano": -1"#.to_owned(), "a time"),
        (value(&deep), "nested deeper than 64 levels"),
        (r#""attributes": 5"#.to_owned(), "not a list"),
    ] {
        let server = TestServer::start().await;
        let answer = send_json(&server.admin(), with_good(&members)).await;
        let message = answer.assert_rejected(1);
        assert!(
            message.starts_with("1 span: ") && message.contains(reason),
            "{members}: {message}"
        );
        assert_eq!(named(&server.admin(), "good").await.len(), 1, "{members}");
        assert!(named(&server.admin(), "odd").await.is_empty(), "{members}");
    }
}

#[tokio::test]
async fn invalid_utf8_and_damage_in_protobuf_cost_only_themselves() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let named_span = |number, name: &str, value: &str| Span {
        name: name.to_owned(),
        ..span(
            number,
            None,
            vec![attribute("a", Any::StringValue(value.to_owned()))],
        )
    };
    let mut body = encode(vec![
        named_span(1, "good", "v"),
        named_span(2, "odd", "hi \u{1f41d}"),
    ]);
    // A character of four bytes loses its end.
    let at = body
        .windows(4)
        .rposition(|bytes| bytes == "\u{1f41d}".as_bytes())
        .unwrap();
    body[at + 2..at + 4].copy_from_slice(b"!!");
    admin.export(&body).await.assert_ok_empty();
    assert_eq!(
        named(&admin, "odd").await[0]["metadata"]["a"],
        "hi \u{fffd}!!"
    );
    assert_eq!(named(&admin, "good").await[0]["metadata"]["a"], "v");

    let mut body = encode(vec![
        named_span(3, "kept", "v"),
        named_span(4, "damaged", "v"),
    ]);
    let at = body
        .windows(7)
        .position(|bytes| bytes == b"damaged")
        .unwrap();
    // The length of the name exceeds the span.
    body[at - 1] = 0x7f;
    let message = admin.export(&body).await.assert_rejected(1);
    assert_eq!(message, "1 span: the span is damaged or truncated");
    assert_eq!(named(&admin, "kept").await.len(), 1);
}

#[tokio::test]
async fn bytes_are_equal_from_both_encodings() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let bytes = vec![attribute("a", Any::BytesValue(vec![0xde, 0xad]))];
    admin
        .export(&encode(vec![span(3, None, bytes)]))
        .await
        .assert_ok_empty();
    send_json(&admin, with_good(&value(r#"{"bytesValue": "3q0="}"#)))
        .await
        .assert_ok();
    for name in ["span 3", "odd"] {
        assert_eq!(named(&admin, name).await[0]["metadata"]["a"], "3q0=");
    }
}

#[tokio::test]
async fn a_body_that_is_no_export_of_traces_is_refused_with_what_was_expected() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut messages = Vec::new();
    for body in [
        r#"{"resourceMetrics": []}"#,
        r#"{"resourceLogs": []}"#,
        r#"{"spans": []}"#,
        "[]",
        r#"{"resourceSpans": "none"}"#,
        r#"{"resourceSpans": [{"scopespans": [{"spans": []}]}]}"#,
        r#"{"resourceSpans": [{"scopeSpans": [{"Spans": [{"name": "n"}]}]}]}"#,
    ] {
        messages.push(send_json(&admin, body).await.assert_problem(400));
    }
    insta::assert_snapshot!(messages.join("\n"), @"
    the body is an OTLP export of metrics; this server accepts traces: expected the member resourceSpans
    the body is an OTLP export of logs; this server accepts traces: expected the member resourceSpans
    the body is not an OTLP trace export; expected an object with the member resourceSpans
    the body is not an OTLP trace export; expected an object with the member resourceSpans
    the member resourceSpans is not a list; expected a list of objects with the member scopeSpans
    the body contains no span; expected the members scopeSpans in resourceSpans, and spans in scopeSpans
    the body contains no span; expected the members scopeSpans in resourceSpans, and spans in scopeSpans
    ");
    // In addition to spans, a misspelled group is counted.
    let beside = with_good("\"kind\": 1").replace(
        r#""resourceSpans": ["#,
        r#""resourceSpans": [{"scopespans": [{}]}, "#,
    );
    let message = send_json(&admin, beside).await.assert_rejected(1);
    assert_eq!(
        message,
        "1 span: a group of spans has no member scopeSpans or spans"
    );
    let original_names = with_good("\"kind\": 1")
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans")
        .replace("traceId", "trace_id")
        .replace("spanId", "span_id");
    assert_eq!(
        send_json(&admin, original_names).await.assert_ok(),
        json!({})
    );
    assert_eq!(named(&admin, "odd").await.len(), 1);
}

/// Returns an encoded field of a message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    assert!(length < 0x80);
    [&[number << 3 | 2, length][..], bytes].concat()
}

#[tokio::test]
async fn an_export_of_gauges_in_protobuf_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    // A data point with a time and a value.
    let point = [&[0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x31][..], &[2; 8]].concat();
    let gauge = field(5, &field(1, &point));
    for (name, description) in [
        ("requests", "the requests"),
        // As a span, the name is a trace id and the description a span id.
        ("0123456789abcdef", "01234567"),
    ] {
        let metric = [
            field(1, name.as_bytes()),
            field(2, description.as_bytes()),
            gauge.clone(),
        ];
        let body = field(1, &field(2, &field(2, &metric.concat())));
        let message = admin.export(&body).await.assert_problem(400);
        assert_eq!(
            message,
            "the body contains no readable span; expected an OTLP trace export"
        );
    }
    assert_eq!(admin.events(&json!({})).await["count"], 0);
}

#[tokio::test]
async fn a_span_without_a_start_takes_no_time() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let end = r#""startTimeUnixNano": "0""#;
    send_json(&admin, with_good(end)).await.assert_ok();
    let event = &named(&admin, "odd").await[0];
    assert_eq!(event["start_time"], 1_795_461_676_001.0);
    assert_eq!(event["duration"], 0.0);
    let neither = r#""startTimeUnixNano": null, "endTimeUnixNano": """#;
    let other = with_good(neither).replace("0202020202020202", "0303030303030303");
    send_json(&admin, other).await.assert_ok();
    let events = named(&admin, "odd").await;
    // Not in 1970.
    assert!(
        events
            .iter()
            .all(|event| event["start_time"].as_f64() > Some(1e12))
    );
    assert!(events.iter().all(|event| event["duration"] == 0.0));
}

#[tokio::test]
async fn exports_are_accepted_at_the_path_of_any_exporter() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for (number, path) in [
        "/opentelemetry/v1/traces",
        "/opentelemetry/v1/traces/",
        "/v1/traces",
        "/v1/traces/",
    ]
    .into_iter()
    .enumerate()
    {
        let body = encode(vec![span(
            u8::try_from(number).unwrap() + 1,
            None,
            Vec::new(),
        )]);
        admin
            .send("POST", path, &[PROTOBUF], &body)
            .await
            .assert_ok_empty();
        server
            .anonymous()
            .send("POST", path, &[PROTOBUF], &body)
            .await
            .assert_problem(401);
    }
    // Four spans of one trace and their session.
    assert_eq!(admin.events(&json!({})).await["count"], 5);
    admin
        .send("GET", "/v1/traces", &[], b"")
        .await
        .assert_problem(405);
}

#[tokio::test]
async fn errors_of_exports_in_protobuf_are_a_status_unless_the_client_accepts_json() {
    let server = TestServer::start().await;
    for (headers, kind) in [
        (vec![PROTOBUF], "application/x-protobuf"),
        (vec![PROTOBUF, ("accept", "*/*")], "application/x-protobuf"),
        (
            vec![
                PROTOBUF,
                ("accept", "application/x-protobuf, application/json"),
            ],
            "application/json",
        ),
        (vec![JSON], "application/json"),
    ] {
        for (client, status) in [(server.anonymous(), 401), (server.admin(), 400)] {
            let answer = client.send("POST", TRACES, &headers, b"\x0a\x05").await;
            assert_eq!(answer.header("content-type"), Some(kind));
            assert_ne!(answer.assert_problem(status), "");
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
        }
    }
}

#[tokio::test]
async fn the_traces_of_a_conversation_are_one_session_named_by_its_root() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let text = |key: &str, value: &str| attribute(key, Any::StringValue(value.to_owned()));
    let traces = [1_u8, 2].map(|trace| {
        let root = Span {
            trace_id: vec![trace; 16],
            name: format!("question {trace}"),
            ..span(trace * 10, None, Vec::new())
        };
        // Only the call of the model names the conversation, and it arrives first.
        let call = Span {
            trace_id: vec![trace; 16],
            ..span(
                trace * 10 + 1,
                Some(trace * 10),
                vec![text("gen_ai.conversation.id", "chat 5")],
            )
        };
        [call, root]
    });
    for trace in traces {
        admin
            .export(&encode(trace.to_vec()))
            .await
            .assert_ok_empty();
    }
    let list = admin.events(&json!({})).await;
    let events = list["events"].as_array().unwrap();
    assert_eq!(events.len(), 5, "one session");
    let session = events
        .iter()
        .find(|event| event["event_type"] == "session")
        .unwrap();
    assert_eq!(session["event_name"], "question 1");
    assert!(
        events
            .iter()
            .all(|event| event["session_id"] == session["event_id"])
    );
}
