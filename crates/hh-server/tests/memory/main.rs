//! Tests the memory that hostile bodies use. The server runs in this process, and the measured memory is that of the
//! whole process. This program therefore has only one test: the memory of a concurrent test would be counted too.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its figures are printed"
)]

mod measure;
mod patches;
mod slow;
#[path = "../it/spans.rs"]
mod spans;
#[expect(dead_code, reason = "the other test program uses the rest")]
#[path = "../it/support.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flate2::{Compress, Compression, Crc, FlushCompress};
use hh_auth::Level;
use opentelemetry_proto::tonic::trace::v1::Span;

use measure::{MIB, dotted_names, gzip, memory, reset_peak};
use spans::{SESSION, encode, in_session, span};
use support::{Client, Connection, JSON, PROTOBUF, TRACES, TestServer, within};

const DEPTH: usize = 20_000;

/// Returns a gzip file of about 1 MiB that decompresses to 1 GiB of zeros: one flushed block of 1 MiB, 1,024 times.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; MIB];
    let mut block = Vec::with_capacity(64 * 1024);
    let mut compress = Compress::new(Compression::best(), false);
    compress
        .compress_vec(&zeros, &mut block, FlushCompress::Full)
        .unwrap();
    assert_eq!(compress.total_in(), MIB as u64);
    let mut sum = Crc::new();
    sum.update(&zeros);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    for _ in 0..1024 {
        bytes.extend_from_slice(&block);
    }
    for _ in 0..10 {
        let mut half = Crc::new();
        half.combine(&sum);
        sum.combine(&half);
    }
    // The file ends with an empty block, the checksum and the length.
    bytes.extend_from_slice(&[3, 0]);
    bytes.extend_from_slice(&sum.sum().to_le_bytes());
    bytes.extend_from_slice(&(1_u32 << 30).to_le_bytes());
    bytes
}

/// A builder of a message from the inside out, with the bytes in reverse order.
struct MessageBuilder(Vec<u8>);

impl MessageBuilder {
    /// Wraps all current contents in a field.
    fn wrap(&mut self, field: u8) {
        let mut length = self.0.len();
        let mut varint = Vec::new();
        loop {
            let more = if length > 127 { 128 } else { 0 };
            varint.push(u8::try_from(length & 127).unwrap() | more);
            length >>= 7;
            if length == 0 {
                break;
            }
        }
        self.0.extend(varint.into_iter().rev());
        self.0.push(field << 3 | 2);
    }
}

/// Returns an export whose only attribute is deeply nested in lists or in objects.
fn deep_protobuf(objects: bool) -> Vec<u8> {
    let mut inside = MessageBuilder(Vec::new());
    for _ in 0..DEPTH {
        // The field of an AnyValue in the values of a list, or in a pair in the values of an object, and then the field
        // of the list or object in the AnyValue around it.
        if objects {
            inside.wrap(2);
        }
        inside.wrap(1);
        inside.wrap(if objects { 6 } else { 5 });
    }
    // The fields are KeyValue.value, Span.attributes, ScopeSpans.spans, ResourceSpans.scope_spans and resource_spans.
    for field in [2, 9, 2, 2, 1] {
        inside.wrap(field);
    }
    inside.0.reverse();
    inside.0
}

fn deep_json(open: &str, close: &str) -> Vec<u8> {
    let value = format!("{}{{}}{}", open.repeat(DEPTH), close.repeat(DEPTH));
    let attribute = format!("{{\"key\": \"k\", \"value\": {value}}}");
    format!("{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{{\"attributes\": [{attribute}]}}]}}]}}]}}").into_bytes()
}

async fn assert_refused(client: &Client, headers: &[(&str, &str)], body: &[u8], status: u16) {
    client
        .send("POST", TRACES, headers, body)
        .await
        .assert_problem(status);
}

/// Sends 100 MiB, or less if the server closes the connection before.
async fn send_huge(client: &Client) -> Connection {
    let mut connection = client.connect().await;
    let length = (100 * MIB).to_string();
    let head = client.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
    connection.write(&head).await;
    let zeros = vec![0; MIB];
    for _ in 0..100 {
        if !connection.write(&zeros).await {
            break;
        }
    }
    connection
}

