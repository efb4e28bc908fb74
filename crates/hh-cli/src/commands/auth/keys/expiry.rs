//! Parses the lifetime of a key.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::error::CliError;

/// Parses a duration and returns the time that it ends, counted from now.
pub(super) fn expiry(text: &str) -> Result<Timestamp, CliError> {
    let span: Option<Span> = text.parse().ok();
    span.filter(Span::is_positive)
        .and_then(|span| {
            let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
            Some(now.checked_add(span).ok()?.timestamp())
        })
        .ok_or_else(|| {
            CliError::usage(
                "invalid value for --expires-in: expected a duration such as 90d, 12h or 30m",
            )
        })
}
