//! The export thread: takes what waits, sends it in order, keeps the time of flushes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hh_api::attributes::SCOPE;
use hh_api::{OpId, types::StartSession};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;
use serde::Serialize;

use super::failure::Failure;
use super::pace::{MAX_ASKED, Pace, Pause};
use super::queue::{Inner, Job};
use super::redact::{Own, redact_json, redact_span};
use super::response::refused;
use super::state::{Entry, Loss, Next, Watch};
use crate::catch::{catch, catch_async};
use crate::ids::random;
use crate::resolve::Message;
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
            let Ok(runtime) = runtime else {
                give_up(&for_thread, "the export thread could not be started");
                return;
            };
            // Nobody may wait for ever, whatever panics. Not by a destructor: a second panic in one ends the program.
            if catch(|| runtime.block_on(run(&for_thread))).is_none() {
                give_up(&for_thread, "the export thread has failed");
            }
            catch(|| drop(runtime));
        });
    if spawned.is_err() {
        give_up(inner, "the export thread could not be started");
    }
}

fn give_up(inner: &Inner, reason: &str) {
    let due = inner.lock().abandon(reason);
    due.give(inner);
}

async fn run(inner: &Inner) {
    let work = async {
        let mut pace = Pace::new(inner.batch_size, inner.retry_delay);
        let mut pause = None;
        while wait_for_work(inner, pause).await {
            pause = send_some(inner, &mut pace).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = expire_waiters(inner) => {}
    }
}

/// Waits until there is a batch or the first job has waited long enough, or until a flush or the end asks for what there
/// is, and until a pause is over; false at the end.
async fn wait_for_work(inner: &Inner, pause: Option<Pause>) -> bool {
    let mut due: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let next = {
            let state = inner.lock();
            let first_due = *due.get_or_insert(now + inner.flush_interval);
            if state.len() == 0 {
                due = None;
            }
            let is_full = state.len() >= inner.batch_size;
            state.next(now, first_due, is_full, pause)
        };
        match next {
            Next::Send => return true,
            Next::Wait(Some(until)) => tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = inner.wake.notified() => {}
            },
            Next::Wait(None) => inner.wake.notified().await,
            Next::GiveUp => {
                let due = inner.lock().abandon_late();
                due.give(inner);
                return false;
            }
            Next::End => return false,
        }
    }
}

/// Sends the first job, or the run of spans that comes first; returns how long nothing may be sent then.
async fn send_some(inner: &Inner, pace: &mut Pace) -> Option<Pause> {
    let mut batch = inner.lock().take(pace.limit(), inner.max_batch_bytes);
    let count = batch.len();
    if count == 0 {
        return None;
    }
    let is_update = matches!(batch.first(), Some(first) if matches!(first.job, Job::Update(_)));
    let error = match catch_async(send(inner, &mut batch)).await {
        Some(Ok(loss)) => {
            pace.succeed();
            finish(inner, loss);
            return None;
        }
        Some(Err(error)) => error,
        None => {
            let why = "sending them has panicked".to_owned();
            finish(inner, Some(lost(count, why)));
            return None;
        }
    };
    let why = error.to_line();
    let failure = Failure::of(&error, is_update);
    let is_final = match failure {
        Failure::Final => true,
        Failure::TooLarge => count == 1,
        Failure::Suspect => count == 1 && pace.is_hopeless(first_number(&batch), Instant::now()),
        Failure::Unavailable | Failure::Rejected => false,
    };
    if is_final {
        finish(inner, Some(lost(count, why)));
        return None;
    }
    let asked = error.retry_after();
    let why = if asked.is_some_and(|asked| asked > MAX_ASKED) {
        let longest = MAX_ASKED.as_secs();
        format!("{why}; the tracer itself tries again after {longest} s")
    } else {
        why
    };
    if matches!(failure, Failure::TooLarge | Failure::Suspect) && count > 1 {
        pace.halve(count);
    }
    let (due, dropped) = inner.lock().put_back(batch, &why);
    drop(dropped);
    due.give(inner);
    let delay = match failure {
        Failure::TooLarge => Duration::ZERO,
        Failure::Rejected => {
            // Flushes would wait in vain, and the rest be rejected in as many requests.
            let due = inner.lock().reject(&why);
            due.give(inner);
            REJECTED_PAUSE
        }
        Failure::Unavailable | Failure::Suspect | Failure::Final => pace.delay(random()),
    };
    Some(Pause::after(Instant::now(), delay, asked))
}

fn finish(inner: &Inner, loss: Option<Loss>) {
    let due = inner.lock().finish(loss);
    due.give(inner);
}

fn lost(count: usize, why: String) -> Loss {
    Loss::new(u64::try_from(count).unwrap_or(u64::MAX), why)
}

fn first_number(batch: &[Entry]) -> u64 {
    batch.first().map_or(0, |first| first.number)
}

/// Sends a batch, which stays whole; what the server refuses of it is lost.
async fn send(inner: &Inner, batch: &mut [Entry]) -> Result<Option<Loss>, Error> {
    match batch {
        [entry] => match &entry.job {
            Job::Start(session) => start_session(inner, session).await,
            Job::Update(patch) => send_json(inner, OpId::UpdateEvent, &**patch).await,
            Job::Span(_) => export(inner, batch).await,
        },
        spans => export(inner, spans).await,
    }
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
    inner.sender.send(op, message).await?;
    Ok(None)
}

/// Exports spans; what the server refuses of them is lost, and not sent again (OTLP, "Partial Success").
async fn export(inner: &Inner, batch: &mut [Entry]) -> Result<Option<Loss>, Error> {
    let own = own(inner);
    let message = Message::Protobuf(encode(&own, batch));
    let response = inner.sender.send(OpId::ExportTraces, message).await?;
    let sent = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    let Some(refused) = refused(&response, sent) else {
        let why = "the response to an export is not OTLP: something else than the server answered";
        return Err(Error::new(ErrorKind::Unavailable, why));
    };
    Ok((refused.count > 0).then(|| {
        let why = own.clean(&refused.reason);
        let why = if why.is_empty() {
            "it does not say why"
        } else {
            &why
        };
        Loss::new(
            refused.count.into(),
            format!("the server refused them: {why}"),
        )
    }))
}

/// Encodes spans without their keys, and leaves them in the batch: it is sent again if this fails.
fn encode(own: &Own, batch: &mut [Entry]) -> Bytes {
    let mut spans = Vec::with_capacity(batch.len());
    for entry in &mut *batch {
        if let Job::Span(span) = &mut entry.job {
            redact_span(span, own);
            spans.push(std::mem::take(&mut **span));
        }
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
    let encoded = request.encode_to_vec();
    let resources = request.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    for (entry, sent) in batch.iter_mut().zip(spans) {
        if let Job::Span(span) = &mut entry.job {
            **span = sent;
        }
    }
    Bytes::from(encoded)
}

fn own(inner: &Inner) -> Own {
    Own(inner.sender.keys())
}

/// Answers flushes whose time is over, also while a request is under way; ends when the time of a shutdown is.
async fn expire_waiters(inner: &Inner) {
    loop {
        let (due, watch) = inner.lock().expire(Instant::now());
        due.give(inner);
        match watch {
            Watch::At(Some(deadline)) => tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {}
                () = inner.flushed.notified() => {}
            },
            Watch::At(None) => inner.flushed.notified().await,
            Watch::Over => return,
        }
    }
}

#[cfg(test)]
mod tests;
