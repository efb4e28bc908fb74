//! Requests on the network, and failures of the network and the server.

#![expect(
    deprecated,
    reason = "`with_reporter` works until it is removed, and collects the lines here"
)]

mod proxy;
mod slow;
mod tls;

use std::io::Read as _;
use std::time::{Duration, Instant};

use hh_sdk::api::types::{EventKind, ExportEvents, StartSession};
use hh_sdk::auth::Level;
use hh_sdk::{ErrorKind, HoneyHive, HoneyHiveTracer, InMemoryExporter, Options, SpanKind};
use hh_testing::{HttpServer, IdleListener, Request};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::support::{TestServer, empty_env};
use slow::SlowProxy;

pub(crate) const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
pub(crate) const TRACES: &str = "/opentelemetry/v1/traces";
pub(crate) const LONG: Duration = Duration::from_mins(1);

fn tracer(url: &str) -> HoneyHiveTracer {
    HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url(url)
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap()
}

/// Returns the response that each kind of request expects.
pub(crate) fn accepted(request: &Request) -> (&'static str, Vec<u8>) {
    match request.path() {
        TRACES => ("200 OK", Vec::new()),
        _ => ("200 OK", b"{}".to_vec()),
    }
}

/// Returns the body without its compression, if it has one.
fn plain(request: &Request) -> Vec<u8> {
    if request.header("content-encoding") != Some("gzip") {
        return request.body.clone();
    }
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&request.body[..]);
    decoder.read_to_end(&mut plain).unwrap();
    plain
}

pub(crate) fn spans(request: &Request) -> Vec<Span> {
    let export = ExportTraceServiceRequest::decode(&plain(request)[..]).unwrap();
    let scopes = export
        .resource_spans
        .into_iter()
        .flat_map(|r| r.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn exports(server: &HttpServer) -> Vec<Request> {
    let requests = server.take_requests().into_iter();
    requests
        .filter(|request| request.path() == TRACES)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_arrive_complete_over_an_unreliable_connection() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let proxy = SlowProxy::start(&server.url).await;
    let mut tracers = Vec::new();
    for number in 0..24 {
        let tracer = HoneyHiveTracer::builder()
            .with_env(empty_env())
            .with_base_url(&proxy.url)
            .with_api_key(key.clone())
            .build()
            .unwrap();
        let session = tracer.session(&format!("session {number}")).start();
        for step in 0..20 {
            let mut span = session
                .span(&format!("step {step}"), SpanKind::Tool)
                .start();
            span.set_output("number", number * 100 + step);
            span.end();
        }
        session.end();
        // They run at the same time, to save time.
        tracers.push(tokio::spawn(async move { tracer.shutdown(LONG).await }));
    }
    for tracer in tracers {
        tracer.await.unwrap().unwrap();
    }
    assert!(proxy.resets() >= 2, "{} resets", proxy.resets());

    let client = server.client(&key);
    let query = ExportEvents {
        limit: Some(1_000),
        ..ExportEvents::default()
    };
    let page = client.export_events(query).await.unwrap();
    assert_eq!(page.events.len(), 24 * 21);
    for number in 0..24 {
        let name = format!("session {number}");
        let session = page
            .events
            .iter()
            .find(|event| event.event_name == name)
            .unwrap();
        let steps = page.events.iter().filter(|event| {
            event.session_id == session.event_id && event.event_type == EventKind::Tool
        });
        let mut numbers: Vec<_> = steps
            .map(|event| event.outputs["number"].as_u64().unwrap())
            .collect();
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (number * 100..number * 100 + 20).collect::<Vec<u64>>()
        );
    }
}

#[test]
fn an_export_goes_out_compressed_and_plain_after_a_415() {
    let server = HttpServer::with(|request| match request.header("content-encoding") {
        Some(_) => ("415 Unsupported Media Type", Vec::new()),
        None => accepted(request),
    });
    let tracer = tracer(server.url());
    for name in ["first", "second"] {
        tracer.span(name, SpanKind::Tool).start().end();
        tracer.flush_blocking(LONG).unwrap();
    }
    let exports = exports(&server);
    let encodings: Vec<_> = exports
        .iter()
        .map(|e| e.header("content-encoding"))
        .collect();
    assert_eq!(encodings, [Some("gzip"), None, None]);
    let names: Vec<_> = exports.iter().map(|e| spans(e)[0].name.clone()).collect();
    assert_eq!(names, ["first", "first", "second"]);
    assert!(
        exports
            .iter()
            .all(|e| e.header("accept") == Some("application/x-protobuf, application/json"))
    );
}

#[test]
fn what_the_server_refuses_of_an_export_is_lost_and_not_sent_again() {
    let server = HttpServer::with(|request| {
        if request.path() != TRACES {
            return accepted(request);
        }
        let answer = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 2,
                error_message: format!("two of them, with {KEY}, are too large"),
            }),
        };
        ("200 OK", answer.encode_to_vec())
    });
    let tracer = tracer(server.url());
    for _ in 0..3 {
        tracer.span("s", SpanKind::Tool).start().end();
    }
    let error = tracer.flush_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped);
    assert_eq!(
        error.to_string(),
        "2 of the recorded sessions and spans were lost: rejected by the server: two of them, with [redacted], are too large"
    );
    assert_eq!(tracer.dropped(), 2);
    assert_eq!(exports(&server).len(), 1);
}

