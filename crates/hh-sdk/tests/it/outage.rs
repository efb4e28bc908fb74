//! The tracer during outages of its server.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHiveTracer, SpanKind};
use hh_testing::{HttpServer, Request, closed_address};

use crate::network::{KEY, LONG, TRACES, accepted, spans};

/// Returns a tracer with a short retry delay, whose transport does not retry.
fn tracer(url: &str, variables: &[(&str, &str)]) -> HoneyHiveTracer {
    let soon = [("HH_MAX_RETRIES", "0"), ("HH_RETRY_DELAY", "0.1")];
    HoneyHiveTracer::builder()
        .with_env(Env::from_pairs(soon.iter().chain(variables).copied()))
        .with_base_url(url)
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap()
}

fn record(tracer: &HoneyHiveTracer, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let name = number.to_string();
        tracer.span(&name, SpanKind::Tool).start().end();
    }
}

/// Returns the names of the spans in requests, in order.
fn names<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Vec<String> {
    let exports = requests.into_iter().filter(|r| r.path() == TRACES);
    exports.flat_map(spans).map(|span| span.name).collect()
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// Returns whether a request is one of the first exports, which fail.
struct FirstExports(AtomicUsize);

impl FirstExports {
    fn fails(&self, request: &Request) -> bool {
        let spend = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        request.path() == TRACES && self.0.fetch_update(order, order, spend).is_ok()
    }
}

#[test]
fn an_outage_loses_nothing_and_keeps_the_order() {
    for failure in [
        "503 Service Unavailable",
        "502 Bad Gateway",
        "504 Gateway Timeout",
        "500 Internal Server Error",
        "507 Insufficient Storage",
        "408 Request Timeout",
        "429 Too Many Requests",
        "301 Moved Permanently",
        // The connection breaks.
        "",
    ] {
        let first = FirstExports(AtomicUsize::new(3));
        let (outcome, outcomes) = channel();
        let server = HttpServer::with(move |request| {
            let fails = first.fails(request);
            outcome.send(fails).unwrap();
            if fails {
                (failure, Vec::new())
            } else {
                accepted(request)
            }
        });
        let tracer = tracer(server.url(), &[]);
        record(&tracer, 0..250);
        tracer.flush_blocking(LONG).unwrap();
        assert_eq!(tracer.dropped(), 0, "{failure}");
        let all = server.take_requests();
        assert_eq!(all[0].path(), "/session/start");
        // Failed requests did not arrive.
        let arrived = all.iter().zip(outcomes.try_iter());
        let arrived = arrived.filter_map(|(request, fails)| (!fails).then_some(request));
        assert_eq!(names(arrived), numbered(0..250), "{failure}");
    }
}

#[test]
fn a_server_that_is_down_for_a_while_gets_everything_in_order() {
    let address = closed_address().to_string();
    let tracer = tracer(&format!("http://{address}"), &[]);
    record(&tracer, 0..100);
    let says_why = |error: hh_sdk::Error| {
        let text = error.to_string();
        text.contains("the tracer continues") && text.contains("cannot connect to")
    };
    while !tracer
        .flush_blocking(Duration::from_millis(20))
        .is_err_and(says_why)
    {}
    record(&tracer, 100..250);
    let server = HttpServer::at(&address, accepted);
    tracer.flush_blocking(LONG).unwrap();
    assert_eq!(tracer.dropped(), 0);
    let requests = server.take_requests();
    assert_eq!(requests[0].path(), "/session/start");
    assert_eq!(names(&requests), numbered(0..250));
}

#[test]
fn a_server_that_hangs_for_a_while_gets_everything_in_order() {
    let (release, released) = channel::<()>();
    let hangs = AtomicBool::new(true);
    let server = HttpServer::with(move |request| {
        if request.path() == TRACES && hangs.swap(false, Ordering::Relaxed) {
            // Blocks until the test has seen the timeout.
            released.recv().unwrap();
        }
        accepted(request)
    });
    let tracer = tracer(server.url(), &[("HH_TIMEOUT", "1")]);
    record(&tracer, 0..250);
    let is_late = |error: hh_sdk::Error| error.to_string().contains("no complete response");
    while !tracer
        .flush_blocking(Duration::from_millis(50))
        .is_err_and(is_late)
    {}
    release.send(()).unwrap();
    tracer.flush_blocking(LONG).unwrap();
    assert_eq!(tracer.dropped(), 0);
    let requests = server.take_requests();
    let exports: Vec<_> = requests.iter().filter(|r| r.path() == TRACES).collect();
    assert_eq!(names(exports[1..].iter().copied()), numbered(0..250));
}

#[test]
fn a_session_change_that_failed_goes_before_what_came_after_it() {
    for path in ["/session/start", "/events"] {
        let left = AtomicUsize::new(3);
        let server = HttpServer::with(move |request| {
            let order = Ordering::Relaxed;
            let is_it = request.path() == path;
            if is_it
                && left
                    .fetch_update(order, order, |left| left.checked_sub(1))
                    .is_ok()
            {
                return ("503 Service Unavailable", Vec::new());
            }
            accepted(request)
        });
        let tracer = tracer(server.url(), &[]);
        let session = tracer.session("s").start();
        session.span("0", SpanKind::Tool).start().end();
        session.end();
        tracer.session("next").start().end();
        tracer.flush_blocking(LONG).unwrap();
        assert_eq!(tracer.dropped(), 0);
        let requests = server.take_requests();
        let mut paths: Vec<_> = requests.iter().map(Request::path).collect();
        paths.dedup();
        assert_eq!(
            paths,
            [
                "/session/start",
                TRACES,
                "/events",
                "/session/start",
                "/events"
            ]
        );
        assert_eq!(requests.len(), 5 + 3);
    }
}

#[test]
fn a_key_that_is_rejected_for_a_while_loses_nothing() {
    for failure in ["401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let first = FirstExports(AtomicUsize::new(1));
        let server = HttpServer::with(move |request| {
            if first.fails(request) {
                (failure, Vec::new())
            } else {
                accepted(request)
            }
        });
        let tracer = tracer(server.url(), &[]);
        record(&tracer, 0..5);
        let error = tracer.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        // The next flush causes one attempt.
        tracer.flush_blocking(LONG).unwrap();
        assert_eq!(tracer.dropped(), 0);
        let requests = server.take_requests();
        let last = requests.last().unwrap();
        assert_eq!(names([last]), numbered(0..5), "{failure}");
    }
}

#[test]
fn a_change_of_a_session_that_the_server_does_not_know_blocks_nothing() {
    for failure in ["403 Forbidden", "404 Not Found"] {
        let server = HttpServer::with(move |request| match request.path() {
            "/events" => (failure, Vec::new()),
            _ => accepted(request),
        });
        let tracer = tracer(server.url(), &[]);
        tracer.session("s").start().end();
        record(&tracer, 0..5);
        let error = tracer.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
        assert_eq!(tracer.dropped(), 1);
        assert_eq!(names(&server.take_requests()), numbered(0..5));
    }
}

#[test]
fn a_batch_that_can_never_arrive_is_lost_and_blocks_nothing() {
    for failure in [
        "400 Bad Request",
        "415 Unsupported Media Type",
        "422 Unprocessable Content",
    ] {
        let server = HttpServer::with(move |request| {
            let is_bad = request.path() == TRACES && spans(request)[0].name == "0";
            if is_bad {
                (failure, Vec::new())
            } else {
                accepted(request)
            }
        });
        let tracer = tracer(server.url(), &[("HH_BATCH_SIZE", "10")]);
        record(&tracer, 0..30);
        let error = tracer.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
        let requests = server.take_requests();
        let good = requests
            .iter()
            .filter(|r| r.path() == TRACES && spans(r)[0].name != "0");
        let arrived = names(good);
        assert_eq!(tracer.dropped(), 30 - arrived.len() as u64, "{failure}");
        assert_eq!(
            arrived,
            numbered(30 - u32::try_from(arrived.len()).unwrap()..30)
        );
        assert!(arrived.len() >= 20, "{failure}: {arrived:?}");
    }
}

#[test]
fn a_batch_that_is_too_large_is_sent_in_parts() {
    let server = HttpServer::with(move |request| {
        if request.path() != TRACES {
            return accepted(request);
        }
        let spans = spans(request);
        if spans.len() > 3 || spans.iter().any(|span| span.name == "17") {
            ("413 Content Too Large", Vec::new())
        } else {
            accepted(request)
        }
    });
    let tracer = tracer(server.url(), &[]);
    record(&tracer, 0..40);
    let error = tracer.flush_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped);
    assert!(error.to_string().starts_with("1 of "), "{error}");
    let requests = server.take_requests();
    let small = requests.iter().filter(|request| {
        let is_export = request.path() == TRACES;
        is_export && spans(request).len() <= 3 && !names([*request]).contains(&"17".to_owned())
    });
    let expected: Vec<_> = numbered(0..40).into_iter().filter(|n| n != "17").collect();
    assert_eq!(names(small), expected);
}

