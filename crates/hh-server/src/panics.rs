//! Catches panics and records their message and location for the log.
//!
//! Rust passes the whole message to the panic hook, but only a part of it to the code that catches the panic. The hook
//! therefore stores the text for the catching code of its thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    /// Whether this thread runs code whose panics are caught.
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
    /// The text that the hook stored last, until the catching code removes it.
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the panic hook of this program, so that a panic in a request is part of the log line of that request.
///
/// Such a panic is not printed to stderr. Any other panic is logged in a separate line and then passed to the previous
/// hook.
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

/// Runs work and catches its panic.
///
/// # Errors
/// Returns the message of the panic.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IS_CATCHING.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CATCHING.set(outer);
    done.map_err(|payload| SEEN.take().unwrap_or_else(|| message_of(&*payload)))
}

/// Awaits a future and catches its panic.
///
/// # Errors
/// Returns the message of the panic.
pub(crate) async fn catch_async<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(cause) => Poll::Ready(Err(cause)),
    })
    .await
}

/// Returns the message of a panic that the hook of [`log_panics`] has not stored.
fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}