/// An absurd count causes no overflow, and text of a server is safe to print.
#[test]
fn a_hostile_answer_to_an_export_is_a_bounded_loss_with_a_clean_reason() {
    let hostile = format!(
        "no\u{1b}[2J\u{202e}\u{9b}31m\r\n way {KEY} {}hh_\u{200b}{}\u{e0041}",
        "x".repeat(600),
        &KEY[3..]
    );
    for count in [i64::MAX, i64::MIN, -1, 0, 4] {
        for is_json in [false, true] {
            let text = hostile.clone();
            let server = HttpServer::with(move |request| {
                if request.path() != TRACES {
                    return accepted(request);
                }
                if is_json {
                    let answer = serde_json::json!({
                        "partialSuccess": { "rejectedSpans": count, "errorMessage": text }
                    });
                    let status = "200 OK\r\ncontent-type: application/json";
                    return (status, answer.to_string().into_bytes());
                }
                let answer = ExportTraceServiceResponse {
                    partial_success: Some(ExportTracePartialSuccess {
                        rejected_spans: count,
                        error_message: text.clone(),
                    }),
                };
                ("200 OK", answer.encode_to_vec())
            });
            let tracer = tracer(server.url());
            for _ in 0..3 {
                // One request each, so that the counts add up.
                tracer.span("s", SpanKind::Tool).start().end();
                let flushed = tracer.flush_blocking(LONG);
                assert_eq!(flushed.is_err(), count > 0, "{count}: {flushed:?}");
                let Err(error) = flushed else { continue };
                let text = error.to_string();
                assert!(text.starts_with("1 of "), "{count}: {text}");
                assert!(
                    text.contains("rejected by the server: no way [redacted] xxx"),
                    "{text}"
                );
                assert!(text.ends_with('…') && text.chars().count() < 700, "{text}");
                assert!(!text.contains(hh_sdk::is_unsafe), "{text:?}");
            }
            assert_eq!(tracer.dropped(), if count > 0 { 3 } else { 0 });
        }
    }
}

