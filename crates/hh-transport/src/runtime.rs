//! Checks that a call runs on a Tokio runtime with timers and an I/O driver.

use std::cell::Cell;
use std::net::{Ipv4Addr, UdpSocket};
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use crate::error::TransportError;

/// The hint for a runtime without timers or without an I/O driver.
const ENABLE: &str = "call `enable_all` on the `tokio::runtime::Builder`, and keep the runtime until the call returns";

thread_local! {
    /// The last runtime of this thread that passed the check.
    static CHECKED: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Checks that the caller runs on a Tokio runtime with timers and an I/O driver, without which a
/// [`ReqwestService`](crate::ReqwestService) and a [`SystemClock`](crate::SystemClock) panic.
///
/// Tokio reports a missing driver only by a panic, which the function catches. The panic hook of the program is called,
/// and with `panic = "abort"`, the program aborts. Each thread checks the drivers of a runtime once.
///
/// # Errors
///
/// Returns [`Other`](crate::TransportErrorKind::Other), with a hint, if there is no runtime or if it lacks a driver.
pub fn check_runtime() -> Result<(), TransportError> {
    let Ok(handle) = Handle::try_current() else {
        let error =
            TransportError::unusable_runtime("no Tokio runtime is running, and the call needs one");
        return Err(error.with_hint(
            "call it in a function with `#[tokio::main]`, or pass it to `block_on` of a `tokio::runtime::Runtime`",
        ));
    };
    let id = handle.id();
    if CHECKED.get() == Some(id) {
        return Ok(());
    }
    let is_missing = |driver| {
        let message = format!("the Tokio runtime has no {driver}, and the call needs it");
        TransportError::unusable_runtime(message).with_hint(ENABLE)
    };
    catch_unwind(use_timer).map_err(|_| is_missing("timer"))?;
    catch_unwind(use_io).map_err(|_| is_missing("I/O driver"))?;
    CHECKED.set(Some(id));
    Ok(())
}

/// Starts a timer; panics if the runtime has none.
fn use_timer() {
    let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
    let _ready = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

/// Registers a socket, which sends nothing; panics if the runtime has no I/O driver.
fn use_io() {
    // The limit of open files, for example, is reported by the request itself.
    if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        && socket.set_nonblocking(true).is_ok()
    {
        drop(tokio::net::UdpSocket::from_std(socket));
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;
    use crate::TransportErrorKind;

    #[test]
    fn only_a_complete_runtime_passes_and_each_is_checked() {
        let check = |builder: &mut Builder| {
            let runtime = builder.build().unwrap();
            runtime.block_on(async { check_runtime() })
        };
        for _ in 0..2 {
            check(Builder::new_current_thread().enable_all()).unwrap();
            let errors = [
                check_runtime(),
                check(&mut Builder::new_current_thread()),
                check(Builder::new_current_thread().enable_io()),
                check(Builder::new_current_thread().enable_time()),
            ];
            let messages = errors.map(|error| {
                let error = error.unwrap_err();
                assert_eq!(error.kind(), TransportErrorKind::Other);
                assert!(error.is_certainly_unsent() && error.hint().is_some());
                error.to_string()
            });
            assert_eq!(
                messages,
                [
                    "no Tokio runtime is running, and the call needs one",
                    "the Tokio runtime has no timer, and the call needs it",
                    "the Tokio runtime has no timer, and the call needs it",
                    "the Tokio runtime has no I/O driver, and the call needs it",
                ]
            );
        }
    }
}
