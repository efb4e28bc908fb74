//! The export thread: takes what waits, exports it in order, keeps the time of flushes.

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

/// After a rejected key nothing is sent for so long: the next export would be rejected too.
const REJECTED_PAUSE: Duration = Duration::from_mins(1);

/// Why nothing is exported when the system gives no thread or no runtime.
const NOT_STARTED: &str = "the export thread could not be started";

/// Starts the thread unless it runs, with a runtime of its own, so that nobody else's is borrowed or blocked. Returns
/// whether it runs.
pub(super) fn ensure_started(inner: &Arc<Inner>) -> bool {
    if inner.mark_started() {
        return true;
    }
    let for_thread = Arc::clone(inner);
    let task = move || {
        run_thread(&for_thread);
        // The last reference drops the exporter, and with it other people's code.
        catch(|| drop(for_thread));
    };
    let is_started = (inner.spawn)("honeyhive-export", Box::new(task)).is_ok();
    if !is_started {
        inner.mark_not_started();
    }
    is_started
}

/// Answers the flushes that wait for a thread that cannot be started.
pub(super) fn fail_to_start(inner: &Inner) {
    let due = inner.lock().fail_to_start(NOT_STARTED);
    inner.deliver(due);
}

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
    // Nobody may wait for ever, whatever panics. Not by a destructor: a second panic in one ends the program.
    if catch(|| runtime.block_on(run(inner, &mut *exporter))).is_none() {
        let due = inner.lock().abandon("the export thread has failed");
        inner.deliver(due);
    }
    catch(|| drop(exporter));
    catch(|| drop(runtime));
}

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

/// Waits until there is a batch or the first job has waited long enough, or until a flush or the end asks for what there
/// is, and until a pause is over; false at the end.
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

/// Exports the first change of a session, or the spans that come first; returns how long nothing may be sent then.
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
            let why = "sending them has panicked".to_owned();
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
        format!("{why}; the tracer itself tries again after {longest} s")
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
            // Flushes would wait in vain, and the rest be rejected in as many requests.
            let due = inner.lock().reject(&why);
            inner.deliver(due);
            REJECTED_PAUSE
        }
        Failure::Unavailable | Failure::Suspect | Failure::Final => pace.delay(random()),
    };
    Some(Pause::after(Instant::now(), delay, asked))
}

fn finish(inner: &Inner, loss: Option<Loss>) {
    let due = inner.lock().finish(loss);
    inner.deliver(due);
}

fn lost(count: usize, why: String) -> Loss {
    Loss::new(u64::try_from(count).unwrap_or(u64::MAX), why)
}

fn first_number(batch: &[Block]) -> u64 {
    batch.first().map_or(0, Block::number)
}

/// Answers flushes whose time is over, also while a request is under way; ends when the time of a shutdown is.
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
