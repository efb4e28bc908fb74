//! What hostile bodies cost. The server shares this process, and the figure is the process's: nextest runs each
//! test in a process of its own; with `cargo test` other tests would be counted too, hence one test here.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flate2::{Compress, Compression, Crc, FlushCompress};
use hh_auth::Level;

use super::spans::{SESSION, encode, in_session};
use super::support::{Client, Connection, JSON, PROTOBUF, TRACES, TestServer, within};

const MIB: usize = 1024 * 1024;
const DEPTH: usize = 20_000;

/// A figure of the process in KiB: `VmRSS` is what it has in use, `VmHWM` the most that it ever had.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines().map(|line| line.split_whitespace());
    let mut line = lines
        .find(|line| line.clone().next() == Some(name))
        .unwrap();
    line.nth(1).unwrap().parse().unwrap()
}

/// A gzip file of about 1 MiB that inflates to 1 GiB of zeros: one flushed MiB, 1,024 times.
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
    // An empty last block, the checksum and the length.
    bytes.extend_from_slice(&[3, 0]);
    bytes.extend_from_slice(&sum.sum().to_le_bytes());
    bytes.extend_from_slice(&(1_u32 << 30).to_le_bytes());
    bytes
}

/// Builds a message from the inside out, back to front.
struct Inside(Vec<u8>);