/// Status 200 alone does not prove that the spans arrived: a login page has it too.
#[test]
fn a_response_that_is_not_otlp_is_no_success_and_no_loss_until_the_end() {
    for (status, body) in [
        ("200 OK", "<html>log in</html>"),
        ("200 OK\r\ncontent-type: text/html", "<html>log in</html>"),
        ("200 OK\r\ncontent-type: text/plain", "please log in"),
    ] {
        let server = HttpServer::with(move |request| match request.path() {
            TRACES => (status, body.as_bytes().to_vec()),
            _ => accepted(request),
        });
        let tracer = tracer(server.url());
        tracer.span("s", SpanKind::Tool).start().end();
        let deadline = Instant::now() + LONG;
        loop {
            let error = tracer.flush_blocking(Duration::from_millis(20));
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{body}: {error}");
            let text = error.to_string();
            if text.contains("is a web page") || text.contains("not an OTLP export response") {
                break;
            }
            assert!(Instant::now() < deadline, "{body}: {text}");
        }
        assert_eq!(tracer.dropped(), 0, "{body}");
        let error = tracer.shutdown_blocking(Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped, "{body}: {error}");
    }
}

#[test]
fn spans_that_the_server_refuses_are_a_loss_and_not_sent_again() {
    let body = r#"{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too large"}}"#;
    let server = HttpServer::with(move |request| match request.path() {
        TRACES => (
            "200 OK\r\ncontent-type: application/json",
            body.as_bytes().to_vec(),
        ),
        _ => accepted(request),
    });
    let tracer = tracer(server.url());
    tracer.span("s", SpanKind::Tool).start().end();
    let error = tracer.flush_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
    assert_eq!((tracer.dropped(), exports(&server).len()), (1, 1));
}

#[test]
fn after_a_rejected_key_a_flush_sends_one_request() {
    let server = HttpServer::with(|_| ("401 Unauthorized", Vec::new()));
    let tracer = HoneyHiveTracer::builder()
        .with_env(hh_sdk::config::Env::from_pairs([("HH_BATCH_SIZE", "10")]))
        .with_base_url(server.url())
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap();
    for _ in 0..500 {
        tracer.span("s", SpanKind::Tool).start().end();
    }
    for _ in 0..3 {
        let error = tracer.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(
            error
                .to_string()
                .ends_with("the tracer retries in one minute"),
            "{error}"
        );
    }
    // The shutdown drops the rest and reports the number.
    let error = tracer.shutdown_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
    // One request for each flush and for the end, and one more if the thread has tried before the first flush: which flush
    // that one answers depends on when it arrives.
    let sent = server.take_requests().len();
    assert!(sent == 4 || sent == 5, "{sent}");
}

/// No spelling of the base URL makes the client send a key to another machine without TLS.
#[tokio::test]
async fn hostile_base_urls_get_nothing() {
    let listener = IdleListener::bind("0.0.0.0:0").unwrap();
    let port = listener.address().port();
    for host in [
        "127.0.0.1.nip.invalid",
        "127.0.0.1@evil.invalid",
        "localhost@evil.invalid",
        "evil.invalid#@127.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "[::]",
        "localhost.evil.invalid",
        "localhost.",
        "169.254.169.254",
        "evil.invalid\\@127.0.0.1",
        "128.0.0.1",
    ] {
        let built = HoneyHive::builder()
            .with_env(empty_env())
            .with_base_url(&format!("http://{host}:{port}"))
            .with_api_key(KEY.to_owned())
            .build();
        let error = match built {
            Ok(client) => client.list_projects().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Config | ErrorKind::Tls | ErrorKind::Other
            ),
            "{host}: {error}"
        );
        assert!(!format!("{error} {error:?}").contains(&KEY[8..]));
        assert!(listener.is_untouched(), "{host} was contacted");
    }
}

#[test]
fn an_export_is_repeated_unless_it_would_fail_again() {
    for (status, count) in [
        ("429 Too Many Requests", 2),
        ("502 Bad Gateway", 2),
        ("503 Service Unavailable", 2),
        ("504 Gateway Timeout", 2),
        // The queue retries these; the transport does not.
        ("500 Internal Server Error", 2),
        ("408 Request Timeout", 2),
        ("400 Bad Request", 1),
    ] {
        let first = std::sync::atomic::AtomicBool::new(true);
        let server = HttpServer::with(move |request| {
            let fails =
                request.path() == TRACES && first.swap(false, std::sync::atomic::Ordering::Relaxed);
            if fails {
                (status, Vec::new())
            } else {
                accepted(request)
            }
        });
        let tracer = HoneyHiveTracer::builder()
            .with_env(hh_sdk::config::Env::from_pairs([("HH_RETRY_DELAY", "0.1")]))
            .with_base_url(server.url())
            .with_api_key(KEY.to_owned())
            .build()
            .unwrap();
        tracer.span("s", SpanKind::Tool).start().end();
        let flushed = tracer.flush_blocking(LONG);
        assert_eq!(flushed.is_ok(), count == 2, "{status}: {flushed:?}");
        assert_eq!(exports(&server).len(), count, "{status}");
    }
}

