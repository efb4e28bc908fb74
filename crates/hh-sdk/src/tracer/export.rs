//! The export thread: takes what waits, sends it in order, keeps the time of flushes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hh_api::attributes::SCOPE;
use hh_api::{OpId, types::StartSession};
use http::Response;
use http::header::CONTENT_TYPE;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Wire};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::queue::{Inner, Job, Loss};
use super::redact::{Own, redact_json, redact_span};
use crate::connect::Message;
use crate::{Error, ErrorKind};

/// After a rejected key nothing is sent for so long: the next export would be rejected too.
const REJECTED_PAUSE: Duration = Duration::from_mins(1);

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
        let mut not_before = Instant::now();
        while wait_for_work(inner, not_before).await {
            if send_some(inner).await == Sent::Rejected {
                not_before = Instant::now() + REJECTED_PAUSE;
            }
        }
    };
    tokio::select! {
        () = work => {}
        never = expire_waiters(inner) => match never {},
    }
}

/// Waits until there is a batch or the first job has waited long enough, neither before a time, or until a flush or the
/// end asks for what there is; false at the end.
async fn wait_for_work(inner: &Inner, not_before: Instant) -> bool {
    let mut due: Option<Instant> = None;
    loop {
        let now = Instant::now();
        {
            let state = inner.lock();
            let count = state.len();
            if count == 0 && state.is_closed() {
                return false;
            }
            due = (count > 0).then(|| {
                let due = due.unwrap_or(now + inner.flush_interval);
                let due = if count >= inner.batch_size { now } else { due };
                due.max(not_before)
            });
            let urgent = state.is_closed() || state.is_awaited();
            if count > 0 && (urgent || due.is_some_and(|due| due <= now)) {
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

/// How sending went, as far as the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Done,
    Rejected,
}

/// Sends the first job, or the run of spans that comes first.
async fn send_some(inner: &Inner) -> Sent {
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
    let (loss, rejected) = match result {
        Ok(loss) => (loss, None),
        Err(error) => {
            let is_rejected = matches!(
                error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::NotFound
            );
            let why = error.to_string();
            let loss = Loss::new(count, why.clone());
            (Some(loss), is_rejected.then_some(why))
        }
    };
    let due = inner.lock().finish(loss);
    due.give(inner);
    let Some(why) = rejected else {
        return Sent::Done;
    };
    // Whoever waits for the rest would wait in vain, and the rest be rejected in as many requests.
    let due = inner.lock().reject(&why);
    due.give(inner);
    Sent::Rejected
}

async fn start_session(inner: &Inner, session: &StartSession) -> Result<Option<Loss>, Error> {
    let wrapped = serde_json::json!({ "session": session });
    send_json(inner, OpId::StartSession, &wrapped).await
}

async fn send_json(inner: &Inner, op: OpId, body: &impl Serialize) -> Result<Option<Loss>, Error> {
    // Maps with text keys can always be written.
    let mut body = serde_json::to_value(body).unwrap_or_default();
    redact_json(&mut body, &own(inner));
    let message = Message::Json(Bytes::from(body.to_string()));
    inner.sender.send(op, "", message).await?;
    Ok(None)
}

/// Exports spans; what the server refuses of them is lost, and not sent again (OTLP, "Partial Success").
async fn export(inner: &Inner, mut spans: Vec<Wire>) -> Result<Option<Loss>, Error> {
    let own = own(inner);
    for span in &mut spans {
        redact_span(span, &own);
    }
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
    let message = Message::Protobuf(Bytes::from(request.encode_to_vec()));
    let answer = inner.sender.send(OpId::ExportTraces, "", message).await?;
    let Some(refused) = refused(&answer) else {
        let why = "the answer to an export is none: something else than the server took it";
        return Err(Error::new(ErrorKind::Unavailable, why));
    };
    Ok((refused.rejected_spans > 0).then(|| {
        let why = own.redact(&refused.error_message);
        let count = u64::try_from(refused.rejected_spans).unwrap_or_default();
        Loss::new(count, format!("the server refused them: {why}"))
    }))
}

/// Reads what an answer says about refused spans; none if it is no answer of OTLP at all, whatever its status.
fn refused(answer: &Response<Bytes>) -> Option<ExportTracePartialSuccess> {
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if answer.body().is_empty() {
        return Some(ExportTracePartialSuccess::default());
    }
    if kind.eq_ignore_ascii_case("application/json") {
        let answer: JsonAnswer = serde_json::from_slice(answer.body()).ok()?;
        return Some(answer.partial_success.into());
    }
    let answer = ExportTraceServiceResponse::decode(answer.body().clone()).ok()?;
    Some(answer.partial_success.unwrap_or_default())
}

/// The same in JSON, where a 64-bit number may be a text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonAnswer {
    #[serde(default)]
    partial_success: JsonRefused,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonRefused {
    rejected_spans: serde_json::Value,
    error_message: String,
}

impl From<JsonRefused> for ExportTracePartialSuccess {
    fn from(json: JsonRefused) -> Self {
        let count = json.rejected_spans;
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok());
        Self {
            rejected_spans: count.unwrap_or_default(),
            error_message: json.error_message,
        }
    }
}

fn own(inner: &Inner) -> Own {
    Own(inner.sender.keys())
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
