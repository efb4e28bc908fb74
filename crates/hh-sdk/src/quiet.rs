//! Suppresses `tracing` events of the export thread: a subscriber that records them as spans of the tracer would cause
//! endless exports.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;

use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

thread_local! {
    /// The subscriber that is suppressed on this thread, if any.
    static LEFT_OUT: RefCell<Option<Dispatch>> = const { RefCell::new(None) };
}

/// Awaits `work` while no subscriber receives its events.
pub(crate) async fn without_events<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let none = Dispatch::none();
    poll_fn(|context| {
        let _restored = SuppressedSubscriber::new(get_default(Clone::clone));
        with_default(&none, || work.as_mut().poll(context))
    })
    .await
}

/// Emits a rare and important event, which the subscriber receives even inside [`without_events`].
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

/// Returns whether events of this thread are suppressed.
pub(crate) fn is_quiet() -> bool {
    LEFT_OUT
        .try_with(|left_out| left_out.borrow().is_some())
        .unwrap_or(false)
}

/// A guard that ends the suppression of a subscriber when it is dropped, also by a panic.
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
