//! Measures the memory of changes of stored events that have very many small values.

use hh_auth::Level;

use super::measure::{MIB, memory, reset_peak};
use super::support::{Client, JSON, TestServer};

const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

async fn put(client: &Client, member: &str) {
    let body = format!("{{\"event_id\":\"{SESSION}\",{member}}}");
    let answer = client
        .send("PUT", "/events", &[JSON], body.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn start(client: &Client, member: &str) {
    let body = format!("{{\"session\":{{\"session_id\":\"{SESSION}\"{member}}}}}");
    let answer = client
        .send("POST", "/session/start", &[JSON], body.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Checks that a small change of a large stored event does not load all of its values into memory.
pub(crate) async fn patches_of_many_small_values() {
    for (title, value) in [("objects", "{\"\":0}"), ("lists", "[[]]"), ("numbers", "0")] {
        let server = TestServer::start().await;
        let client = server.key(Level::ReadWrite, "all").await;
        start(&client, "").await;
        let count = (MIB / 3 - 1024) / (value.len() + 1);
        // Several requests are needed, because a request is limited to fewer values than a stored event.
        for name in ["a", "b", "c"] {
            let mut values = 0;
            let mut members = Vec::new();
            while values < count {
                let more = (count - values).min(40_000);
                let list = vec![value; more].join(",");
                members.push(format!("\"{name}{values}\":[{list}]"));
                values += more;
            }
            for member in members {
                put(&client, &format!("\"metadata\":{{{member}}}")).await;
            }
        }
        reset_peak();
        let before = memory("VmRSS:");
        for number in 0..5 {
            put(&client, &format!("\"metrics\":{{\"m\":{number}}}")).await;
        }
        start(&client, ",\"metadata\":{\"m\":1}").await;
        let grown = memory("VmHWM:").saturating_sub(before) / 1024;
        println!(
            "changes of an event of {} {title}: the peak grew by {grown} MiB",
            3 * count
        );
        // The memory contains the body before and after a change, and the buffers of this client and the server.
        assert!(grown < 24, "{title}: the peak grew by {grown} MiB");
        server.stop().await;
    }
}
