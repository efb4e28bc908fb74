//! Outages that look like successful responses, and programs that flush during outages.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHiveTracer, SpanKind};
use hh_testing::{HttpServer, Request};

use crate::network::{KEY, LONG, TRACES, accepted, spans};

fn tracer(url: &str, variables: &[(&str, &str)]) -> HoneyHiveTracer {
    let soon = [("HH_MAX_RETRIES", "0"), ("HH_RETRY_DELAY", "0.1")];
    HoneyHiveTracer::builder()
        .with_env(Env::from_pairs(soon.iter().chain(variables).copied()))
        .with_base_url(url)
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap()
}

fn record(tracer: &HoneyHiveTracer, count: u32) {
    for number in 0..count {
        let name = number.to_string();
        tracer.span(&name, SpanKind::Tool).start().end();
    }
}

/// Fails the first requests to a path with this status line, headers and body.
fn failing(
    path: &'static str,
    count: usize,
    status: &'static str,
    body: &'static str,
) -> impl Fn(&Request) -> (&'static str, Vec<u8>) + Send {
    let left = AtomicUsize::new(count);
    move |request| {
        let order = Ordering::Relaxed;
        let spend = |left: usize| left.checked_sub(1);
        if request.path() == path && left.fetch_update(order, order, spend).is_ok() {
            return (status, body.as_bytes().to_vec());
        }
        accepted(request)
    }
}

#[test]
fn flushes_during_an_outage_do_not_use_up_the_attempts_of_what_waits() {
    let mut lost = Vec::new();
    for (path, status) in [
        ("/session/start", "500 Internal Server Error"),
        (TRACES, "500 Internal Server Error"),
        ("/session/start", ""),
    ] {
        let server = HttpServer::with(failing(path, 60, status, ""));
        let tracer = tracer(server.url(), &[("HH_RETRY_DELAY", "1")]);
        record(&tracer, 40);
        // A program flushes after each of its own requests during an outage of one second.
        for _ in 0..100 {
            drop(tracer.flush_blocking(Duration::from_millis(10)));
        }
        lost.push((path, status, tracer.dropped()));
    }
    assert!(lost.iter().all(|(_, _, lost)| *lost == 0), "{lost:?}");
}

#[test]
fn temporary_web_pages_instead_of_responses_lose_nothing() {
    let mut lost = Vec::new();
    for (status, body) in [
        ("200 OK\r\ncontent-type: text/html", "<html>log in</html>"),
        ("200 OK\r\ncontent-type: text/plain", "maintenance"),
        ("200 OK\r\ncontent-type: application/json", "[]"),
        ("302 Found\r\nlocation: http://127.0.0.1:9/", ""),
        ("307 Temporary Redirect\r\nlocation: /login", ""),
        ("200 OK\r\ncontent-encoding: gzip", "not gzip"),
        ("ssh-2.0 no status", ""),
        ("200 OK\r\nno header", ""),
    ] {
        let server = HttpServer::with(failing(TRACES, 3, status, body));
        let tracer = tracer(server.url(), &[]);
        record(&tracer, 400);
        let outcome = tracer.flush_blocking(LONG);
        let arrived: usize = server
            .take_requests()
            .iter()
            .filter(|request| request.path() == TRACES)
            .map(|request| spans(request).len())
            .sum();
        lost.push((status, tracer.dropped(), arrived, outcome));
    }
    let is_whole = |(_, lost, ..): &(_, u64, _, _)| *lost == 0;
    assert!(lost.iter().all(is_whole), "{lost:#?}");
}

#[test]
fn one_answer_cannot_silence_the_tracer_for_hours() {
    let status = "503 Service Unavailable\r\nretry-after: 31536000";
    let server = HttpServer::with(failing("/session/start", 1, status, ""));
    let tracer = tracer(server.url(), &[]);
    record(&tracer, 5);
    let outcome = tracer.flush_blocking(Duration::from_secs(2));
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("the tracer retries after 300 s"), "{text}");
}

#[test]
fn a_flush_and_a_shutdown_keep_their_time_while_the_standard_error_is_held() {
    let server = HttpServer::with(accepted);
    let tracer = tracer(server.url(), &[("HH_DEBUG", "true")]);
    let (outcome, outcomes) = channel();
    let mut held = std::io::stderr().lock();
    held.write_all(b"").unwrap();
    std::thread::spawn(move || {
        let timeout = Duration::from_millis(200);
        record(&tracer, 5);
        outcome.send(tracer.flush_blocking(timeout)).unwrap();
        outcome
            .send(tracer.shutdown_blocking(timeout).map(drop))
            .unwrap();
    });
    let results = [0, 1].map(|_| outcomes.recv_timeout(Duration::from_secs(10)));
    drop(held);
    for result in results {
        let error = result.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[test]
fn a_value_of_a_thousand_levels_is_exported() {
    #[derive(Clone)]
    struct List(u32);
    impl serde::Serialize for List {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq as _;
            let mut list = serializer.serialize_seq(Some(1))?;
            if self.0 > 0 {
                list.serialize_element(&List(self.0 - 1))?;
            }
            list.end()
        }
    }
    let server = HttpServer::with(accepted);
    let tracer = tracer(server.url(), &[]);
    let mut span = tracer.span("deep", SpanKind::Tool).start();
    span.set_output("list", List(1_000));
    span.end();
    tracer.flush_blocking(LONG).unwrap();
}

#[test]
fn spans_that_end_in_thread_local_destructors_do_not_abort_the_program() {
    struct DropsTracer(Option<HoneyHiveTracer>);
    impl Drop for DropsTracer {
        fn drop(&mut self) {
            if let Some(tracer) = self.0.take() {
                tracer.span("last", SpanKind::Tool).start().end();
                drop(tracer.flush_blocking(LONG));
            }
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<DropsTracer> = const { std::cell::RefCell::new(DropsTracer(None)) };
    }
    let server = HttpServer::with(accepted);
    let url = server.url().to_owned();
    std::thread::spawn(move || LAST.with_borrow_mut(|last| last.0 = Some(tracer(&url, &[]))))
        .join()
        .unwrap();
    let requests = server.take_requests();
    assert!(requests.iter().any(|request| request.path() == TRACES));
}
