use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hh_sdk::api::types::{Event, EventKind, ExportEvents};
use hh_sdk::auth::Level;
use hh_sdk::{ErrorKind, HoneyHiveTracer, SpanKind};
use hh_testing::{HttpServer, IdleListener, Reply, poll_until};

use crate::support::{TestServer, empty_env};

const LONG: Duration = Duration::from_secs(20);

fn tracer(server: &TestServer, key: &str) -> HoneyHiveTracer {
    HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url(&server.url)
        .with_api_key(key.to_owned())
        .build()
        .unwrap()
}

async fn events(server: &TestServer, key: &str) -> BTreeMap<String, Event> {
    let client = server.client(key);
    let page = client.export_events(ExportEvents::default()).await.unwrap();
    let events = page.events.into_iter();
    events
        .map(|event| (event.event_name.clone(), event))
        .collect()
}

#[tokio::test]
async fn a_session_with_nested_spans_arrives_whole() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = tracer(&server, &key);
    let session = tracer.session("s").with_input("q", "why").start();
    let mut chain = session.span("chain", SpanKind::Chain).start();
    let mut tool = chain
        .child("tool", SpanKind::Tool)
        .with_input("list", [1, 2])
        .with_input("text", "[not a list]")
        .start();
    tool.set_output("map", serde_json::json!({ "a": { "b": null, "c": 1.5 } }));
    tool.set_metadata("big", u64::MAX);
    tool.end();
    let mut model = chain.child("model", SpanKind::Model).start();
    model.set_error("out of luck");
    model.set_metric("score", 0.25);
    model.end();
    chain.set_output("answer", "42");
    chain.end();
    session.set_feedback("good", true);
    let id = session.id();
    session.end();
    tracer.shutdown(LONG).await.unwrap();

    let events = events(&server, &key).await;
    assert_eq!(events.len(), 4);
    assert_eq!(events["s"].event_id, id);
    assert_eq!(events["s"].event_type, EventKind::Session);
    assert_eq!(events["s"].inputs["q"], "why");
    assert_eq!(events["s"].feedback["good"], true);
    assert_eq!(events["chain"].parent_id, Some(id));
    for child in ["tool", "model"] {
        assert_eq!(events[child].parent_id, Some(events["chain"].event_id));
        assert_eq!(events[child].session_id, id);
    }
    assert_eq!(events["tool"].inputs["list"], serde_json::json!([1, 2]));
    assert_eq!(events["tool"].inputs["text"], "[not a list]");
    assert_eq!(events["tool"].outputs["map"]["a"]["c"], 1.5);
    assert_eq!(events["tool"].metadata["big"], "18446744073709551615");
    assert_eq!(events["model"].error.as_deref(), Some("out of luck"));
    assert_eq!(events["model"].metrics["score"], 0.25);
    assert!(events["chain"].duration >= events["tool"].duration);
    assert!(events["s"].duration >= events["chain"].duration);
}

#[test]
fn it_works_without_a_runtime_and_flush_means_arrived() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
    let tracer = tracer(&server, &key);
    tracer.flush_blocking(LONG).unwrap();
    for round in 0..250 {
        tracer
            .span(&format!("span {round}"), SpanKind::Tool)
            .start()
            .end();
    }
    tracer.flush_blocking(LONG).unwrap();
    assert_eq!(runtime.block_on(events(&server, &key)).len(), 251);
    assert_eq!(tracer.dropped(), 0);
    tracer.shutdown_blocking(LONG).unwrap();
}

