//! The `Retry-After` header: seconds, whole or with a fraction, or a date.

use std::time::{Duration, SystemTime};

/// The longest wait that is believed.
pub(crate) const CAP: Duration = Duration::from_hours(24);

/// Reads a header value as the time to wait from `now`; a malformed one is as good as none.
pub(crate) fn parse(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?.trim_ascii();
    let wait = match seconds(text) {
        Some(wait) => wait,
        // A date that has passed means at once.
        None => date(text)?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    Some(wait.min(CAP))
}

fn seconds(text: &str) -> Option<Duration> {
    // f64 alone would also take a sign, an exponent, "inf" and "nan".
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = if plain {
        text.parse().ok()?
    } else {
        return None;
    };
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(CAP))
}

/// Reads the one date form that senders may generate: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (weekday, rest) = text.split_once(", ")?;
    let rest = rest.strip_suffix(" GMT")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let mut clock = time.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    if weekday.len() != 3 || parts.next().is_some() || clock.next().is_some() {
        return None;
    }
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let (day, year) = (digits(day, 2)?, digits(year, 4)?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    // 60 is a leap second. A 31st of a month that has 30 days is read as the day after.
    if !(1..=31).contains(&day) || year < 1970 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn digits(text: &str, length: usize) -> Option<u64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Counts the days since 1970-01-01, in years that begin in March so that the leap day comes last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
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
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis(" 7 "), Some(7_000));
        assert_eq!(millis("1.5"), Some(1_500));
        assert_eq!(millis("99999999999999999999"), Some(CAP.as_millis()));
    }

    #[test]
    fn dates() {
        assert_eq!(millis("Sun, 06 Nov 1994 08:49:38 GMT"), Some(1_000));
        assert_eq!(millis("Mon, 07 Nov 1994 00:00:00 GMT"), Some(54_623_000));
        assert_eq!(millis("Sun, 06 Nov 1994 08:49:36 GMT"), Some(0));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(at(0)));
        assert_eq!(date("Tue, 29 Feb 2000 12:00:00 GMT"), Some(at(951_825_600)));
        assert_eq!(
            date("Fri, 01 Mar 2024 00:00:00 GMT"),
            Some(at(1_709_251_200))
        );
        assert_eq!(
            date("Fri, 31 Dec 9999 23:59:59 GMT"),
            Some(at(253_402_300_799))
        );
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
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 0001 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
        ];
        for text in bad {
            assert_eq!(millis(text), None, "{text:?}");
        }
        assert_eq!(parse(b"\xff\xfe", at(0)), None);
    }

    proptest! {
        // Property 3: never panics and never passes the cap, for any bytes.
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