/// Checks that the bomb is a valid gzip file that decompresses, with a correct checksum.
fn check(bytes: &[u8]) {
    use std::io::Read as _;

    assert!(bytes.len() < 2 * MIB, "{} bytes", bytes.len());
    let mut decoder = flate2::read::GzDecoder::new(bytes);
    let mut chunk = vec![0; MIB];
    for _ in 0..32 {
        decoder.read_exact(&mut chunk).unwrap();
    }
    // A bomb of 1 MiB proves that the checksum is correct, without decompressing 1 GiB.
    let small = {
        let start = 10;
        let block = (bytes.len() - start - 10) / 1024;
        let mut sum = Crc::new();
        sum.update(&vec![0; MIB]);
        let mut small = bytes[..start + block].to_vec();
        small.extend_from_slice(&[3, 0]);
        small.extend_from_slice(&sum.sum().to_le_bytes());
        small.extend_from_slice(&u32::try_from(MIB).unwrap().to_le_bytes());
        small
    };
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(&small[..])
        .read_to_end(&mut whole)
        .unwrap();
    assert_eq!(whole, vec![0; MIB]);
}

/// Measures the peak memory of a case, with its own server.
async fn measure(title: &str, case: impl AsyncFnOnce(&Client)) {
    const LIMIT: usize = 100;

    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    client
        .send("POST", TRACES, &[PROTOBUF], b"")
        .await
        .assert_ok_empty();
    reset_peak();
    let before = memory("VmRSS:");
    case(&client).await;
    let grown = memory("VmHWM:").saturating_sub(before) / 1024;
    println!("{title}: the peak grew by {grown} MiB");
    assert!(grown < LIMIT, "{title}: the peak grew by {grown} MiB");
    client
        .send("POST", TRACES, &[PROTOBUF], b"")
        .await
        .assert_ok_empty();
    server.stop().await;
}

fn export_of(spans: &str) -> String {
    format!("{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{spans}]}}]}}]}}")
}

/// Returns a span with attributes in JSON.
fn span_with(number: u8, attributes: &str) -> String {
    export_of(&format!(
        "{{\"traceId\": \"{number:032x}\", \"spanId\": \"{number:016x}\", \"attributes\": [{attributes}]}}"
    ))
}

fn text_attribute(name: &str, value: &str) -> String {
    format!("{{\"key\": \"{name}\", \"value\": {{\"stringValue\": \"{value}\"}}}}")
}

/// Wraps a value in a list of fields, from the inside out.
fn wrapped(inner: Vec<u8>, fields: &[u8]) -> Vec<u8> {
    let mut inside = MessageBuilder(inner.into_iter().rev().collect());
    for field in fields {
        inside.wrap(*field);
    }
    inside.0.reverse();
    inside.0
}

/// The fields around a value, from the inside out: pair, span, scope, resource and request.
const AROUND_ANY: [u8; 5] = [2, 9, 2, 2, 1];

/// A size just below the maximum size of a body, in bytes.
const SIZE: usize = 15 * MIB;

async fn bodies_that_are_packed_or_announced(bomb: &[u8]) {
    measure("a gzip bomb, twice", async |client: &Client| {
        for kind in [PROTOBUF, JSON] {
            assert_refused(client, &[kind, ("content-encoding", "gzip")], bomb, 413).await;
        }
    })
    .await;
    measure("100 MiB announced and sent", async |client: &Client| {
        send_huge(client).await.answer().await.assert_problem(413);
    })
    .await;
}

async fn bodies_that_are_deep() {
    let list = r#"{"arrayValue": {"values": ["#;
    let object = r#"{"kvlistValue": {"values": [{"key": "k", "value": "#;
    let json = [
        deep_json(list, "]}}"),
        deep_json(object, "}]}}"),
        deep_json("[", "]"),
        "[".repeat(DEPTH).into_bytes(),
    ];
    let ignored = deep_json("{\"a\": ", "}");
    measure("20,000 levels", async |client: &Client| {
        for body in [deep_protobuf(false), deep_protobuf(true)] {
            client.export(&body).await.assert_rejected(1);
        }
        for body in &json {
            let answer = client.send("POST", TRACES, &[JSON], body).await;
            match answer.status {
                // A body without a span.
                400 => drop(answer.assert_problem(400)),
                _ => drop(answer.assert_rejected(1)),
            }
        }
        // An unknown member is ignored at any depth.
        client
            .send("POST", TRACES, &[JSON], &ignored)
            .await
            .assert_ok();
        for (method, path) in [("POST", "/session/start"), ("PUT", "/events")] {
            for body in json.iter().chain([&ignored]) {
                client
                    .send(method, path, &[JSON], body)
                    .await
                    .assert_problem(400);
            }
        }
    })
    .await;
}