#[test]
fn init_opens_no_connection_and_a_server_that_is_down_costs_at_most_the_timeout() {
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url("http://127.0.0.1:9")
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap();
    tracer.span("lost", SpanKind::Tool).start().end();
    let error = tracer
        .flush_blocking(Duration::from_millis(10))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_rejected_key_is_reported_at_each_flush_and_loses_nothing_before_the_end() {
    let server = TestServer::start().await;
    let tracer = tracer(&server, "hh_1234567890abcdef1234567890abcdef");
    tracer.span("lost", SpanKind::Tool).start().end();
    for _ in 0..2 {
        let error = tracer.flush(LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert_eq!(tracer.dropped(), 0);
    }
    let error = tracer.shutdown(LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped);
    assert!(error.to_string().starts_with("3 of "), "{error}");
}

#[test]
fn a_full_queue_drops_the_oldest_spans_and_counts_them() {
    let env =
        hh_sdk::config::Env::from_pairs([("HH_MAX_QUEUE_SIZE", "100"), ("HH_BATCH_SIZE", "1000")]);
    let tracer = HoneyHiveTracer::builder()
        .with_env(env)
        .with_base_url("http://127.0.0.1:9")
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap();
    for _ in 0..150 {
        tracer.span("span", SpanKind::Tool).start().end();
    }
    // 150 spans and the start of the session for 100 places.
    assert_eq!(tracer.dropped(), 51);
}

#[tokio::test]
async fn test_mode_accepts_everything_and_sends_nothing() {
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_test_mode(true)
        .build()
        .unwrap();
    tracer.span("span", SpanKind::Tool).start().end();
    tracer.shutdown(Duration::ZERO).await.unwrap();
}

#[test]
fn waits_of_any_length_are_taken() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
    let tracer = tracer(&server, &key);
    tracer.span("span", SpanKind::Tool).start().end();
    tracer.flush_blocking(Duration::MAX).unwrap();
    tracer.shutdown_blocking(Duration::MAX).unwrap();
}

#[test]
fn spans_that_end_after_the_shutdown_do_not_end_its_wait() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
    let tracer = tracer(&server, &key);
    let session = tracer.session("s").start();
    for number in 0..50 {
        session
            .span(&format!("before {number}"), SpanKind::Tool)
            .start()
            .end();
    }
    let late: Vec<_> = (0..500)
        .map(|_| session.span("late", SpanKind::Tool).start())
        .collect();
    let outcome = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| tracer.shutdown_blocking(LONG));
        drop(late);
        waiting.join().unwrap()
    });
    // Late spans can be lost and are then counted. No earlier span is lost.
    if let Err(error) = outcome {
        assert_eq!(error.kind(), ErrorKind::Dropped);
    }
    let events = runtime.block_on(events(&server, &key));
    let before = events.keys().filter(|name| name.starts_with("before"));
    assert_eq!(before.count(), 50);
}

#[tokio::test]
async fn an_object_with_numbers_as_names_stays_an_object() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = tracer(&server, &key);
    let value = serde_json::json!({ "0": "a", "1": "b" });
    tracer
        .span("span", SpanKind::Tool)
        .with_input("map", &value)
        .start()
        .end();
    tracer.shutdown(LONG).await.unwrap();
    assert_eq!(events(&server, &key).await["span"].inputs["map"], value);
}

#[test]
fn a_flush_meets_its_deadline_while_a_request_hangs() {
    let silent = HttpServer::start([Reply::Silence]);
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url(silent.url())
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .with_timeout(Duration::from_mins(5))
        .build()
        .unwrap();
    tracer.span("hangs", SpanKind::Tool).start().end();
    // The first flush starts the request, the second one comes while it hangs. The request itself can take 5 minutes.
    let start = Instant::now();
    for _ in 0..2 {
        let error = tracer
            .flush_blocking(Duration::from_millis(50))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    assert!(
        start.elapsed() < Duration::from_mins(2),
        "the flush took much less time than the request"
    );
}

#[tokio::test]
async fn the_tracers_own_session_ends_with_it() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = tracer(&server, &key);
    let id = tracer.session_id();
    tracer.span("span", SpanKind::Tool).start().end();
    tracer.flush(LONG).await.unwrap();
    let before = events(&server, &key).await;
    tracer.shutdown(LONG).await.unwrap();
    let after = events(&server, &key).await;
    let end = |events: &BTreeMap<String, Event>| {
        let session = events.values().find(|event| event.event_id == id).unwrap();
        session.end_time
    };
    assert!(end(&after) > end(&before), "the end came with the shutdown");
}

