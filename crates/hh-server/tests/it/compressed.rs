//! Tests compressed bodies: every member is read, and other bytes are rejected.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hh_auth::Level;
use serde_json::json;

use super::spans::{SESSION, encode, in_session};
use super::support::{Answer, Client, JSON, PROTOBUF, TRACES, TestServer};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(client: &Client, kind: (&str, &str), encoding: &str, body: &[u8]) -> Answer {
    let headers = [kind, ("content-encoding", encoding)];
    client.send("POST", TRACES, &headers, body).await
}

fn spans(numbers: impl Iterator<Item = u8>) -> Vec<u8> {
    encode(numbers.map(|number| in_session(number, SESSION)).collect())
}

#[tokio::test]
async fn every_member_of_a_gzip_body_is_stored() {
    let json = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "00000000000000000000000000000001", "spanId": "0000000000000001"},
        {"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002"}]}]}]}"#;
    for members in [1, 2, 3, 10, 100] {
        let server = TestServer::start().await;
        let client = server.key(Level::ReadWrite, "all").await;
        // Concatenated messages form one message.
        let body = [spans(1..=10), spans(11..=20)].concat();
        let parts = body.chunks(body.len().div_ceil(members));
        let packed: Vec<u8> = parts.flat_map(gzip).collect();
        send(&client, PROTOBUF, "gzip", &packed)
            .await
            .assert_ok_empty();
        assert_eq!(client.events(&json!({})).await["count"], 21, "{members}");
        let parts = json.as_bytes().chunks(json.len().div_ceil(members));
        let packed: Vec<u8> = parts.flat_map(gzip).collect();
        send(&client, JSON, "gzip", &packed).await.assert_ok();
        // Empty members are valid too.
        let body = [
            gzip(&spans(31..=31)),
            gzip(b""),
            gzip(&spans(32..=32)),
            gzip(b""),
        ]
        .concat();
        send(&client, PROTOBUF, "gzip", &body)
            .await
            .assert_ok_empty();
        let count = client.events(&json!({})).await["count"].as_u64().unwrap();
        assert!(count >= 25, "{members}: {count}");
    }
}

#[tokio::test]
async fn bytes_after_a_compressed_body_are_400_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let body = spans(1..=20);
    let (packed, deflated) = (gzip(&body), zlib(&body));
    let mut wrong_sum = gzip(b"");
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let more = gzip(&spans(1..=3));
    let trailers = [
        vec![0],
        vec![0; 512],
        b"x".to_vec(),
        b"trailing bytes that are not a member".to_vec(),
        vec![0x1f],
        vec![0x1f, 0x8b],
        body.clone(),
        deflated.clone(),
        wrong_sum,
        more[..more.len() - 1].to_vec(),
        more[..more.len() / 2].to_vec(),
    ];
    for trailer in &trailers {
        let body = [&packed[..], trailer].concat();
        send(&client, PROTOBUF, "gzip", &body)
            .await
            .assert_problem(400);
        let body = [&deflated[..], trailer].concat();
        send(&client, PROTOBUF, "deflate", &body)
            .await
            .assert_problem(400);
    }
    // A second zlib stream is rejected: the format has no members.
    let twice = deflated.repeat(2);
    send(&client, PROTOBUF, "deflate", &twice)
        .await
        .assert_problem(400);
    assert_eq!(client.events(&json!({})).await["count"], 0);
    send(&client, PROTOBUF, "deflate", &deflated)
        .await
        .assert_ok_empty();
    assert_eq!(client.events(&json!({})).await["count"], 21);
}

#[tokio::test]
async fn a_truncated_compressed_body_is_400_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let body = spans(1..=20);
    let two = [gzip(&body), gzip(&body)].concat();
    for (encoding, packed) in [
        ("gzip", gzip(&body)),
        ("deflate", zlib(&body)),
        ("gzip", two),
    ] {
        let length = packed.len();
        let half = length / 2;
        // Half of two members is exactly one member.
        let ends = [0, 1, 2, 9, 10, 11, half - 1, half + 1];
        let last = (1..=9).map(|missing| length - missing);
        for end in ends.into_iter().chain(last) {
            let answer = send(&client, PROTOBUF, encoding, &packed[..end]).await;
            assert_eq!(answer.status, 400, "{encoding}, {end} of {length} bytes");
        }
    }
    assert_eq!(client.events(&json!({})).await["count"], 0);
}

#[tokio::test]
async fn members_together_inflate_to_16_mib_at_most() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let member = gzip(&vec![b' '; 1024 * 1024]);
    let fits = member.repeat(16);
    send(&client, JSON, "gzip", &fits).await.assert_problem(400);
    let exceeds = [member.repeat(16), gzip(b" ")].concat();
    send(&client, JSON, "gzip", &exceeds)
        .await
        .assert_problem(413);
}

#[tokio::test]
async fn a_body_has_at_most_a_thousand_members_or_frames() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    for (encoding, empty) in [("gzip", gzip(b"")), ("zstd", zstd(b""))] {
        let fits = empty.repeat(1000);
        send(&client, PROTOBUF, encoding, &fits)
            .await
            .assert_ok_empty();
        let exceeds = empty.repeat(1001);
        send(&client, PROTOBUF, encoding, &exceeds)
            .await
            .assert_problem(400);
    }
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[tokio::test]
async fn zstd_is_read_to_its_end_within_the_same_limits() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    // A skippable frame between two frames.
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
    let body = [zstd(&spans(1..=10)), skipped, zstd(&spans(11..=20))].concat();
    send(&client, PROTOBUF, "zstd", &body)
        .await
        .assert_ok_empty();
    assert_eq!(client.events(&json!({})).await["count"], 21);
    let packed = zstd(&spans(31..=40));
    for broken in [
        [&packed[..], b"trailing"].concat(),
        [&packed[..], &[0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0]].concat(),
        packed[..packed.len() - 1].to_vec(),
        b"none".to_vec(),
        // A frame that requests a window of 1 GiB.
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0][..], &packed[6..]].concat(),
    ] {
        send(&client, PROTOBUF, "zstd", &broken)
            .await
            .assert_problem(400);
    }
    assert_eq!(client.events(&json!({})).await["count"], 21);
    let large = zstd(&vec![b' '; 1024 * 1024]).repeat(17);
    send(&client, JSON, "zstd", &large)
        .await
        .assert_problem(413);
}