/// Values of two bytes in the body can need hundreds of bytes in memory, so the decoded size is limited too.
async fn bodies_of_many_small_values() {
    let many = format!("{}{{}}", "{},".repeat(SIZE / 3));
    for (title, body) in [
        ("empty spans", export_of(&many)),
        (
            "empty attributes",
            export_of(&format!("{{\"attributes\": [{many}]}}")),
        ),
    ] {
        measure(title, async |client: &Client| {
            assert_refused(client, &[JSON], body.as_bytes(), 413).await;
        })
        .await;
    }
    let empty = || [0x0a, 0].repeat(SIZE / 2);
    let mut deep = vec![];
    for _ in 0..12 {
        deep.extend([5, 1]);
    }
    deep.truncate(23);
    deep.extend(AROUND_ANY);
    for (title, body) in [
        ("empty resources", wrapped(empty(), &[])),
        ("empty scopes", wrapped(empty(), &[1])),
        (
            "items of an empty list",
            wrapped(empty(), &[&[5][..], &AROUND_ANY].concat()),
        ),
        ("items 12 lists deep", wrapped(empty(), &deep)),
    ] {
        measure(title, async |client: &Client| {
            assert_refused(client, &[PROTOBUF], &body, 413).await;
        })
        .await;
    }
    let numbers = format!("[{}0]", "0,".repeat(SIZE / 2));
    let session = format!("{{\"inputs\": {{\"a\": {numbers}}}}}");
    let plain = format!("{{\"session\": {session}}}");
    let quoted = format!("{{\"session\": \"{}\"}}", session.replace('"', "\\\""));
    let objects = |count: usize| {
        let objects = vec!["{\"a\":0}"; count].join(",");
        format!("{{\"session\": {{\"inputs\": {{\"a\": [{objects}]}}}}}}")
    };
    for (title, body, status) in [
        ("a session of 55,000 objects", objects(55_000), 200),
        ("a session of 95,000 objects", objects(95_000), 413),
        ("a session of numbers", plain, 413),
        ("a session of numbers in a string", quoted, 400),
    ] {
        measure(title, async |client: &Client| {
            let start = client.send("POST", "/session/start", &[JSON], body.as_bytes());
            let response = start.await;
            assert_eq!(response.status, status, "{title}: {}", response.text());
        })
        .await;
    }
}

/// The compressed attributes have dotted names that would create objects many times their size.
async fn bodies_of_dotted_names() {
    let one_span = encode(vec![dotted_names("honeyhive_outputs.", 45_000)]);
    let association = "traceloop.association.properties.honeyhive_inputs.";
    let renamed = encode(vec![dotted_names(association, 45_000)]);
    // The spans have the maximum number of objects per span, and the body has the maximum number of such spans.
    let mut spans = Vec::new();
    for number in 0..120 {
        let names = dotted_names("honeyhive_outputs.", 300);
        spans.push(Span {
            attributes: names.attributes,
            ..span(number, None, Vec::new())
        });
    }
    let many_spans = encode(spans);
    for (title, body, status) in [
        ("45,000 dotted names", one_span, 200),
        ("45,000 dotted names of associations", renamed, 200),
        ("120 spans of 300 dotted names", many_spans, 200),
    ] {
        let packed = gzip(&body);
        println!("{title}: {} KiB", packed.len() / 1024);
        measure(title, async |client: &Client| {
            let headers = [PROTOBUF, ("content-encoding", "gzip")];
            let response = client.send("POST", TRACES, &headers, &packed).await;
            assert_eq!(response.status, status, "{title}: {}", response.text());
        })
        .await;
    }
}