#[tokio::test]
async fn a_deep_value_costs_no_other_span() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = tracer(&server, &key);
    let mut deep = serde_json::json!("bottom");
    for level in 0..60 {
        deep = if level % 2 == 0 {
            serde_json::json!({ "a": deep })
        } else {
            serde_json::json!([deep])
        };
    }
    tracer
        .span("deep", SpanKind::Tool)
        .with_input("v", &deep)
        .start()
        .end();
    tracer.span("plain", SpanKind::Tool).start().end();
    tracer.shutdown(LONG).await.unwrap();
    let events = events(&server, &key).await;
    assert!(events.contains_key("plain"));
    assert!(events["deep"].inputs["v"].to_string().contains("bottom"));
}

#[tokio::test]
async fn the_flush_after_a_canceled_one_reports_its_losses() {
    // The server responds after the flush was canceled.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let server = HttpServer::with(move |_| {
        released.recv().ok();
        ("400 Bad Request", Vec::new())
    });
    let tracer = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_base_url(server.url())
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap();
    tracer.span("lost", SpanKind::Tool).start().end();
    // Polled once and then dropped.
    let mut flush = Box::pin(tracer.flush(LONG));
    let polled = std::future::poll_fn(|context| {
        std::task::Poll::Ready(flush.as_mut().poll(context).is_pending())
    });
    assert!(polled.await);
    drop(flush);
    drop(release);
    // The start of the session and the span.
    while tracer.dropped() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        tracer.flush(LONG).await.unwrap_err().kind(),
        ErrorKind::Dropped
    );
    tracer.flush(LONG).await.unwrap();
}

#[tokio::test]
async fn names_with_dots_nest_and_a_name_set_again_is_replaced() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadWrite, "default").await;
    let tracer = tracer(&server, &key);
    let mut span = tracer.span("span", SpanKind::Tool).start();
    span.set_output("a.b", 1);
    span.set_output("a.b", 2);
    span.end();
    tracer.shutdown(LONG).await.unwrap();
    let events = events(&server, &key).await;
    assert_eq!(events["span"].outputs["a"], serde_json::json!({ "b": 2 }));
}

#[test]
fn init_and_its_end_open_no_connection() {
    let listener = IdleListener::new();
    let build = || {
        HoneyHiveTracer::builder()
            .with_env(empty_env())
            .with_base_url(&listener.url())
            .with_api_key("hh_1234567890abcdef1234567890abcdef")
            .build()
            .unwrap()
    };
    build().shutdown_blocking(LONG).unwrap();
    assert!(listener.is_untouched());
    // The same listener does see the tracer's first span.
    let tracer = build();
    tracer.span("span", SpanKind::Tool).start().end();
    assert!(tracer.flush_blocking(Duration::from_millis(50)).is_err());
    poll_until("a connection", || !listener.is_untouched());
}

/// A value that must not be serialized.
struct NeverSerialized;

impl serde::Serialize for NeverSerialized {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        unreachable!("a disabled tracer must not serialize values")
    }
}

