//! The export thread: takes what waits, sends it in order, keeps the time of flushes.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hh_api::attributes::SCOPE;
use hh_api::{OpId, types::StartSession};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Wire};
use prost::Message as _;
use serde::Serialize;

use super::queue::{Inner, Job};
use crate::Error;

/// Starts the thread with a runtime of its own, so that nobody else's is borrowed or blocked.
pub(super) fn start(inner: &Arc<Inner>) {
    let for_thread = Arc::clone(inner);
    let spawned = std::thread::Builder::new()
        .name("honeyhive-export".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(run(&for_thread)),
                Err(_) => give_up(&for_thread),
            }
        });
    if spawned.is_err() {
        give_up(inner);
    }
}

fn give_up(inner: &Inner) {
    let due = inner
        .lock()
        .abandon("the export thread could not be started");
    due.give(inner);
}

/// Answers those who wait even if the thread panics: nobody may hang for ever.
struct GiveUp<'a>(&'a Inner);

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let due = self.0.lock().abandon("the export thread has failed");
            due.give(self.0);
        }
    }
}

async fn run(inner: &Inner) {
    let _give_up = GiveUp(inner);
    let work = async {
        while wait_for_work(inner).await {
            send_some(inner).await;
        }
    };
    tokio::select! {
        () = work => {}
        never = expire_waiters(inner) => match never {},
    }
}

/// Waits until there is a batch, until the first job has waited long enough, or until a flush or the end asks for
/// what there is; false at the end.
async fn wait_for_work(inner: &Inner) -> bool {
    let mut due: Option<Instant> = None;
    loop {
        let now = Instant::now();
        {
            let state = inner.lock();
            let count = state.len();
            if count == 0 && state.is_closed() {
                return false;
            }
            due = (count > 0).then(|| due.unwrap_or(now + inner.flush_interval));
            let urgent =
                state.is_closed() || state.is_awaited() || due.is_some_and(|due| due <= now);
            if count >= inner.batch_size || (count > 0 && urgent) {
                return true;
            }
        }
        match due {
            Some(due) => tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = inner.wake.notified() => {}
            },
            None => inner.wake.notified().await,
        }
    }
}

/// The encoded bytes of an export, well below what servers take.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Sends the first job, or the run of spans that comes first.
async fn send_some(inner: &Inner) {
    let mut spans: Vec<Wire> = Vec::new();
    let mut bytes = 0;
    let mut other = None;
    {
        let mut state = inner.lock();
        while spans.len() < inner.batch_size && other.is_none() {
            let taken = state.take(|job| match job {
                Job::Span(span) => {
                    bytes += span.encoded_len();
                    spans.is_empty() || bytes <= MAX_BATCH_BYTES
                }
                Job::Start(_) | Job::Update(_) => spans.is_empty(),
            });
            match taken {
                Some(Job::Span(span)) => spans.push(*span),
                Some(job) => other = Some(job),
                None => break,
            }
        }
    }
    let count = spans.len().max(1) as u64;
    let result = match other {
        Some(Job::Start(session)) => start_session(inner, &session).await,
        Some(Job::Update(patch)) => send_json(inner, OpId::UpdateEvent, &*patch).await,
        Some(Job::Span(_)) | None => export(inner, spans).await,
    };
    let due = inner.lock().finish(count, result);
    due.give(inner);
}

async fn start_session(inner: &Inner, session: &StartSession) -> Result<(), Error> {
    let wrapped = serde_json::json!({ "session": session });
    send_json(inner, OpId::StartSession, &wrapped).await
}

async fn send_json(inner: &Inner, op: OpId, body: &impl Serialize) -> Result<(), Error> {
    // Maps with text keys can always be written.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let sent = inner
        .sender
        .send(op, "", "application/json", Bytes::from(body));
    sent.await.map(drop)
}

async fn export(inner: &Inner, spans: Vec<Wire>) -> Result<(), Error> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: SCOPE.to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let body = Bytes::from(request.encode_to_vec());
    let sent = inner
        .sender
        .send(OpId::ExportTraces, "", "application/x-protobuf", body);
    sent.await.map(drop)
}

/// Answers flushes whose time is over, also while a request is under way.
async fn expire_waiters(inner: &Inner) -> std::convert::Infallible {
    loop {
        let (due, next) = inner.lock().expire(Instant::now());
        due.give(inner);
        match next {
            Some(deadline) => tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {}
                () = inner.flushed.notified() => {}
            },
            None => inner.flushed.notified().await,
        }
    }
}
