//! Tests the conversion of OTLP traces to events.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hh_auth::Level;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Value, json};

use super::spans::{SESSION, attribute, encode, in_session, label, span};
use super::support::{Answer, Client, JSON, PROTOBUF, TRACES, TestServer, text};

const GZIP: (&str, &str) = ("content-encoding", "gzip");
const DEFLATE: (&str, &str) = ("content-encoding", "deflate");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(client: &Client, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    client.send("POST", TRACES, headers, body).await
}

/// Returns two spans with every kind of attribute.
fn spans() -> Vec<Span> {
    let any = |value| AnyValue { value: Some(value) };
    let list = ArrayValue {
        values: vec![
            any(Any::IntValue(1)),
            any(Any::StringValue("two".to_owned())),
        ],
    };
    let object = KeyValueList {
        values: vec![label("k", "v"), attribute("n", Any::IntValue(-5))],
    };
    let parent = span(
        1,
        None,
        vec![
            label("honeyhive.session_id", SESSION),
            label("honeyhive.source", "prod"),
            label("honeyhive_event_type", "chain"),
            label("honeyhive_event_name", "named"),
            label("honeyhive_inputs.opts", r#"{"deep": [1, 2]}"#),
            attribute("honeyhive_inputs.x", Any::IntValue(21)),
            attribute("attr.flag", Any::BoolValue(true)),
            attribute("attr.list", Any::ArrayValue(list)),
            attribute("attr.object", Any::KvlistValue(object)),
        ],
    );
    let mut child = span(
        2,
        Some(1),
        vec![
            label("traceloop.association.properties.session_id", SESSION),
            label("gen_ai.operation.name", "chat"),
            attribute("honeyhive_metrics.score", Any::DoubleValue(0.5)),
            label("honeyhive_outputs.result.text", "é \u{1f41d}"),
        ],
    );
    child.kind = 3;
    child.status = Some(Status {
        code: 2,
        message: "ValueError: boom".to_owned(),
    });
    vec![parent, child]
}

/// Returns the same spans in one of the dialects of JSON: with names and strings as in Python, or with numbers.
fn json_spans(names: bool) -> Vec<u8> {
    let number = |number: i64| {
        if names {
            json!(number.to_string())
        } else {
            json!(number)
        }
    };
    let time = |millis: i64| number(1_795_461_676_000_000_000 + millis * 1_000_000);
    let string = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut parent = json!({
        "traceId": "07".repeat(16), "spanId": "01".repeat(8), "name": "span 1", "flags": 257,
        "kind": if names { json!("SPAN_KIND_INTERNAL") } else { json!(1) },
        "status": if names { json!({"code": "STATUS_CODE_UNSET"}) } else { json!({}) },
        "startTimeUnixNano": time(1), "endTimeUnixNano": time(2),
        "attributes": [
            string("honeyhive.session_id", SESSION),
            string("honeyhive.source", "prod"),
            string("honeyhive_event_type", "chain"),
            string("honeyhive_event_name", "named"),
            string("honeyhive_inputs.opts", r#"{"deep": [1, 2]}"#),
            {"key": "honeyhive_inputs.x", "value": {"intValue": number(21)}},
            {"key": "attr.flag", "value": {"boolValue": true}},
            {"key": "attr.list", "value": {"arrayValue": {"values": [{"intValue": number(1)}, {"stringValue": "two"}]}}},
            {"key": "attr.object", "value": {"kvlistValue": {"values": [
                string("k", "v"), {"key": "n", "value": {"intValue": number(-5)}}]}}},
        ],
    });
    if names {
        parent["parentSpanId"] = Value::Null;
    }
    let child = json!({
        "traceId": "07".repeat(16), "spanId": "02".repeat(8), "parentSpanId": "01".repeat(8), "name": "span 2",
        "kind": if names { json!("SPAN_KIND_CLIENT") } else { json!(3) },
        "status": {"code": if names { json!("STATUS_CODE_ERROR") } else { json!(2) }, "message": "ValueError: boom"},
        "startTimeUnixNano": time(2), "endTimeUnixNano": time(3), "events": [],
        "attributes": [
            string("traceloop.association.properties.session_id", SESSION),
            string("gen_ai.operation.name", "chat"),
            {"key": "honeyhive_metrics.score", "value": {"doubleValue": 0.5}},
            string("honeyhive_outputs.result.text", "é \u{1f41d}"),
        ],
    });
    let scoped = json!([{"scope": {"name": "test"}, "spans": [parent, child]}]);
    let resource = json!({"attributes": [{"key": "service.name", "value": {}}]});
    let request = json!({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]});
    request.to_string().into_bytes()
}

/// Returns all events of the default project without the id of the project, which is random.
async fn stored(client: &Client) -> Value {
    let mut list = client.events(&json!({})).await;
    for event in list["events"].as_array_mut().unwrap() {
        event.as_object_mut().unwrap().remove("project_id").unwrap();
    }
    list
}

/// Returns the first event of a type. Events that start at the same time are in an arbitrary order.
fn of_type(list: &Value, wanted: fn(&str) -> bool) -> Value {
    let mut events = list["events"].as_array().unwrap().iter();
    let found = events.find(|event| wanted(event["event_type"].as_str().unwrap()));
    found.unwrap().clone()
}

#[tokio::test]
async fn every_encoding_stores_the_same_events() {
    let plain = encode(spans());
    let (names, numbers) = (json_spans(true), json_spans(false));
    let charset = ("content-type", "application/json; charset=utf-8");
    let capitals = ("content-type", "Application/X-Protobuf");
    let mut first = None;
    for (headers, body, empty) in [
        (vec![PROTOBUF], plain.clone(), true),
        (vec![PROTOBUF, GZIP], gzip(&plain), true),
        (vec![PROTOBUF, DEFLATE], deflate(&plain), true),
        (
            vec![PROTOBUF, ("content-encoding", "identity")],
            plain.clone(),
            true,
        ),
        (vec![capitals], plain.clone(), true),
        (vec![JSON], names.clone(), false),
        (vec![JSON], numbers, false),
        (
            vec![charset, ("content-encoding", "GZip")],
            gzip(&names),
            false,
        ),
        (vec![JSON, DEFLATE], deflate(&names), false),
    ] {
        let server = TestServer::start().await;
        let client = server.key(Level::IngestOnly, "all").await;
        let answer = send(&client, &headers, &body).await;
        if empty {
            answer.assert_ok_empty();
            assert_eq!(
                answer.header("content-type"),
                Some("application/x-protobuf")
            );
        } else {
            assert_eq!(answer.assert_ok(), json!({}));
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
        let events = stored(&server.admin()).await;
        assert_eq!(
            first.get_or_insert_with(|| events.clone()),
            &events,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn spans_become_events_below_their_session() {
    let server = TestServer::start().await;
    server
        .admin()
        .export(&encode(spans()))
        .await
        .assert_ok_empty();
    let list = stored(&server.admin()).await;
    assert_eq!(list["count"], 3);
    // Ids are derived from the number of the project, the trace and the span, so they are the same in every run.
    let events = list["events"].as_array().unwrap();
    let lines: Vec<_> = events.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"config":{},"duration":1.0,"end_time":1795461676003.0,"error":"ValueError: boom","event_id":"96cdd224-5ea7-8585-825c-42104f3eaca5","event_name":"span 2","event_type":"model","feedback":{},"inputs":{},"metadata":{"gen_ai.operation.name":"chat","scope":{"name":"test"},"span_kind":"client"},"metrics":{"score":0.5},"outputs":{"result":{"text":"é 🐝"}},"parent_id":"96cdd224-5ea7-83d7-9b39-c7094fb3bc91","session_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","source":"unknown","start_time":1795461676002.0,"user_properties":{}}
    {"config":{},"duration":1.0,"end_time":1795461676002.0,"event_id":"96cdd224-5ea7-83d7-9b39-c7094fb3bc91","event_name":"named","event_type":"chain","feedback":{},"inputs":{"opts":{"deep":[1,2]},"x":21},"metadata":{"attr.flag":true,"attr.list":[1,"two"],"attr.object":{"k":"v","n":-5},"scope":{"name":"test"},"trace_id":"07070707070707070707070707070707"},"metrics":{},"outputs":{},"parent_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","session_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","source":"prod","start_time":1795461676001.0,"user_properties":{}}
    {"config":{},"duration":2.0,"end_time":1795461676003.0,"event_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","event_name":"named","event_type":"session","feedback":{},"inputs":{},"metadata":{},"metrics":{},"outputs":{},"session_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","source":"prod","start_time":1795461676001.0,"user_properties":{}}
    "#);
}

#[tokio::test]
async fn a_resent_export_changes_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = encode(spans());
    admin.export(&body).await.assert_ok_empty();
    // Changes since the first export are not reverted, including the end of the session.
    let events = stored(&admin).await;
    let end = events["events"][2]["start_time"].as_f64().unwrap() + 0.5;
    let patch = json!({"event_id": SESSION, "metadata": {"seen": true}, "end_time": end});
    admin.put("/events", &patch).await.assert_ok();
    let before = stored(&admin).await;
    admin.export(&body).await.assert_ok_empty();
    assert_eq!(stored(&admin).await, before);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..5 {
        let (admin, body) = (admin.clone(), body.clone());
        tasks.spawn(async move {
            if number % 2 == 0 {
                admin.export(&body).await.assert_ok_empty();
            } else {
                send(&admin, &[JSON], &json_spans(true)).await.assert_ok();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(stored(&admin).await, before);
}

#[tokio::test]
async fn an_export_that_is_sent_five_times_at_once_is_stored_once() {
    let server = TestServer::start().await;
    let body = encode((1..=50).map(|number| in_session(number, SESSION)).collect());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (admin, body) = (server.admin(), body.clone());
        tasks.spawn(async move { admin.export(&body).await.assert_ok_empty() });
    }
    tasks.join_all().await;
    assert_eq!(server.admin().events(&json!({})).await["count"], 51);
}

#[tokio::test]
async fn the_order_of_arrival_does_not_matter() {
    let mut first = None;
    for order in [[0, 1], [1, 0]] {
        let server = TestServer::start().await;
        for at in order {
            let span = spans().swap_remove(at);
            server
                .admin()
                .export(&encode(vec![span]))
                .await
                .assert_ok_empty();
        }
        let mut events = stored(&server.admin()).await;
        // The session has the source of the span that created it, and the times of all spans.
        let session = events["events"].as_array_mut().unwrap().pop().unwrap();
        assert_eq!(session["event_id"], SESSION);
        assert_eq!(session["duration"], 2.0);
        let [child, parent] = &events["events"].as_array().unwrap()[..] else {
            panic!("expected two events");
        };
        assert_eq!(child["parent_id"], parent["event_id"]);
        assert_eq!(parent["parent_id"], SESSION);
        assert_eq!(first.get_or_insert_with(|| events.clone()), &events);
    }
}

#[tokio::test]
async fn a_session_that_starts_after_its_spans_gets_its_name_and_keeps_what_came_first() {
    let server = TestServer::start().await;
    let admin = server.admin();
    admin
        .export(&encode(vec![in_session(1, SESSION)]))
        .await
        .assert_ok_empty();
    let implicit = &stored(&admin).await["events"][1];
    assert_eq!(implicit["event_name"], "span 1");
    assert_eq!(implicit["event_type"], "session");
    let patch = json!({"event_id": SESSION, "metadata": {"early": 1}, "outputs": {"o": 1}});
    admin.put("/events", &patch).await.assert_ok();
    let session = json!({
        "session_id": SESSION, "session_name": "real name", "source": "prod",
        "inputs": {"q": "hello"}, "metadata": {"late": 2},
    });
    let start = json!({"session": session});
    let started = admin.post("/session/start", &start).await.assert_ok();
    assert_eq!(started["event_name"], "real name");
    assert_eq!(started["source"], "prod");
    assert_eq!(started["inputs"], json!({"q": "hello"}));
    assert_eq!(started["metadata"], json!({"early": 1, "late": 2}));
    assert_eq!(started["outputs"], json!({"o": 1}));
    assert_eq!(
        started["start_time"], implicit["start_time"],
        "the session starts with its first span"
    );
    let list = stored(&admin).await;
    assert_eq!(list["count"], 2);
    assert_eq!(list["events"][0]["session_id"], SESSION);
}

#[tokio::test]
async fn spans_without_a_session_share_one_for_their_trace() {
    let server = TestServer::start().await;
    let spans = vec![span(1, None, vec![]), span(2, Some(1), vec![])];
    server
        .admin()
        .export(&encode(spans))
        .await
        .assert_ok_empty();
    let list = stored(&server.admin()).await;
    assert_eq!(list["count"], 3);
    let session = of_type(&list, |kind| kind == "session")["event_id"].clone();
    let events = list["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event["session_id"] == session));
}

#[tokio::test]
async fn a_span_may_name_its_session_and_an_event_that_is_its_parent() {
    let server = TestServer::start().await;
    let parent = "01234567-89ab-4def-8123-456789abcdef";
    let labels = vec![
        label("honeyhive.session_id", "not a uuid"),
        label("honeyhive.session_name", "nightly"),
        label("honeyhive.parent_id", parent),
        label("honeyhive.project", "default"),
    ];
    server
        .admin()
        .export(&encode(vec![span(1, None, labels)]))
        .await
        .assert_ok_empty();
    let list = stored(&server.admin()).await;
    assert_eq!(list["events"][0]["parent_id"], parent);
    for name in ["session_name", "parent_id", "project"] {
        assert!(list["events"][0]["metadata"].get(name).is_none());
    }
    assert_eq!(list["events"][1]["event_name"], "nightly");
    let session = json!({"session_id": "not a uuid"});
    let start = json!({"session": session});
    let started = server
        .admin()
        .post("/session/start", &start)
        .await
        .assert_ok();
    assert_eq!(
        text(&started["session_id"]),
        text(&list["events"][1]["event_id"])
    );
}

#[tokio::test]
async fn spans_without_ids_are_left_out_and_the_rest_is_stored() {
    let server = TestServer::start().await;
    let mut spans = vec![
        span(1, None, vec![]),
        span(2, None, vec![]),
        span(3, None, vec![]),
    ];
    spans[0].trace_id = vec![];
    spans[1].span_id = vec![1; 7];
    spans[2].start_time_unix_nano = u64::MAX;
    spans[2].end_time_unix_nano = 0;
    let answer = server.admin().export(&encode(spans)).await;
    insta::assert_snapshot!(answer.assert_rejected(2), @"1 span: the trace id is not 16 bytes, or is zero; 1 span: the span id is not 8 bytes, or is zero");
    let list = stored(&server.admin()).await;
    assert_eq!(list["count"], 2);
    assert_eq!(list["events"][0]["duration"], 0.0);

    let json =
        br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz", "spanId": "01"}]}]}]}"#;
    let answer = send(&server.admin(), &[JSON], json).await.assert_ok();
    insta::assert_snapshot!(answer, @r#"{"partialSuccess":{"errorMessage":"1 span: the trace id is not 16 bytes, or is zero","rejectedSpans":"1"}}"#);
}

#[tokio::test]
async fn invalid_otlp_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = encode(spans());
    let mut messages = Vec::new();
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "application/grpc")],
        vec![PROTOBUF, ("content-encoding", "br")],
        vec![PROTOBUF, ("content-encoding", "gzip, gzip")],
    ] {
        messages.push(send(&admin, &headers, &body).await.assert_problem(415));
    }
    let packed = gzip(&body);
    let mut wrong_sum = packed.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    for (headers, body) in [
        (vec![PROTOBUF], &b"\xff\xff\xff garbage"[..]),
        (vec![PROTOBUF], &body[..body.len() - 1]),
        (vec![PROTOBUF], br#"{"resourceSpans": []}"#),
        (vec![JSON], b"garbage"),
        (vec![JSON], b""),
        (vec![JSON], br#"{"resourceSpans": 1}"#),
        (vec![JSON], &body),
        (vec![PROTOBUF, GZIP], &body),
        (vec![PROTOBUF, GZIP], &packed[..packed.len() - 9]),
        (vec![PROTOBUF, GZIP], &wrong_sum),
        (vec![PROTOBUF, DEFLATE], &packed),
    ] {
        messages.push(send(&admin, &headers, body).await.assert_problem(400));
    }
    insta::assert_snapshot!(messages.join("\n"), @"
    Content-Type must be application/x-protobuf or application/json
    Content-Type must be application/x-protobuf or application/json
    Content-Type must be application/x-protobuf or application/json
    Content-Encoding must be gzip, deflate, zstd or absent
    Content-Encoding must be gzip, deflate, zstd or absent
    the body is not an OTLP trace export in protobuf
    the body is not an OTLP trace export in protobuf
    the body is not an OTLP trace export in protobuf
    the body is not an OTLP trace export in JSON (line 1, column 1)
    the body is not an OTLP trace export in JSON (line 1, column 1)
    the member resourceSpans is not a list; expected a list of objects with the member scopeSpans
    the body is not an OTLP trace export in JSON (line 2, column 1)
    the body cannot be decompressed
    the body cannot be decompressed
    the body cannot be decompressed
    the body cannot be decompressed
    ");
    assert_eq!(stored(&admin).await["count"], 0);
    // An empty body is a valid export without spans.
    admin.export(b"").await.assert_ok_empty();
    send(&admin, &[JSON], b"{}").await.assert_ok();
}

#[tokio::test]
async fn a_chunked_body_is_read_whole() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = encode(spans());
    let mut connection = admin.connect().await;
    let headers = [PROTOBUF, ("transfer-encoding", "chunked")];
    connection
        .write(&admin.head("POST", TRACES, &headers))
        .await;
    for chunk in body.chunks(7) {
        let chunk = [
            format!("{:x};ext=1\r\n", chunk.len()).as_bytes(),
            chunk,
            b"\r\n",
        ]
        .concat();
        assert!(connection.write(&chunk).await);
    }
    connection.write(b"0\r\ntrailer: 1\r\n\r\n").await;
    connection.answer().await.assert_ok_empty();
    // The connection can be reused.
    connection
        .call(&admin, "POST", TRACES, &[PROTOBUF], &body)
        .await
        .assert_ok_empty();
    assert_eq!(stored(&admin).await["count"], 3);
}

/// Stores one span and reads it, because every accepted span must be readable.
async fn survives(attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>) -> Value {
    let server = TestServer::start().await;
    server
        .admin()
        .export(&encode(vec![span(1, None, attributes)]))
        .await
        .assert_ok_empty();
    let list = stored(&server.admin()).await;
    assert_eq!(list["count"], 2);
    of_type(&list, |kind| kind != "session")
}

#[tokio::test]
async fn an_attribute_name_with_many_dots_neither_stops_the_server_nor_makes_events_unreadable() {
    for dots in [10, 60, 124, 125, 126, 127, 128, 200, 300_000] {
        let key = format!("honeyhive_inputs{}", ".a".repeat(dots));
        survives(vec![label(&key, "v")]).await;
    }
}

#[tokio::test]
async fn json_in_a_string_that_is_nested_deeply_stays_readable() {
    for depth in [10, 90, 120, 124, 125, 126, 127, 128, 20_000] {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        survives(vec![label("honeyhive_inputs.x", &value)]).await;
        survives(vec![label("honeyhive_outputs.a.b.c.d.e", &value)]).await;
    }
    let event = survives(vec![
        label("honeyhive_inputs.x", "[[1]]"),
        label("honeyhive_inputs.y", "{no json"),
    ])
    .await;
    assert_eq!(event["inputs"], json!({"x": [[1]], "y": "{no json"}));
}

#[tokio::test]
async fn dotted_keys_that_are_in_each_others_way_lose_nothing() {
    let event = survives(vec![
        label("honeyhive_metadata.a", "1"),
        label("honeyhive_metadata.a.b", "2"),
        label("honeyhive_metadata.list.0", "x"),
        label("honeyhive_metadata.list.1", "y"),
        label("honeyhive_metadata..", "dots"),
        label("attr.int", "flat"),
    ])
    .await;
    let metadata = &event["metadata"];
    assert_eq!(metadata["a"], "1");
    assert_eq!(metadata["a.b"], "2");
    assert_eq!(metadata["list"], json!(["x", "y"]));
    assert_eq!(metadata["attr.int"], "flat");
}
