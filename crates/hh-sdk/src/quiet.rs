//! Keeps the export of telemetry out of the telemetry: what the export thread does is no event of `tracing`, or a
//! program whose subscriber records spans here would export for ever.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;

use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

thread_local! {
    /// The subscriber that is left out on this thread right now.
    static LEFT_OUT: RefCell<Option<Dispatch>> = const { RefCell::new(None) };
}

/// Waits for `work`, whose events no subscriber receives.
pub(crate) async fn without_events<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let none = Dispatch::none();
    poll_fn(|context| {
        let _restored = SuppressedSubscriber::new(get_default(Clone::clone));
        with_default(&none, || work.as_mut().poll(context))
    })
    .await
}

/// Emits an event that a subscriber receives even from inside of [`without_events`]: one that is rare and that people need.
pub(crate) fn emit_always(emit: impl FnOnce()) {
    let left_out = LEFT_OUT
        .try_with(|left_out| left_out.borrow().clone())
        .ok()
        .flatten();
    match left_out {
        Some(subscriber) => with_default(&subscriber, emit),
        None => emit(),
    }
}

/// Returns whether no subscriber receives events of this thread.
pub(crate) fn is_quiet() -> bool {
    LEFT_OUT
        .try_with(|left_out| left_out.borrow().is_some())
        .unwrap_or(false)
}

/// Keeps the subscriber that is left out until it is dropped, also by a panic.
struct SuppressedSubscriber(Option<Dispatch>);

impl SuppressedSubscriber {
    fn new(subscriber: Dispatch) -> Self {
        Self(LEFT_OUT.replace(Some(subscriber)))
    }
}

impl Drop for SuppressedSubscriber {
    fn drop(&mut self) {
        LEFT_OUT.set(self.0.take());
    }
}
