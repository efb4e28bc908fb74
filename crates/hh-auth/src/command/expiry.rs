//! Parses the expiry of a key that a `credential_command` prints.

use hh_text::Diagnostic;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A number of seconds from which on the number must be milliseconds: the year 5138, or 1973 in milliseconds.
const MILLISECONDS: f64 = 1e11;

/// Parses an RFC 3339 time, or seconds since 1970-01-01 as a number or as digits, with or without a fraction.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the output.
pub(super) fn parse(value: &Value) -> Result<Timestamp, Diagnostic> {
    let seconds = match value {
        Value::String(text) => match text.trim().parse() {
            Ok(time) => return Ok(time),
            Err(_) => digits(text.trim()),
        },
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let hint = "use a time such as \"2026-01-31T12:00:00Z\", or seconds such as 1769860800";
    match seconds {
        Some(seconds) if seconds.abs() < MILLISECONDS => SignedDuration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok()),
        Some(_) => {
            let what = "has an `expires_at` that is too large for seconds since 1970-01-01; it may be in milliseconds";
            return Err(Diagnostic::new(what).with_hint(hint));
        }
        None => None,
    }
    .ok_or_else(|| {
        let what = "has an `expires_at` that is neither an RFC 3339 time nor a number of seconds since 1970-01-01";
        Diagnostic::new(what).with_hint(hint)
    })
}

/// Parses digits with an optional sign and fraction. Other forms of numbers are not epoch seconds.
fn digits(text: &str) -> Option<f64> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    text.chars()
        .all(is_number)
        .then(|| text.parse().ok())
        .flatten()
}
