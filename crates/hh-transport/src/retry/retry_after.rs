//! The `Retry-After` header: seconds, possibly with a fraction, or a date (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest accepted wait.
pub(crate) const CAP: Duration = Duration::from_hours(24);

/// Returns the wait that a response requires; the longest of several values.
///
/// A date is compared with the `Date` header of the same response, so that a wrong clock on either side has no effect,
/// or with `now` if that header is missing. Malformed values, past dates and zero are ignored.
pub(crate) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let sent = headers.get(DATE).and_then(|value| date(value.as_bytes()));
    let values = headers.get_all(RETRY_AFTER).iter();
    values
        .filter_map(|value| parse(value.as_bytes(), sent.unwrap_or(now)))
        .max()
}

/// Parses a header value as the time to wait from `now`, at most [`CAP`].
fn parse(value: &[u8], now: SystemTime) -> Option<Duration> {
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => date(value)?.duration_since(now).ok()?,
    };
    (!wait.is_zero()).then(|| wait.min(CAP))
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?.trim_ascii();
    // The parser of f64 would also accept a sign, an exponent, "inf" and "nan".
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = if plain {
        text.parse().ok()?
    } else {
        return None;
    };
    // Rounded up, so that a lost fraction does not cause an early retry.
    let seconds = (seconds * 1e3).ceil() / 1e3;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(CAP))
}

/// Parses a date in any of the three forms (RFC 9110, 5.6.7).
fn date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(str::from_utf8(value).ok()?.trim_ascii()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn millis(text: &str) -> Option<u128> {
        // 1994-11-06 08:49:37
        parse(text.as_bytes(), at(784_111_777)).map(|wait| wait.as_millis())
    }

    #[test]
    fn seconds_and_fractions() {
        assert_eq!(millis("1"), Some(1_000));
        assert_eq!(millis(" 7 "), Some(7_000));
        assert_eq!(millis("1.5"), Some(1_500));
        assert_eq!(millis("0.00001"), Some(1));
        assert_eq!(millis("99999999999999999999"), Some(CAP.as_millis()));
    }

    #[test]
    fn dates_in_three_forms() {
        assert_eq!(millis("Sun, 06 Nov 1994 08:49:38 GMT"), Some(1_000));
        assert_eq!(millis("Sunday, 06-Nov-94 08:49:40 GMT"), Some(3_000));
        assert_eq!(millis("Sun Nov  6 08:49:42 1994"), Some(5_000));
        assert_eq!(millis("Mon, 07 Nov 1994 00:00:00 GMT"), Some(54_623_000));
    }

    #[test]
    fn values_that_request_no_wait_are_ignored() {
        for text in [
            "0",
            "0.0",
            "Sun, 06 Nov 1994 08:49:36 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(millis(text), None, "{text:?}");
        }
    }

    #[test]
    fn malformed_is_ignored() {
        let bad = [
            "",
            "soon",
            "-1",
            "+1",
            "1e3",
            "inf",
            "nan",
            ".",
            "1.2.3",
            "0x10",
            "1, 2",
            "Sun, 06 Nov 1994 08:49:38 +0000",
            "Sun, 00 Nov 1994 08:49:38 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:38:00 GMT",
        ];
        for text in bad {
            assert_eq!(millis(text), None, "{text:?}");
        }
        assert_eq!(parse(b"\xff\xfe", at(0)), None);
    }

    #[test]
    fn the_longest_of_several_counts_and_the_senders_clock() {
        let headers = |values: &[&'static str], date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(RETRY_AFTER, HeaderValue::from_static(value));
            }
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            read(&headers, at(0)).map(|wait| wait.as_secs())
        };
        assert_eq!(headers(&[], None), None);
        assert_eq!(headers(&["3", "soon", "5", "4"], None), Some(5));
        let until = "Sun, 06 Nov 1994 08:49:47 GMT";
        assert_eq!(
            headers(&[until], Some("Sun, 06 Nov 1994 08:49:37 GMT")),
            Some(10)
        );
        // Without the clock of the sender the wait would be 25 years, limited to one day.
        assert_eq!(headers(&[until], None), Some(CAP.as_secs()));
    }

    proptest! {
        // The parser never panics and never exceeds the cap, for any bytes.
        #[test]
        fn any_bytes(value: Vec<u8>, now in 0_u64..1 << 40) {
            prop_assert!(parse(&value, at(now)).is_none_or(|wait| wait <= CAP));
        }

        #[test]
        fn anything_like_a_date(value in "[A-Z][a-z]{2}, [0-9]{2} (Jan|Feb|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
            prop_assert!(parse(value.as_bytes(), at(1_800_000_000)).is_none_or(|wait| wait <= CAP));
        }
    }
}