#[test]
fn a_flush_during_an_outage_times_out_with_the_reason() {
    let server = HttpServer::with(|_| ("503 Service Unavailable", Vec::new()));
    let tracer = tracer(server.url(), &[]);
    record(&tracer, 0..5);
    let start = Instant::now();
    let error = loop {
        let error = tracer
            .flush_blocking(Duration::from_millis(100))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(start.elapsed() >= Duration::from_millis(100));
        if error.to_string().contains("503") {
            break error;
        }
    };
    assert!(
        error.to_string().contains("the tracer continues"),
        "{error}"
    );
    assert_eq!(tracer.dropped(), 0);
}

#[test]
fn a_shutdown_during_an_outage_meets_its_deadline_and_counts_the_rest() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let hanging = HttpServer::with(move |request| {
        released.lock().unwrap().recv().ok();
        accepted(request)
    });
    let failing = HttpServer::with(|_| ("503 Service Unavailable", Vec::new()));
    for (server, timeout) in [(&hanging, 50), (&failing, 300), (&failing, 0)] {
        let tracer = tracer(server.url(), &[]);
        record(&tracer, 0..5);
        let start = Instant::now();
        let timeout = Duration::from_millis(timeout);
        let error = tracer.shutdown_blocking(timeout).unwrap_err();
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the request may take 30 s"
        );
        assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
        // The start and the end of the session and the spans.
        let text = error.to_string();
        assert!(
            text.starts_with("7 of ") && text.contains("shut down"),
            "{text}"
        );
    }
    drop(release);
}

#[test]
fn a_wait_that_the_server_asks_for_is_not_cut_short_by_a_flush() {
    let server = HttpServer::with(|_| ("503 Service Unavailable\r\nretry-after: 100", Vec::new()));
    let tracer = tracer(server.url(), &[]);
    record(&tracer, 0..5);
    let says_why = |error: hh_sdk::Error| error.to_string().contains("try again in 100 s");
    while !tracer
        .flush_blocking(Duration::from_millis(20))
        .is_err_and(says_why)
    {}
    for _ in 0..5 {
        tracer
            .flush_blocking(Duration::from_millis(20))
            .unwrap_err();
    }
    assert_eq!(server.take_requests().len(), 1);
    // The shutdown does not wait for what cannot come.
    let error = tracer
        .shutdown_blocking(Duration::from_secs(90))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
    assert_eq!(server.take_requests().len(), 0);
}
