//! Formats times and durations for users.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How times are printed.
pub(crate) struct Clock {
    now: Timestamp,
    zone: TimeZone,
    is_relative: bool,
}

impl Clock {
    /// Creates a clock that prints times relative to now.
    pub(crate) fn relative() -> Self {
        Self {
            is_relative: true,
            ..Self::absolute(TimeZone::system())
        }
    }

    /// Creates a clock that prints RFC 3339 times in a time zone.
    pub(crate) fn absolute(zone: TimeZone) -> Self {
        Self {
            now: Timestamp::now(),
            zone,
            is_relative: false,
        }
    }

    /// Formats a time.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        if self.is_relative {
            return self.ago(time);
        }
        let local = time.to_zoned_datetime(self.zone.clone());
        let format = if local.offset().is_zero() {
            "%Y-%m-%dT%H:%M:%S%.3fZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%.3f%:z"
        };
        local.strftime(format).to_string()
    }

    /// Formats a time in Unix milliseconds; `-` if it is unknown.
    pub(crate) fn millis(&self, millis: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time out of range is printed as unknown"
        )]
        let time = Timestamp::from_millisecond(millis as i64);
        match time {
            Ok(time) if millis > 0.0 => self.time(time),
            Ok(_) | Err(_) => "-".to_owned(),
        }
    }

    /// Formats the distance of a time from now with one unit. A distance of more than 30 days is a date.
    fn ago(&self, time: Timestamp) -> String {
        let seconds = self.now.duration_since(time).as_secs();
        let distance = seconds.unsigned_abs();
        let distance = match distance {
            0..60 => format!("{distance}s"),
            60..3_600 => format!("{}m", distance / 60),
            3_600..86_400 => format!("{}h", distance / 3_600),
            86_400..=2_592_000 => format!("{}d", distance / 86_400),
            _ => return time.to_zoned_datetime(self.zone.clone()).date().to_string(),
        };
        if seconds < 0 {
            format!("in {distance}")
        } else {
            format!("{distance} ago")
        }
    }
}

/// Formats a duration, given in milliseconds, with the significant digits.
pub(crate) fn duration(millis: f64) -> String {
    match millis {
        ms if ms < 9.995 => format!("{ms:.2} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 59_950.0 => format!("{:.1} s", ms / 1e3),
        ms => {
            let (hours, minutes) = ((ms / 3.6e6).floor(), (ms / 6e4).floor());
            if hours < 1.0 {
                format!("{minutes} min {:.0} s", (ms / 1e3).floor() % 60.0)
            } else {
                format!("{hours} h {} min", minutes % 60.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_significant_digits() {
        let shown = [
            0.0,
            9.99,
            9.996,
            999.4,
            999.6,
            59_949.0,
            59_990.0,
            125_000.0,
            7_320_000.0,
        ];
        insta::assert_snapshot!(shown.map(duration).join(", "), @"0.00 ms, 9.99 ms, 10 ms, 999 ms, 1.0 s, 59.9 s, 0 min 59 s, 2 min 5 s, 2 h 2 min");
    }

    #[test]
    fn absolute_times_are_rfc_3339_in_the_time_zone() {
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        let times = [1.0, 1_795_461_676_002.5, 0.0, f64::MAX];
        let utc = Clock::absolute(TimeZone::UTC);
        insta::assert_snapshot!(times.map(|time| utc.millis(time)).join(", "), @"1970-01-01T00:00:00.001Z, 2026-11-23T19:21:16.002Z, -, -");
        let local = Clock::absolute(berlin);
        insta::assert_snapshot!(times.map(|time| local.millis(time)).join(", "), @"1970-01-01T01:00:00.001+01:00, 2026-11-23T20:21:16.002+01:00, -, -");
    }

    #[test]
    fn relative_times_have_one_unit() {
        let now = Timestamp::from_second(1_795_461_676).unwrap();
        let clock = Clock {
            now,
            zone: TimeZone::UTC,
            is_relative: true,
        };
        let shown = [
            0, 59, 60, 3_599, 3_600, 86_399, 86_400, 2_592_000, 2_592_001, -1, -7_200, -8_000_000,
        ]
        .map(|before| clock.time(now - jiff::SignedDuration::from_secs(before)));
        insta::assert_snapshot!(shown.join(", "), @"0s ago, 59s ago, 1m ago, 59m ago, 1h ago, 23h ago, 1d ago, 30d ago, 2026-10-24, in 1s, in 2h, 2027-02-24");
    }
}
