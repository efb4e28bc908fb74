//! Fails flushes that are overdue because the export thread is blocked, for example by a reporter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queue::Inner;
use crate::catch::catch;

/// How long after its deadline a flush fails if the export thread is blocked.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Starts the watchdog thread, which exits when no flush waits. If that fails, only the export thread ends flushes.
pub(super) fn ensure_started(inner: &Arc<Inner>) {
    if !inner.lock().watch() {
        return;
    }
    let for_thread = Arc::clone(inner);
    let task = move || {
        watch(&for_thread);
        catch(|| drop(for_thread));
    };
    if (inner.spawn)("honeyhive-flush", Box::new(task)).is_err() {
        inner.lock().unwatch();
    }
}

/// Fails overdue flushes until no flush waits.
fn watch(inner: &Inner) {
    let mut state = inner.lock();
    while let Some(deadline) = state.first_deadline() {
        let (now, end) = (Instant::now(), deadline + GRACE);
        if now < end {
            state = inner.wait_for_answer(state, end - now);
        } else {
            let due = state.overdue(deadline);
            drop(state);
            inner.deliver(due);
            state = inner.lock();
        }
    }
    state.unwatch();
}
