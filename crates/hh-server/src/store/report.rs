//! Causes of failed requests, for the log of the server: responses do not contain them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Error;

/// A full disk fails every request in the same way.
const REPEAT: Duration = Duration::from_secs(10);

/// Returns why SQLite failed: its code and its message, which contains no values.
pub(super) fn cause(error: &Error) -> String {
    let code = error.sqlite_error().map_or(-1, |error| error.extended_code);
    format!("SQLite failed (code {code}): {error}")
}

/// Logs why SQLite failed: its code and its message, which contains no values. The same code is logged every 10 s at most.
pub(super) fn report(error: &Error) {
    static LAST: Mutex<Option<(i32, Instant)>> = Mutex::new(None);
    let code = error.sqlite_error().map_or(-1, |error| error.extended_code);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_some_and(|(same, at)| same == code && at.elapsed() < REPEAT) {
        return;
    }
    *last = Some((code, Instant::now()));
    drop(last);
    tracing::error!(code, "{}", cause(error));
}
