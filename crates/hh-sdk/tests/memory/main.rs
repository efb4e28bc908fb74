//! The memory of the telemetry that waits for a server. The figures are those of the process, so this program has only
//! one test.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHiveTracer, SpanKind};
use hh_testing::IdleListener;
use serde_json::json;

const MIB: usize = 1024 * 1024;

/// The memory besides the queue, in bytes: the encoded and the compressed spans of a request, and the newest span of
/// the program.
const BESIDES: usize = 32 * MIB;

/// Returns a figure of the process, in bytes: `VmRSS` is the current memory, `VmHWM` the maximum so far.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines().map(|line| line.split_whitespace());
    let mut line = lines
        .find(|line| line.clone().next() == Some(name))
        .unwrap();
    line.nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn tracer(url: &str, max_bytes: usize) -> HoneyHiveTracer {
    let max_bytes = max_bytes.to_string();
    let variables = [
        ("HH_MAX_RETRIES", "0"),
        ("HH_RETRY_DELAY", "0.1"),
        ("HH_MAX_QUEUE_BYTES", &max_bytes),
    ];
    HoneyHiveTracer::builder()
        .with_env(Env::from_pairs(variables))
        .with_base_url(url)
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap()
}

/// Records many times the limit of the queue, in spans and in session changes.
fn record(tracer: &HoneyHiveTracer, shape: &str) {
    let values = vec![json!({"a": 1}); 2_000];
    match shape {
        "large spans" => {
            for number in 0..1_500_u32 {
                let mut span = tracer.span("large", SpanKind::Tool).start();
                span.set_output("text", format!("{number:08}").repeat(MIB / 8));
                span.end();
            }
            assert!(tracer.dropped() >= 1_500 - 64, "{}", tracer.dropped());
        }
        "small objects in spans" => {
            for _ in 0..600 {
                let mut span = tracer.span("small", SpanKind::Tool).start();
                span.set_output("values", &values);
                span.end();
            }
        }
        "small objects in the start of sessions" => {
            for _ in 0..600 {
                drop(tracer.session("s").with_metadata("values", &values).start());
            }
        }
        _ => {
            for _ in 0..600 {
                let session = tracer.session("s").start();
                session.set_metadata("values", &values);
                session.end();
            }
        }
    }
    assert!(tracer.dropped() > 0, "{shape}: the queue is not full");
}

#[test]
fn spans_that_no_server_accepts_stay_within_the_budget_of_the_queue() {
    // The server accepts nothing, so all sent spans stay in flight.
    let hanging = IdleListener::new();
    let hanging = hanging.url();
    let before = memory("VmRSS:");
    // The maximum memory never decreases, so the small limits come first.
    for (shape, url, limit) in [
        ("small objects in spans", &*hanging, 8 * MIB),
        ("small objects in the start of sessions", &hanging, 8 * MIB),
        ("small objects in changes of sessions", &hanging, 8 * MIB),
        ("large spans", "http://127.0.0.1:9", 64 * MIB),
        ("large spans", &hanging, 64 * MIB),
    ] {
        let tracer = tracer(url, limit);
        record(&tracer, shape);
        let error = tracer
            .shutdown_blocking(Duration::from_millis(500))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped);
        let most = memory("VmHWM:") - before;
        println!("{shape}, {url}: at most {} MiB", most / MIB);
        assert!(most < limit + BESIDES, "{shape}: {} MiB", most / MIB);
    }
}