/// JSON in strings is parsed up to a limit, and text that becomes too large when it is stored is rejected.
async fn bodies_of_text() {
    let numbers = format!("[{}0]", "0,".repeat(SIZE / 2));
    let long = span_with(1, &text_attribute("honeyhive_inputs.a", &numbers));
    let value = format!("[{}0]", "{\\\"\\\":0},".repeat(4900));
    let many: Vec<_> = (0..200)
        .map(|number| text_attribute(&format!("honeyhive_inputs.a{number}"), &value))
        .collect();
    let many = span_with(2, &many.join(","));
    for (title, body) in [
        ("a long list in a string", long),
        ("200 lists in strings", many),
    ] {
        measure(title, async |client: &Client| {
            client
                .send("POST", TRACES, &[JSON], body.as_bytes())
                .await
                .assert_ok();
        })
        .await;
    }
    // Each of these bytes needs six bytes in JSON.
    let any = wrapped(vec![1; SIZE], &[1]);
    let span = [
        wrapped(vec![7; 16], &[1]),
        wrapped(vec![7; 8], &[2]),
        wrapped(any, &[2, 9]),
    ];
    let grows = wrapped(span.concat(), &[2, 2, 1]);
    measure("15 MiB of control characters", async |client: &Client| {
        client.export(&grows).await.assert_rejected(1);
    })
    .await;
    // An ordinary long string is accepted.
    let spaces = span_with(
        3,
        &text_attribute("honeyhive_inputs.a", &" ".repeat(4 * MIB)),
    );
    measure("4 MiB of blanks", async |client: &Client| {
        client
            .send("POST", TRACES, &[JSON], spaces.as_bytes())
            .await
            .assert_ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_use_little_memory_and_do_not_delay_others() {
    let bomb = bomb();
    check(&bomb);
    bodies_that_are_packed_or_announced(&bomb).await;
    bodies_that_are_deep().await;
    bodies_of_many_small_values().await;
    bodies_of_text().await;
    bodies_of_dotted_names().await;
    slow::senders_of_announced_bodies().await;
    slow::readers_of_large_pages().await;
    pages_of_large_names().await;
    patches::patches_of_many_small_values().await;
    others_are_served(bomb).await;
}

/// Older versions stored names of any length, so the size of names counts toward the size of a page.
async fn pages_of_large_names() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadOnly, "all").await;
    let database = rusqlite::Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO sessions (sid, project, id, name, started, listed, ended, implicit, body)
             VALUES (1, 1, zeroblob(16), 'old', 1, 1, 1, 0, CAST('{}' AS BLOB));
             WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200)
             INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body)
             SELECT 1, x, randomblob(16), zeroblob(16), 1, 3, hex(zeroblob(1048576)), x, CAST('{}' AS BLOB) FROM n;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    drop(database);
    reset_peak();
    let before = memory("VmRSS:");
    for page in 1..=4 {
        // The page is sent in two parts.
        let wanted = format!("{{\"limit\": 6, \"page\": {page}}}");
        let body = wanted.as_bytes();
        let answer = client
            .send("POST", "/v1/events/export", &[JSON], body)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body.len());
        assert!(answer.body.len() > 12 * MIB, "{} bytes", answer.body.len());
    }
    let grown = memory("VmHWM:").saturating_sub(before) / 1024;
    println!("pages of 2 MiB names: the peak grew by {grown} MiB");
    // The memory contains one part of the page and the copy in this client.
    assert!(grown < 50, "the peak grew by {grown} MiB");
    server.stop().await;
}

/// Other clients are served while hostile bodies arrive continuously.
async fn others_are_served(bomb: Vec<u8>) {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let deep = deep_protobuf(true);
    let stop = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicUsize::new(0));
    let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
    let attack = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            let packed = [PROTOBUF, ("content-encoding", "gzip")];
            assert_refused(&hostile, &packed, &bomb, 413).await;
            hostile.export(&deep).await.assert_rejected(1);
            send_huge(&hostile).await.closed().await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let small = encode(vec![in_session(1, SESSION)]);
    let mut answered = 0;
    // Three complete rounds ensure that valid requests run concurrently with each kind of body.
    while answered < 30 || rounds.load(Ordering::Relaxed) < 3 {
        client.get("/v1/auth/whoami").await.assert_ok();
        client.export(&small).await.assert_ok_empty();
        answered += 1;
        assert!(!attack.is_finished(), "the attack stopped early");
    }
    println!("{answered} rounds were answered during the attack");
    stop.store(true, Ordering::Relaxed);
    within(attack).await.unwrap();
}