#[test]
fn a_disabled_tracer_needs_no_key_sends_nothing_and_has_ids() {
    let listener = IdleListener::new();
    let url = listener.url();
    let exporter = hh_sdk::InMemoryExporter::new();
    let build = |is_in_memory: bool| {
        let builder = HoneyHiveTracer::builder()
            .with_env(hh_sdk::config::Env::from_pairs([(
                "HH_DISABLE_TRACING",
                "true",
            )]))
            .with_base_url(&url);
        if is_in_memory {
            builder.with_in_memory_exporter(&exporter)
        } else {
            builder
        }
    };
    for is_in_memory in [false, true] {
        let tracer = build(is_in_memory).build().unwrap();
        let session = tracer.session("s").with_input("a", NeverSerialized).start();
        assert!(!session.id().is_nil() && session.id() != tracer.session_id());
        let mut span = session
            .span("span", SpanKind::Tool)
            .with_input("a", NeverSerialized)
            .start();
        span.set_output("b", NeverSerialized);
        span.set_error("no");
        span.child("child", SpanKind::Tool).start().end();
        span.end();
        session.set_metadata("c", NeverSerialized);
        session.end();
        tracer.flush_blocking(Duration::ZERO).unwrap();
        assert_eq!(tracer.dropped(), 0);
        tracer.shutdown_blocking(Duration::ZERO).unwrap();
    }
    assert!(exporter.events().is_empty());
    assert!(listener.is_untouched());
    let error = HoneyHiveTracer::builder()
        .with_env(hh_sdk::config::Env::from_pairs([(
            "HH_DISABLE_TRACING",
            "perhaps",
        )]))
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

/// A deeply nested list, which is dropped without recursion.
struct Nested(serde_json::Value);

impl Nested {
    fn of_levels(levels: u32) -> Self {
        let mut value = serde_json::json!("bottom");
        for level in 0..levels {
            value = if level % 2 == 0 {
                serde_json::Value::Array(vec![value])
            } else {
                serde_json::Value::Object([("a".to_owned(), value)].into_iter().collect())
            };
        }
        Self(value)
    }
}

impl serde::Serialize for Nested {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        let mut value = self.0.take();
        loop {
            let below = match &mut value {
                serde_json::Value::Array(items) => items.pop(),
                serde_json::Value::Object(members) => members.remove("a"),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Number(_)
                | serde_json::Value::String(_) => None,
            };
            let Some(below) = below else { return };
            value = below;
        }
    }
}

#[test]
fn values_of_a_hundred_thousand_levels_cost_no_other_value() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
    let exporter = hh_sdk::InMemoryExporter::new();
    let in_memory = HoneyHiveTracer::builder()
        .with_env(empty_env())
        .with_in_memory_exporter(&exporter)
        .build()
        .unwrap();
    let record = |tracer: HoneyHiveTracer| {
        let deep = || Nested::of_levels(100_000);
        let session = tracer
            .session("s")
            .with_input("deep", deep())
            .with_metadata("plain", 1)
            .start();
        let mut span = session
            .span("span", SpanKind::Tool)
            .with_input("deep", deep())
            .with_config("plain", 2)
            .start();
        span.set_output("deep", deep());
        span.end();
        session.set_output("deep", deep());
        session.set_feedback("plain", 3);
        session.end();
        tracer.shutdown_blocking(LONG).unwrap();
    };
    record(in_memory);
    record(tracer(&server, &key));
    let mut stored = runtime.block_on(events(&server, &key));
    for event in exporter.events() {
        let stored = stored.remove(&event.event_name).unwrap();
        let too_deep = |object: &serde_json::Map<_, serde_json::Value>| {
            object
                .get("deep")
                .unwrap()
                .to_string()
                .contains("(nested too deeply)")
        };
        assert!(too_deep(&event.inputs) && too_deep(&event.outputs));
        assert_eq!(
            (&event.inputs, &event.outputs),
            (&stored.inputs, &stored.outputs)
        );
        let plain = |event: &Event| {
            let objects = [&event.metadata, &event.config, &event.feedback];
            let objects = objects.into_iter().filter_map(|object| object.get("plain"));
            objects.cloned().collect::<Vec<_>>()
        };
        assert_eq!(plain(&event), plain(&stored));
        assert!(!plain(&event).is_empty(), "{event:?}");
    }
}

#[test]
fn a_value_that_panics_leaves_a_span_that_arrives_without_it() {
    struct Panics;
    impl serde::Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq as _;
            let mut list = serializer.serialize_seq(None)?;
            list.serialize_element("begun")?;
            panic!("a value")
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
    let tracer = tracer(&server, &key);
    let mut span = tracer.span("span", SpanKind::Tool).start();
    span.set_output("before", 1);
    let setting = std::panic::AssertUnwindSafe(|| span.set_output("panics", Panics));
    std::panic::catch_unwind(setting).unwrap_err();
    span.set_output("after", 2);
    span.end();
    tracer.shutdown_blocking(LONG).unwrap();
    let events = runtime.block_on(events(&server, &key));
    let outputs = serde_json::Value::Object(events["span"].outputs.clone());
    assert_eq!(outputs, serde_json::json!({"before": 1, "after": 2}));
}
