//! The shutdown of a tracer: references on several threads, open spans, and servers that do not respond.

use std::future::poll_fn;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use hh_sdk::api::types::ExportEvents;
use hh_sdk::auth::Level;
use hh_sdk::config::{Env, names};
use hh_sdk::tooling::{Severity, with_reporter};
use hh_sdk::{ErrorKind, HoneyHiveTracer, InMemoryExporter, Options, SpanKind, TracerBuilder};
use hh_testing::{HttpServer, IdleListener, Reply, closed_address, poll_until};

use crate::network::{KEY, LONG, accepted};
use crate::support::{TestServer, empty_env};

/// The lines that a tracer reports.
type Lines = Arc<Mutex<Vec<String>>>;

fn builder(url: &str, variables: &[(&str, &str)]) -> (TracerBuilder, Lines) {
    let lines = Lines::default();
    let reported = Arc::clone(&lines);
    let options = Options::new()
        .with_env(Env::from_pairs(variables.iter().copied()))
        .with(names::BASE_URL, url.to_owned())
        .with(names::API_KEY, KEY)
        .without_store();
    let options = with_reporter(options, move |severity, line| {
        assert_eq!(severity, Severity::Warning, "{line}");
        reported.lock().unwrap().push(line.to_owned());
    });
    (HoneyHiveTracer::builder().with_options(options), lines)
}

fn tracer(url: &str) -> (HoneyHiveTracer, Lines) {
    let (builder, lines) = builder(url, &[]);
    (builder.build().unwrap(), lines)
}

fn take(lines: &Lines) -> Vec<String> {
    std::mem::take(&mut lines.lock().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_on_several_threads_shut_a_tracer_down_once() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url(&server.url)
        .with_api_key(key.clone())
        .build()
        .unwrap();
    let tracer = Arc::new(tracer);
    tracer.span("span", SpanKind::Tool).start().end();
    let shutdowns = (0..8).map(|number| {
        let tracer = Arc::clone(&tracer);
        tokio::spawn(async move {
            if number % 2 == 0 {
                return tracer.shutdown(LONG).await;
            }
            let blocking = tokio::task::spawn_blocking(move || tracer.shutdown_blocking(LONG));
            blocking.await.unwrap()
        })
    });
    for shutdown in shutdowns.collect::<Vec<_>>() {
        assert_eq!(shutdown.await.unwrap().unwrap().open_count, 0);
    }
    let query = ExportEvents::default();
    let page = server.client(&key).export_events(query).await.unwrap();
    assert_eq!(page.events.len(), 2);
    let session = page.events.iter().find(|event| event.parent_id.is_none());
    assert!(session.unwrap().duration > 0.0, "the session has ended");
}

#[test]
fn a_shutdown_names_the_sessions_and_spans_that_are_open() {
    let server = HttpServer::with(accepted);
    let (tracer, lines) = tracer(server.url());
    let session = tracer.session("answer").start();
    let chain = session.span("chain", SpanKind::Chain).start();
    let search = chain.child("search", SpanKind::Tool).start();
    session.span("has ended", SpanKind::Tool).start().end();
    drop(session.span("has not started", SpanKind::Tool));
    let report = tracer.shutdown_blocking(LONG).unwrap();
    assert_eq!(report.open_count, 3);
    assert_eq!(report.open_names, ["answer", "chain", "search"]);
    assert_eq!(
        take(&lines),
        [
            "the shutdown of the tracer loses 3 open sessions and spans: \"answer\", \"chain\", \"search\"; end or drop sessions and spans before the shutdown"
        ]
    );
    // They end after the shutdown and are lost.
    drop((search, chain, session));
    assert_eq!(tracer.dropped(), 3);
    assert_eq!(tracer.shutdown_blocking(LONG).unwrap(), report);
    assert_eq!(take(&lines), [""; 0]);
}

#[test]
fn a_shutdown_names_at_most_ten_open_spans_without_keys_and_unsafe_characters() {
    let server = HttpServer::with(accepted);
    let (tracer, lines) = tracer(server.url());
    let long = "é".repeat(500);
    let names = [
        &format!("with {KEY}"),
        "two\nlines\u{1b}[31m",
        "\u{202e}reversed",
        &long,
        "",
    ];
    let mut open: Vec<_> = names
        .map(|name| tracer.span(name, SpanKind::Tool).start())
        .into();
    // Places of spans that have ended are used again, and the order of the starts is kept.
    for _ in 0..3 {
        let ended = tracer.span("ended", SpanKind::Tool).start();
        open.push(tracer.span("later", SpanKind::Tool).start());
        ended.end();
    }
    open.extend((0..92).map(|_| tracer.span("last", SpanKind::Tool).start()));
    let report = tracer.shutdown_blocking(LONG).unwrap();
    assert_eq!(report.open_count, 100);
    let names = &report.open_names;
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "with [redacted]");
    assert_eq!(names[3], "é".repeat(32));
    assert_eq!(names[5..], ["later", "later", "later", "last", "last"]);
    let [warning] = &take(&lines)[..] else {
        panic!("one warning is reported");
    };
    assert!(
        warning.contains("loses 100 open sessions and spans: "),
        "{warning}"
    );
    assert!(warning.contains("\"last\" and 90 more; "), "{warning}");
    assert!(!warning.contains(char::is_control), "{warning:?}");
    assert!(!warning.contains(&KEY[8..]) && !warning.contains('\u{202e}'));
}

