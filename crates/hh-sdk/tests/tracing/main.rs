//! The events that `tracing` subscribers receive. The subscriber applies to the process, so this is a separate program.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::sync::{Mutex, Once};
use std::time::Duration;

use hh_sdk::config::{Env, names};
use hh_sdk::{HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::{HttpServer, response};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const LONG: Duration = Duration::from_mins(1);

/// The events of each thread, by the name of the thread.
static EVENTS: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

/// A subscriber that stores all events.
struct EventCollector;

impl Subscriber for EventCollector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = format!("{} {}", event.metadata().level(), event.metadata().target());
        event.record(&mut Message(&mut line));
        let thread = std::thread::current().name().unwrap_or("?").to_owned();
        EVENTS.lock().unwrap().entry(thread).or_default().push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{} {value:?}", self.0);
        }
    }
}

fn subscribe() {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| tracing::subscriber::set_global_default(EventCollector).unwrap());
}

fn events_of(thread: &str) -> Vec<String> {
    let events = EVENTS.lock().unwrap();
    events.get(thread).cloned().unwrap_or_default()
}

/// Answers every request with a status.
fn server(status: &'static str) -> HttpServer {
    let headers = "content-type: application/json\r\n";
    HttpServer::start([response(status, headers, "{}")])
}

fn options(url: &str) -> Options {
    Options::new()
        .with_env(Env::from_pairs::<&str, &str>([]))
        .with(names::BASE_URL, url.to_owned())
        .with(names::API_KEY, KEY)
        .with(names::MAX_RETRIES, "0")
}

fn tracer(url: &str) -> HoneyHiveTracer {
    let variables = [("HH_DEBUG", "true"), ("HH_MAX_RETRIES", "0")];
    HoneyHiveTracer::builder()
        .with_env(Env::from_pairs(variables))
        .with_base_url(url)
        .with_api_key(KEY.to_owned())
        .build()
        .unwrap()
}

#[test]
fn warnings_and_attempts_of_a_client_are_events_without_a_key() {
    subscribe();
    let server = server("200 OK");
    let url = server.url().to_owned();
    let thread = std::thread::Builder::new().name("client".to_owned());
    let client = thread.spawn(move || {
        let options = options(&url)
            .with(names::VERIFY_SSL, "false")
            .with(names::VERBOSE, "true")
            .with(names::DEBUG, "true");
        let client = HoneyHive::builder().with_options(options).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        drop(runtime.block_on(client.list_projects()));
    });
    client.unwrap().join().unwrap();
    let events = events_of("client");
    let has = |start: &str, part: &str| {
        let mut events = events.iter();
        events.any(|event| event.starts_with(start) && event.contains(part))
    };
    assert!(
        has("WARN honeyhive ", "TLS certificates are not verified"),
        "{events:#?}"
    );
    assert!(has("INFO honeyhive ", "version"), "{events:#?}");
    assert!(has("DEBUG honeyhive ", "attempt 1: 200 OK"), "{events:#?}");
    assert!(!events.concat().contains(&KEY[8..]), "{events:#?}");
}

/// Variables that an OpenTelemetry SDK in the same program uses.
#[test]
fn variables_of_other_programs_cause_a_warning_in_a_tracer_and_no_error() {
    subscribe();
    let no_effect = |setting: &str, variable: &str| {
        format!("{setting} from {variable} (environment) has no effect: not implemented yet")
    };
    let protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    let ignored = format!("{protocol} is ignored: expected one of http/json, http/protobuf");
    let attributes = "OTEL_RESOURCE_ATTRIBUTES";
    let cases = [
        (protocol, "grpc", Some(ignored)),
        (
            protocol,
            "http/json",
            Some(no_effect("otlp_protocol", protocol)),
        ),
        (protocol, "http/protobuf", None),
        (
            "OTEL_SERVICE_NAME",
            "my service",
            Some(no_effect("service_name", "OTEL_SERVICE_NAME")),
        ),
        (
            attributes,
            "a,=b,%",
            Some(no_effect("resource_attributes", attributes)),
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a", None),
        ("OTEL_TRACES_EXPORTER", "none", None),
    ];
    for (number, (name, value, warning)) in cases.into_iter().enumerate() {
        let env = Env::from_pairs([(name, value)]);
        let start = |thread: String, start: Box<dyn FnOnce(Env) + Send>| {
            let env = env.clone();
            let builder = std::thread::Builder::new().name(thread.clone());
            let started = builder.spawn(move || start(env));
            started.unwrap().join().unwrap();
            let mut events = events_of(&thread);
            events.retain(|event| event.starts_with("WARN"));
            events
        };
        let client = start(
            format!("shared client {number}"),
            Box::new(|env| {
                let options = options("http://127.0.0.1:9").with_env(env);
                drop(HoneyHive::builder().with_options(options).build().unwrap());
            }),
        );
        assert_eq!(client, [""; 0], "{name}={value}");
        let tracer = start(
            format!("shared tracer {number}"),
            Box::new(|env| {
                let builder = HoneyHiveTracer::builder().with_env(env);
                let builder = builder.with_base_url("http://127.0.0.1:9");
                drop(builder.with_api_key(KEY.to_owned()).build().unwrap());
            }),
        );
        let warning = warning.map(|warning| format!("WARN honeyhive {warning}"));
        assert_eq!(tracer, Vec::from_iter(warning), "{name}={value}");
    }
}

#[test]
fn the_export_thread_emits_no_event_but_that_of_a_rejected_key() {
    subscribe();
    for (status, expected) in [("401 Unauthorized", 1), ("200 OK", 0), ("503 Busy", 0)] {
        EVENTS.lock().unwrap().remove("honeyhive-export");
        let server = server(status);
        let tracer = tracer(server.url());
        tracer.span("span", SpanKind::Tool).start().end();
        drop(tracer.flush_blocking(Duration::from_millis(200)));
        drop(tracer.shutdown_blocking(LONG.min(Duration::from_secs(1))));
        let events = events_of("honeyhive-export");
        let of_keys = |event: &&String| {
            event.starts_with("INFO honeyhive.security ") && event.contains("key_rejected")
        };
        assert!(
            events.iter().filter(of_keys).count() >= expected,
            "{status}: {events:#?}"
        );
        assert!(
            events.iter().all(|event| of_keys(&event)),
            "{status}: {events:#?}"
        );
    }
    // The subscriber still receives events of this thread.
    tracing::event!(target: "test", Level::INFO, "still here");
    let thread = std::thread::current();
    let events = events_of(thread.name().unwrap_or("?"));
    assert!(
        events.contains(&"INFO test still here".to_owned()),
        "{events:#?}"
    );
}

/// Runs this test as a separate program, with and without a subscriber.
#[test]
fn warnings_reach_stderr_only_without_a_subscriber() {
    const TEST: &str = "warnings_reach_stderr_only_without_a_subscriber";
    const CHILD: &str = "HH_TEST_SUBSCRIBER";
    if let Some(subscriber) = std::env::var_os(CHILD) {
        if subscriber == "yes" {
            subscribe();
        }
        let options = options("http://127.0.0.1:9").with(names::VERIFY_SSL, "false");
        drop(HoneyHive::builder().with_options(options).build().unwrap());
        return;
    }
    for (subscriber, count) in [("yes", 0), ("no", 1)] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(CHILD, subscriber)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let warnings = stderr.matches("honeyhive: warning: TLS certificates are not verified");
        assert_eq!(warnings.count(), count, "{stderr}");
    }
}
