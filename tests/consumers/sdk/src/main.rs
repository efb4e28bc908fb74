//! A program that traces its requests, and its test.

use hh_sdk::config::Env;
use hh_sdk::{Error, ErrorKind, HoneyHive, HoneyHiveTracer, InMemoryExporter, Session, SpanKind};

/// Answers a question, and records how.
fn answer(session: &Session, question: &str) -> String {
    let mut chain = session
        .span("answer", SpanKind::Chain)
        .with_input("question", question)
        .start();
    let mut search = chain.child("search", SpanKind::Tool).start();
    search.set_output("hits", 2);
    search.end();
    let text = "Because.".to_owned();
    chain.set_output("text", text.as_str());
    chain.end();
    text
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let exporter = InMemoryExporter::new();
    let tracer = HoneyHiveTracer::builder()
        .with_env(Env::from_pairs([("HH_PROJECT", "docs")]))
        .with_in_memory_exporter(&exporter)
        .build()?;
    let session = tracer.session("ask").start();
    assert_eq!(answer(&session, "Why?"), "Because.");
    session.end();

    let events = exporter.events();
    let event = |name: &str| {
        events
            .iter()
            .find(|event| event.event_name == name)
            .expect(name)
    };
    assert_eq!(event("answer").inputs["question"], "Why?");
    assert_eq!(event("search").outputs["hits"], 2);
    assert_eq!(event("search").parent_id, Some(event("answer").event_id));

    // A client without an API key.
    let empty = Env::from_pairs::<&str, &str>([]);
    let error = HoneyHive::builder().with_env(empty).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingKey);
    Ok(())
}