impl Inside {
    /// Makes all there is so far the value of a field.
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

/// An export whose one attribute is nested deeply, in lists or in objects.
fn deep_protobuf(objects: bool) -> Vec<u8> {
    let mut inside = Inside(Vec::new());
    for _ in 0..DEPTH {
        // AnyValue in a list's values, or in a pair's value in an object's values; then the AnyValue around it.
        if objects {
            inside.wrap(2);
        }
        inside.wrap(1);
        inside.wrap(if objects { 6 } else { 5 });
    }
    // KeyValue.value, Span.attributes, ScopeSpans.spans, ResourceSpans.scope_spans, resource_spans.
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

async fn refused(client: &Client, headers: &[(&str, &str)], body: &[u8], status: u16) {
    client
        .send("POST", TRACES, headers, body)
        .await
        .refused(status);
}

/// Sends 100 MiB, or as much of it as the server takes.
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

#[test]
fn the_bomb_is_a_real_one() {
    use std::io::Read as _;

    let bytes = bomb();
    assert!(bytes.len() < 2 * MIB, "{} bytes", bytes.len());
    let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
    let mut chunk = vec![0; MIB];
    for _ in 0..32 {
        decoder.read_exact(&mut chunk).unwrap();
    }
    // A bomb of one MiB, so that the checksum is proven without inflating 1 GiB.
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

#[tokio::test]
async fn bombs_and_deep_nests_are_refused_in_little_memory() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let bomb = bomb();
    let deep = [deep_protobuf(false), deep_protobuf(true)];
    let list = r#"{"arrayValue": {"values": ["#;
    let object = r#"{"kvlistValue": {"values": [{"key": "k", "value": "#;
    let json = [
        deep_json(list, "]}}"),
        deep_json(object, "}]}}"),
        deep_json("[", "]"),
        "[".repeat(DEPTH).into_bytes(),
    ];
    let ignored = deep_json("{\"a\": ", "}");
    client
        .send("POST", TRACES, &[PROTOBUF], b"")
        .await
        .ok_empty();
    let before = memory("VmRSS:");
    for kind in [PROTOBUF, JSON] {
        refused(&client, &[kind, ("content-encoding", "gzip")], &bomb, 413).await;
    }
    send_huge(&client).await.answer().await.refused(413);
    for body in &deep {
        refused(&client, &[PROTOBUF], body, 400).await;
    }
    for body in &json {
        refused(&client, &[JSON], body, 400).await;
    }
    // A member that nobody knows is skipped, however deep it is.
    client.send("POST", TRACES, &[JSON], &ignored).await.ok();
    for (method, path) in [("POST", "/session/start"), ("PUT", "/events")] {
        for body in json.iter().chain([&ignored]) {
            client.send(method, path, &[JSON], body).await.refused(400);
        }
    }
    let grown = (memory("VmHWM:") - before) / 1024;
    println!("the peak grew by {grown} MiB");
    assert!(grown < 100, "the peak grew by {grown} MiB");
    client
        .send("POST", TRACES, &[PROTOBUF], b"")
        .await
        .ok_empty();
}

/// Two bytes on the wire, hundreds in memory: what a body decodes to is bounded as well.
#[tokio::test]
async fn bodies_of_empty_values_are_refused_in_little_memory() {
    const SIZE: usize = 15 * MIB;
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let spans = |spans: String| {
        format!("{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{spans}]}}]}}]}}")
    };
    let empty = spans(format!("{}{{}}", "{},".repeat(SIZE / 3)));
    let attributes = spans(format!(
        "{{\"attributes\": [{}{{}}]}}",
        "{},".repeat(SIZE / 3)
    ));
    let text = format!("[{}0]", "0,".repeat(SIZE / 2));
    let packed = spans(format!(
        "{{\"traceId\": \"{:032x}\", \"spanId\": \"{:016x}\", \"attributes\": [{{\"key\": \"honeyhive_inputs.a\", \"value\": {{\"stringValue\": \"{text}\"}}}}]}}",
        7, 7
    ));
    let numbers = format!("{{\"session\": {{\"inputs\": {{\"a\": {text}}}}}}}");
    let wrapped = |fields: &[u8]| {
        let mut inside = Inside([0, 0x0a].repeat(SIZE / 2));
        for field in fields {
            inside.wrap(*field);
        }
        inside.0.reverse();
        inside.0
    };
    // Empty resources, spans and list items, each of field 1 or wrapped as the fields above it.
    let protobuf = [wrapped(&[]), wrapped(&[1]), wrapped(&[5, 2, 9, 2, 2, 1])];
    let before = memory("VmRSS:");
    for body in [&empty, &attributes] {
        refused(&client, &[JSON], body.as_bytes(), 413).await;
    }
    for body in &protobuf {
        refused(&client, &[PROTOBUF], body, 413).await;
    }
    let start = client.send("POST", "/session/start", &[JSON], numbers.as_bytes());
    start.await.refused(413);
    let grown = (memory("VmHWM:") - before) / 1024;
    println!("the peak grew by {grown} MiB");
    assert!(grown < 100, "the peak grew by {grown} MiB");
    // As much JSON in strings as fits: only the first of it is read, the rest stays text.
    let value = format!("[{}0]", "{\\\"\\\":0},".repeat(4900));
    let many: Vec<_> = (0..200)
        .map(|n| format!("{{\"key\": \"honeyhive_inputs.a{n}\", \"value\": {{\"stringValue\": \"{value}\"}}}}"))
        .collect();
    let many = spans(format!(
        "{{\"traceId\": \"{:032x}\", \"spanId\": \"{:016x}\", \"attributes\": [{}]}}",
        8,
        8,
        many.join(",")
    ));
    let before = memory("VmRSS:");
    client
        .send("POST", TRACES, &[JSON], many.as_bytes())
        .await
        .ok();
    let grown = memory("VmHWM:").saturating_sub(before) / 1024;
    println!("strings of JSON: the peak grew by {grown} MiB");
    assert!(grown < 150, "the peak grew by {grown} MiB");
    // A long list in a string stays the string that it is.
    client
        .send("POST", TRACES, &[JSON], packed.as_bytes())
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_served_while_hostile_bodies_come() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let (bomb, deep) = (bomb(), deep_protobuf(true));
    let stop = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicUsize::new(0));
    let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
    let attack = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            let packed = [PROTOBUF, ("content-encoding", "gzip")];
            refused(&hostile, &packed, &bomb, 413).await;
            refused(&hostile, &[PROTOBUF], &deep, 400).await;
            send_huge(&hostile).await.closed().await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let small = encode(vec![in_session(1, SESSION)]);
    let mut answered = 0;
    // Three whole rounds, so that good requests met each kind of body.
    while answered < 30 || rounds.load(Ordering::Relaxed) < 3 {
        client.get("/v1/auth/whoami").await.ok();
        client.export(&small).await.ok_empty();
        answered += 1;
        assert!(!attack.is_finished(), "the attack goes on all the while");
    }
    println!("{answered} rounds were answered while the attack went on");
    stop.store(true, Ordering::Relaxed);
    within(attack).await.unwrap();
}
