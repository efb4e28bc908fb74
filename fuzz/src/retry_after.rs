//! Checks the parser of `Retry-After`: it does not panic, returns at most one day, and returns a number of seconds
//! unchanged.

use std::time::Duration;

use hh_transport::{Idempotency, Response, SendOptions};
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use super::error_of;

/// The longest accepted wait.
const DAY: Duration = Duration::from_hours(24);

/// Checks the headers of one response: a line with a value, and optionally a line with a second value and a line with
/// the `Date`.
///
/// # Panics
/// Panics if a check fails.
pub fn retry_after(data: &[u8]) {
    let lines = data.splitn(3, |byte| *byte == b'\n');
    let lines: Result<Vec<_>, _> = lines.map(HeaderValue::from_bytes).collect();
    let Ok(lines) = lines else {
        return;
    };
    let (mut values, sent) = match &lines[..] {
        [first, second, sent] => (vec![first, second], Some(sent)),
        values => (values.iter().collect(), None),
    };
    let wait = wait(&values, sent);
    assert!(
        wait.is_none_or(|wait| !wait.is_zero()),
        "a wait of zero is returned"
    );
    assert!(wait.is_none_or(|wait| wait <= DAY), "{wait:?} is too long");
    for value in &values {
        let Some(seconds) = seconds(value) else {
            continue;
        };
        let asked = Duration::from_secs(seconds).min(DAY);
        if values.len() == 1 {
            assert_eq!(wait.unwrap_or_default(), asked, "not what it says");
        }
        assert!(wait.unwrap_or_default() >= asked, "less than it says");
    }
    let has_digit = |value: &&HeaderValue| value.as_bytes().iter().any(u8::is_ascii_digit);
    if !values.iter().any(has_digit) {
        assert_eq!(wait, None, "no number and no date");
    }
    values.reverse();
    assert_eq!(self::wait(&values, sent), wait, "the order matters");
}

/// Returns the wait that a response with these headers requires.
fn wait(values: &[&HeaderValue], date: Option<&HeaderValue>) -> Option<Duration> {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = answer.headers_mut();
    for value in values {
        headers.append(RETRY_AFTER, (*value).clone());
    }
    if let Some(date) = date {
        headers.append(DATE, date.clone());
    }
    error_of(answer, SendOptions::new(Idempotency::Safe)).retry_after()
}

/// Parses a number without a sign; a number that does not fit becomes the largest number.
fn seconds(value: &HeaderValue) -> Option<u64> {
    let digits = value.as_bytes().trim_ascii();
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = |seconds: u64, digit: &u8| {
        let digit = u64::from(digit - b'0');
        seconds.saturating_mul(10).saturating_add(digit)
    };
    is_plain.then(|| digits.iter().fold(0, number))
}