#[test]
fn our_key_never_leaves_inside_telemetry() {
    let server = HttpServer::with(accepted);
    let tracer = tracer(server.url());
    let cut = &KEY[..20];
    let session = tracer
        .session(&format!("with {KEY}"))
        .with_input("config", serde_json::json!({ "api_key": KEY, KEY: [KEY] }))
        .start();
    let mut span = session
        .span(&format!("with {KEY}"), SpanKind::Tool)
        .with_input(
            "config",
            serde_json::json!({ "api_key": KEY, "list": [KEY, { KEY: cut }] }),
        )
        .start();
    span.set_metadata(KEY, format!("Authorization: Bearer {KEY}"));
    span.set_output(
        "other",
        "hh_ro_abcdefghijklmnopqrstuvwxyz012345 and hh_search",
    );
    span.set_error(format!("401 for {KEY}"));
    span.end();
    session.set_feedback("note", format!("it was {KEY}"));
    session.end();
    tracer.flush_blocking(LONG).unwrap();

    let requests = server.take_requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    // The key was in use: each request is authorized with it.
    assert!(
        requests
            .iter()
            .all(|r| r.header("authorization") == Some(&format!("Bearer {KEY}")))
    );
    let mut all = String::new();
    for request in &requests {
        all.push_str(&String::from_utf8_lossy(&plain(request)));
    }
    assert!(
        all.contains("[redacted]") && all.contains("hh_search"),
        "{all}"
    );
    for part in [&KEY[3..], &cut[3..], "abcdefghijklmnop"] {
        assert!(!all.contains(part), "{all}");
    }
}

// Features S52, S57.
#[test]
fn a_tracer_in_memory_needs_no_key_and_no_server() {
    let exporter = InMemoryExporter::new();
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_project("docs")
        .with_in_memory_exporter(&exporter)
        .build()
        .unwrap();
    let session = tracer.session("s").with_input("q", "why").start();
    let mut chain = session.span("chain", SpanKind::Chain).start();
    let mut model = chain
        .child("model", SpanKind::Model)
        .with_config("temperature", 0.5)
        .start();
    model.set_error("out of luck");
    model.set_metric("score", 0.25);
    model.end();
    chain.set_output("answer", serde_json::json!({ "a": [1, null] }));
    chain.end();
    session.set_feedback("good", true);
    session.end();
    tracer.flush_blocking(LONG).unwrap();

    let events = exporter.events();
    let names: Vec<_> = events
        .iter()
        .map(|event| event.event_name.as_str())
        .collect();
    assert_eq!(names, ["s", "model", "chain"]);
    let [s, model, chain] = &events[..] else {
        panic!()
    };
    assert_eq!(
        (s.event_type, &s.inputs["q"], &s.feedback["good"]),
        (EventKind::Session, &"why".into(), &true.into())
    );
    assert_eq!(
        (chain.event_type, chain.parent_id, chain.session_id),
        (EventKind::Chain, Some(s.event_id), s.event_id)
    );
    assert_eq!(
        chain.outputs["answer"],
        serde_json::json!({ "a": [1, null] })
    );
    assert_eq!(
        (model.event_type, model.parent_id),
        (EventKind::Model, Some(chain.event_id))
    );
    assert_eq!(
        (&model.config["temperature"], &model.metrics["score"]),
        (&0.5.into(), &0.25.into())
    );
    assert_eq!(model.error.as_deref(), Some("out of luck"));
    assert_eq!(
        (model.project_id.as_str(), model.source.as_str()),
        ("docs", "dev")
    );
    assert!(chain.duration >= model.duration && s.duration >= chain.duration);
    exporter.clear();
    assert!(exporter.events().is_empty());
}

