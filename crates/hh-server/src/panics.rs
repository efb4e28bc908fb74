//! Panics that are caught: their message and place, for the log.
//!
//! Rust hands the message to the panic hook, and only a part of it to the code that catches the panic. So the hook keeps
//! the text for the catching code of its thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    /// Whether this thread runs code whose panics are caught.
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
    /// What the hook saw last, until the catching code takes it.
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the panic hook of this program: a panic that ends a request becomes part of the line of that request in the
/// log, in place of text on stderr.
///
/// Any other panic gets a line of its own and then goes to the hook that was there before.
pub fn log_panics() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let text = describe(info);
        if IS_CATCHING.get() {
            SEEN.set(Some(text));
        } else {
            tracing::error!(cause = text, "a thread panicked");
            previous(info);
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("no message");
    match info.location() {
        Some(place) => format!("panic at {}:{}: {message}", place.file(), place.line()),
        None => format!("panic: {message}"),
    }
}

/// Runs work.
///
/// # Errors
/// The message of its panic, if it panics.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IS_CATCHING.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CATCHING.set(outer);
    done.map_err(|payload| SEEN.take().unwrap_or_else(|| message_of(&*payload)))
}

/// Awaits a future.
///
/// # Errors
/// The message of its panic, if it panics.
pub(crate) async fn catch_async<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(cause) => Poll::Ready(Err(cause)),
    })
    .await
}

/// Returns the message without the hook of [`log_panics`].
fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}
