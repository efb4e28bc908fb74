//! The export thread, which exports blocks in order and ends flushes at their deadlines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::block::Block;
use super::exporter::{ExportError, Exporter, Outcome};
use super::failure::Failure;
use super::pace::{MAX_ASKED, Pace, Pause};
use super::queue::Inner;
use super::state::{Loss, NextStep, Watch};
use crate::catch::{catch, catch_async};
use crate::ids::random;
use crate::quiet::without_events;

/// The pause after a rejected API key, because the next export would be rejected too.
const REJECTED_PAUSE: Duration = Duration::from_mins(1);

/// The error if the system cannot create a thread or a runtime.
const NOT_STARTED: &str = "the export thread could not be started";

/// Starts the export thread unless it runs, and returns whether it runs.
///
/// The thread has its own runtime, so it does not need or block the runtime of the program.
pub(super) fn ensure_started(inner: &Arc<Inner>) -> bool {
    if inner.mark_started() {
        return true;
    }
    let for_thread = Arc::clone(inner);
    let task = move || {
        run_thread(&for_thread);
        // Dropping the last reference drops the exporter, which may run code of the program that panics.
        catch(|| drop(for_thread));
    };
    let is_started = (inner.spawn)("honeyhive-export", Box::new(task)).is_ok();
    if !is_started {
        inner.mark_not_started();
    }
    is_started
}

/// Fails the flushes that wait, because the export thread cannot be started.
pub(super) fn fail_to_start(inner: &Inner) {
    let due = inner.lock().fail_to_start(NOT_STARTED);
    inner.deliver(due);
}

/// Runs the export thread.
fn run_thread(inner: &Inner) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        inner.mark_not_started();
        fail_to_start(inner);
        return;
    };
    let Some(mut exporter) = inner.take_exporter() else {
        return;
    };
    // Flushes must end even after a panic. A destructor cannot do this: a second panic in it aborts the program.
    if catch(|| runtime.block_on(run(inner, &mut *exporter))).is_none() {
        let due = inner.lock().abandon("the export thread panicked");
        inner.deliver(due);
    }
    inner.report_loss_after_drop();
    catch(|| drop(exporter));
    catch(|| drop(runtime));
}

/// Exports until the queue is closed and empty, or until the time of a shutdown is over.
async fn run(inner: &Inner, exporter: &mut dyn Exporter) {
    let work = async {
        let mut pace = Pace::new(inner.batch_size, inner.retry_delay);
        let mut pause = None;
        while wait_for_work(inner, pause).await {
            pause = send_some(inner, exporter, &mut pace).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = expire_waiters(inner) => {}
    }
}

/// Waits until a batch is full or due, or until a flush or a shutdown requests an export, and until a pause is over;
/// returns false when the thread must exit.
async fn wait_for_work(inner: &Inner, pause: Option<Pause>) -> bool {
    loop {
        let now = Instant::now();
        let next = {
            let state = inner.lock();
            let due = state.first().unwrap_or(now) + inner.flush_interval;
            let is_full = state.len() >= inner.batch_size;
            state.next(now, due, is_full, pause)
        };
        match next {
            NextStep::Send => return true,
            NextStep::Wait(Some(until)) => tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = inner.wake.notified() => {}
            },
            NextStep::Wait(None) => inner.wake.notified().await,
            NextStep::GiveUp => {
                let due = inner.lock().abandon_late();
                inner.deliver(due);
                return false;
            }
            NextStep::End => return false,
        }
    }
}

/// Exports the first session change or the first spans; returns the pause after a failure.
async fn send_some(inner: &Inner, exporter: &mut dyn Exporter, pace: &mut Pace) -> Option<Pause> {
    let batch = inner.lock().take(pace.limit(), inner.max_batch_bytes);
    let count = batch.iter().map(Block::count).sum();
    if count == 0 {
        return None;
    }
    let export = async { exporter.export(&batch).await };
    let error = match catch_async(without_events(export)).await {
        Some(Outcome::Delivered) => {
            pace.succeed();
            finish(inner, None);
            return None;
        }
        Some(Outcome::Refused { count, reason }) => {
            pace.succeed();
            finish(inner, Some(Loss::new(count, reason)));
            return None;
        }
        Some(Outcome::Failed(error)) => error,
        None => {
            let why = "the export panicked".to_owned();
            finish(inner, Some(lost(count, why)));
            return None;
        }
    };
    let ExportError {
        failure,
        message: why,
        retry_after: asked,
    } = error;
    let is_final = match failure {
        Failure::Final => true,
        Failure::TooLarge => count == 1,
        Failure::Suspect => count == 1 && pace.should_give_up(first_number(&batch), Instant::now()),
        Failure::Unavailable | Failure::Rejected => false,
    };
    if is_final {
        finish(inner, Some(lost(count, why)));
        return None;
    }
    let why = if asked.is_some_and(|asked| asked > MAX_ASKED) {
        let longest = MAX_ASKED.as_secs();
        format!("{why}; the tracer retries after {longest} s")
    } else {
        why
    };
    if matches!(failure, Failure::TooLarge | Failure::Suspect) && count > 1 {
        pace.halve(count);
    }
    let (due, dropped) = inner.lock().put_back(batch, &why);
    drop(dropped);
    inner.deliver(due);
    let delay = match failure {
        Failure::TooLarge => Duration::ZERO,
        Failure::Rejected => {
            // Flushes would time out, and each further request would be rejected too.
            let due = inner.lock().reject(&why);
            inner.deliver(due);
            REJECTED_PAUSE
        }
        Failure::Unavailable | Failure::Suspect | Failure::Final => pace.delay(random()),
    };
    Some(Pause::after(Instant::now(), delay, asked))
}

/// Completes the export in progress.
fn finish(inner: &Inner, loss: Option<Loss>) {
    let due = inner.lock().finish(loss);
    inner.deliver(due);
}

/// Returns the loss of a batch.
fn lost(count: usize, why: String) -> Loss {
    Loss::new(u64::try_from(count).unwrap_or(u64::MAX), why)
}

/// Returns the number of the first span or session change of a batch.
fn first_number(batch: &[Block]) -> u64 {
    batch.first().map_or(0, Block::number)
}

/// Fails flushes at their deadlines, also during a request; returns when the time of a shutdown is over.
async fn expire_waiters(inner: &Inner) {
    loop {
        let (due, watch) = inner.lock().expire(Instant::now());
        inner.deliver(due);
        match watch {
            Watch::Until(Some(deadline)) => tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {}
                () = inner.flushed.notified() => {}
            },
            Watch::Until(None) => inner.flushed.notified().await,
            Watch::Done => return,
        }
    }
}

#[cfg(test)]
mod tests;