#[test]
fn a_shutdown_reports_open_spans_of_an_in_memory_exporter_and_none_if_nothing_is_recorded() {
    let exporter = InMemoryExporter::new();
    let build = |variables: &[(&str, &str)]| {
        let (builder, lines) = builder("http://127.0.0.1:9", variables);
        let builder = builder.with_in_memory_exporter(&exporter);
        (builder.build().unwrap(), lines)
    };
    let (tracer, lines) = build(&[]);
    let span = tracer.span("open", SpanKind::Tool).start();
    let report = tracer.shutdown_blocking(Duration::ZERO).unwrap();
    assert_eq!(report.open_names, ["open"]);
    assert_eq!(take(&lines).len(), 1);
    drop(span);
    let (tracer, lines) = build(&[("HH_LOG_LEVEL", "error")]);
    let span = tracer.span("open", SpanKind::Tool).start();
    let report = tracer.shutdown_blocking(Duration::ZERO).unwrap();
    assert_eq!((report.open_count, take(&lines).len()), (1, 0));
    drop(span);
    let (tracer, lines) = build(&[("HH_DISABLE_TRACING", "true")]);
    let span = tracer.span("open", SpanKind::Tool).start();
    let report = tracer.shutdown_blocking(Duration::ZERO).unwrap();
    assert_eq!((report.open_count, take(&lines).len()), (0, 0));
    drop(span);
}

#[test]
fn a_shutdown_without_a_server_names_the_cause_and_the_loss_within_its_time() {
    let closed = format!("http://{}", closed_address());
    let silent = IdleListener::new();
    let failing = HttpServer::with(|_| ("503 Service Unavailable", Vec::new()));
    let resetting = HttpServer::start([Reply::Reset]);
    std::thread::scope(|scope| {
        for (url, cause) in [
            (closed, "connection refused"),
            ("http://localhost:1".to_owned(), "connection refused"),
            ("https://honeyhive.invalid".to_owned(), "honeyhive.invalid"),
            (silent.url(), "no response from http://127.0.0.1"),
            (failing.url().to_owned(), "503"),
            (resetting.url().to_owned(), "lost"),
        ] {
            scope.spawn(move || assert_names_cause_and_loss(&url, cause));
        }
    });
}