// Features S52, S57.
/// Runs this test as a separate program under strace.
#[test]
fn test_mode_opens_no_socket() {
    const TEST: &str = "network::test_mode_opens_no_socket";
    const CHILD: &str = "HH_TEST_MODE";
    if std::env::var_os(CHILD).is_some() {
        use_client_and_tracer();
        return;
    }
    let calls = tempfile::NamedTempFile::new().unwrap();
    let traced = |mode: &str| {
        std::process::Command::new("strace")
            .args(["-f", "-e", "trace=network", "-o"])
            .arg(calls.path())
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", TEST])
            .env(CHILD, mode)
            .env("HH_MAX_RETRIES", "0")
            .output()
    };
    // The socket pair that a runtime creates for signals is not a connection.
    let reaches_out = || {
        let calls = std::fs::read_to_string(calls.path()).unwrap();
        assert!(calls.contains("+++ exited with 0 +++"), "{calls}");
        calls.contains("socket(") || calls.contains("connect(")
    };
    match traced("true") {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(!is_ci, "strace cannot be run: {error}");
            println!("skipped: strace cannot be run ({error})");
            return;
        }
    }
    assert!(!reaches_out());
    // Without test mode, the same check finds sockets.
    traced("false").unwrap();
    assert!(reaches_out());
}

fn use_client_and_tracer() {
    let client = HoneyHive::builder()
        .with_base_url("http://127.0.0.1:9")
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = StartSession::default();
    let _result = runtime.block_on(client.start_session(session));
    let _result = runtime.block_on(client.list_projects());
    let tracer = HoneyHiveTracer::builder()
        .with_base_url("http://127.0.0.1:9")
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap();
    tracer.span("s", SpanKind::Tool).start().end();
    let _result = tracer.shutdown_blocking(Duration::from_millis(100));
}

// Feature S61.
#[tokio::test]
async fn the_timeout_bounds_the_whole_call() {
    let listener = IdleListener::new();
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_base_url(&listener.url())
        .with_api_key(KEY.to_owned())
        .with_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = client.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(error.to_string().ends_with("within 1 s"), "{error}");
}

// Feature S49.
#[tokio::test]
async fn a_wait_over_the_cap_is_an_error_with_the_wait() {
    let server = HttpServer::with(|_| ("429 Too Many Requests\r\nretry-after: 61", Vec::new()));
    let options = Options::new()
        .with_env(empty_env())
        .with(hh_sdk::config::names::BASE_URL, server.url())
        .with(hh_sdk::config::names::API_KEY, KEY);
    for options in [
        options.clone(),
        options.with_max_wait(Duration::from_secs(30)),
    ] {
        let client = HoneyHive::builder().with_options(options).build().unwrap();
        let error = client.list_projects().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(61)));
        let hint = error.hint().unwrap_or_default();
        assert!(hint.starts_with("try again in 61 s"), "{hint}");
    }
    assert_eq!(server.take_requests().len(), 2);
}

// Feature S89.
#[test]
fn debug_reports_every_attempt() {
    let server = HttpServer::with(accepted);
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&lines);
    let options = Options::new()
        .with_env(empty_env())
        .with(hh_sdk::config::names::BASE_URL, server.url())
        .with(hh_sdk::config::names::API_KEY, KEY)
        .with(hh_sdk::config::names::DEBUG, "true")
        .with_reporter(move |line| seen.lock().unwrap().push(line.to_owned()));
    let client = HoneyHive::builder().with_options(options).build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    drop(runtime.block_on(client.list_projects()));
    let lines = lines.lock().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("attempt 1: 200 OK")),
        "{lines:?}"
    );
    assert!(!lines.concat().contains(&KEY[8..]), "{lines:?}");
}
