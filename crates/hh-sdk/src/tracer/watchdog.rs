//! Ends a flush that the export thread does not end: that thread may be blocked by something else, such as a reporter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queue::Inner;
use crate::catch::catch;

/// The export thread keeps the time of a flush; a blocked one must not hold the caller for longer than this.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Starts a thread that lives until no flush waits, unless there is one. Without it a flush has only the export thread.
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
