//! Traces one session of four events and prints its id.
//!
//! ```console
//! $ honeyhive auth login
//! $ HH_PROJECT=docs cargo run -p hh-sdk --example tracer
//! $ honeyhive event list --tree --session-id ID
//! ```
//!
//! The program has no runtime: the tracer sends telemetry on its own thread.

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::time::Duration;

use hh_sdk::{Error, HoneyHiveTracer, Session, Span, SpanKind};

const QUESTION: &str = "What is a session?";

fn main() -> Result<(), Error> {
    let tracer = HoneyHiveTracer::builder().build()?;
    let session = tracer
        .session("answer a question")
        .with_input("question", QUESTION)
        .start();
    let answer = answer(&session, QUESTION);
    session.set_output("answer", &answer);
    println!("session {}", session.id());
    session.end();
    // Sends the rest of the telemetry, or fails after 10 s.
    tracer.shutdown_blocking(Duration::from_secs(10))?;
    Ok(())
}

/// Runs a chain of two steps. A span ends when it is dropped.
fn answer(session: &Session, question: &str) -> String {
    let mut chain = session.span("answer", SpanKind::Chain).start();
    let passages = search(&chain, question);
    let answer = complete(&chain, question, &passages);
    chain.set_output("answer", &answer);
    answer
}

fn search(chain: &Span, question: &str) -> Vec<String> {
    let mut tool = chain
        .child("search", SpanKind::Tool)
        .with_input("query", question)
        .start();
    let passages = vec!["A session is one interaction.".to_owned()];
    tool.set_output("passages", &passages);
    passages
}

fn complete(chain: &Span, question: &str, passages: &[String]) -> String {
    let mut model = chain
        .child("complete", SpanKind::Model)
        .with_input("question", question)
        .with_input("passages", passages)
        .with_config("model", "the first passage")
        .start();
    let answer = passages.first().cloned().unwrap_or_default();
    model.set_output("answer", &answer);
    model.set_metric("passages", passages.len());
    answer
}
