//! Tests clients that read their responses slowly or not at all. Each test has its own server.

use hh_auth::Level;
use serde_json::json;
use tokio::task::JoinSet;

use super::slow_client::{read_at, request, store};
use super::support::{TestServer, within};

const KIB: usize = 1024;

fn status(response: &[u8]) -> &str {
    std::str::from_utf8(&response[9..12]).unwrap()
}

#[tokio::test]
async fn a_reader_below_the_minimum_rate_is_closed() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for number in 1..=4 {
        store(&admin, number, 512 * KIB).await;
    }
    let slow = request(&admin).await;
    let still = request(&admin).await;
    let slow = within(read_at(&slow, 4 * KIB, usize::MAX)).await;
    // The other client has read nothing yet, but it can still read the bytes in the kernel's buffers on both sides.
    let still = within(read_at(&still, 4096 * KIB, usize::MAX)).await;
    for read in [slow, still] {
        assert_eq!(status(&read), "200");
        assert!(read.len() < 1024 * KIB, "{} bytes", read.len());
    }
}

#[tokio::test]
async fn a_reader_above_the_minimum_rate_gets_the_whole_response() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    store(&admin, 1, 800 * KIB).await;
    let stream = request(&admin).await;
    let read = within(read_at(&stream, 32 * KIB, 800 * KIB)).await;
    assert_eq!(status(&read), "200");
    assert!(read.len() >= 800 * KIB, "{} bytes", read.len());
}

#[tokio::test]
async fn pages_that_are_not_read_do_not_block_other_keys() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for number in 1..=7 {
        store(&admin, number, 1100 * KIB).await;
    }
    let slow = server.key(Level::ReadOnly, "all").await;
    let other = server.key(Level::ReadOnly, "all").await;
    let mut reading = JoinSet::new();
    for _ in 0..4 {
        let stream = request(&slow).await;
        let begun = within(read_at(&stream, 128 * KIB, 12)).await;
        assert_eq!(status(&begun), "200");
        reading.spawn(async move { read_at(&stream, 40 * KIB, usize::MAX).await.len() });
    }
    let (one, all) = (json!({"limit": 1, "filters": []}), json!({"filters": []}));
    let (answer, page) = tokio::join!(
        slow.post("/v1/events/export", &one),
        other.post("/v1/events/export", &all),
    );
    // The unread pages use half of the memory for responses, which is the limit of one key.
    answer.assert_problem(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    page.assert_ok();
    assert!(reading.try_join_next().is_none(), "a reader was closed");
    // A closed connection releases its page.
    reading.shutdown().await;
    slow.post("/v1/events/export", &one).await.assert_ok();
}

#[tokio::test]
async fn a_revocation_aborts_responses_that_are_being_read() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for number in 1..=4 {
        store(&admin, number, 512 * KIB).await;
    }
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let stream = request(&server.client(&key)).await;
    let begun = within(read_at(&stream, 128 * KIB, 12)).await;
    assert_eq!(status(&begun), "200");
    admin
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let rest = within(read_at(&stream, 1024 * KIB, usize::MAX)).await;
    assert!(rest.len() < 1024 * KIB, "{} bytes", rest.len());
}