/// Shuts down a tracer whose telemetry cannot be sent, and checks the error.
fn assert_names_cause_and_loss(url: &str, cause: &str) {
    let (tracer, _) = tracer(url);
    for _ in 0..5 {
        tracer.span("lost", SpanKind::Tool).start().end();
    }
    let start = Instant::now();
    let error = tracer
        .shutdown_blocking(Duration::from_secs(2))
        .unwrap_err();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{url}: {took:?}");
    assert_eq!(error.kind(), ErrorKind::Dropped, "{url}: {error}");
    let text = error.message();
    let start = "7 of the recorded sessions and spans were lost: the tracer was shut down before they could be sent (";
    assert!(text.starts_with(start), "{url}: {text}");
    let (bytes, shown) = text[start.len()..].split_once(" bytes): ").unwrap();
    // Five spans of about 200 bytes each, and the start and the end of the session.
    let bytes: u32 = bytes.parse().unwrap();
    assert!((500..5_000).contains(&bytes), "{url}: {bytes}");
    assert!(shown.to_lowercase().contains(cause), "{url}: {text}");
    assert_eq!(tracer.dropped(), 7, "{url}");
    // The second call returns the same and does not wait.
    let again = tracer.shutdown_blocking(LONG).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Dropped);
    assert_eq!((again.message(), again.hint()), (text, error.hint()));
}

#[tokio::test]
async fn a_shutdown_that_is_canceled_has_a_result_for_the_next_call() {
    let (tracer, lines) = tracer(&format!("http://{}", closed_address()));
    tracer.span("lost", SpanKind::Tool).start().end();
    let open = tracer.span("open", SpanKind::Tool).start();
    let mut shutdown = Box::pin(tracer.shutdown(Duration::from_secs(1)));
    let is_pending = poll_fn(|context| Poll::Ready(shutdown.as_mut().poll(context).is_pending()));
    assert!(is_pending.await);
    drop(shutdown);
    // The second call returns a result that is already stored.
    poll_until("the end of the shutdown", || tracer.dropped() == 3);
    for _ in 0..2 {
        let error = tracer.shutdown(LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
        assert!(error.message().starts_with("3 of "), "{error}");
    }
    assert_eq!(take(&lines).len(), 1);
    drop(open);
}

#[test]
fn a_second_shutdown_keeps_its_own_time_while_the_first_continues() {
    let (release, released) = channel::<()>();
    let server = HttpServer::with(move |request| {
        released.recv().ok();
        accepted(request)
    });
    let (tracer, _) = tracer(server.url());
    tracer.span("span", SpanKind::Tool).start().end();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| tracer.shutdown_blocking(LONG));
        poll_until("the request of the first shutdown", || {
            server.connections() > 0
        });
        let error = tracer
            .shutdown_blocking(Duration::from_millis(10))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(tracer.dropped(), 0);
        drop(release);
        first.join().unwrap().unwrap();
    });
    tracer.shutdown_blocking(Duration::ZERO).unwrap();
}

#[test]
fn a_tracer_that_is_dropped_without_a_shutdown_warns_about_what_is_not_sent() {
    let silent = IdleListener::new();
    let (unused, lines) = tracer(&silent.url());
    drop(unused);
    assert_eq!(take(&lines), [""; 0]);
    let (used, lines) = tracer(&silent.url());
    used.span("span", SpanKind::Tool).start().end();
    drop(used);
    let [warning] = &take(&lines)[..] else {
        panic!("one warning is reported");
    };
    let start = "the tracer was dropped without a shutdown: 3 records (";
    assert!(warning.starts_with(start), "{warning}");
    assert!(
        warning.contains("call `shutdown` or `shutdown_blocking`"),
        "{warning}"
    );
    let (stopped, lines) = tracer(&silent.url());
    stopped.span("span", SpanKind::Tool).start().end();
    drop(stopped.shutdown_blocking(Duration::ZERO));
    drop(stopped);
    assert_eq!(take(&lines), [""; 0]);
}

#[test]
fn a_tracer_that_is_dropped_without_a_shutdown_warns_about_what_is_lost_later() {
    let server = HttpServer::with(|_| ("400 Bad Request", Vec::new()));
    let (tracer, lines) = tracer(server.url());
    tracer.span("span", SpanKind::Tool).start().end();
    drop(tracer);
    let is_lost =
        |line: &String| line.starts_with("3 of the recorded sessions and spans were lost");
    poll_until("the warning", || lines.lock().unwrap().iter().any(is_lost));
}
