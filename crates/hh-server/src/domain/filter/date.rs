//! Parses times and ranges of times.

use std::cmp::Ordering;

use hh_api::to_millis;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::domain::Refusal;

/// A range of start times, in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct DateRange {
    /// The earliest time, and whether it is part of the range.
    from: Option<(f64, bool)>,
    /// The latest time, and whether it is part of the range.
    to: Option<(f64, bool)>,
}

impl DateRange {
    /// Parses a range of a request.
    pub(crate) fn parse(range: &Value) -> Result<Self, Refusal> {
        let members = match range {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            Value::String(text) => return Self::parse(&parse_repr(text)?),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => return Err(invalid()),
        };
        let mut parsed = Self::default();
        for (name, value) in members {
            let bound = match value {
                Value::Null => continue,
                Value::Number(number) => number.as_f64(),
                Value::String(text) => parse_time(text),
                Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            };
            let bound = bound.ok_or_else(invalid)?;
            // The generated functions of the official Python client send names without a dollar sign.
            let (side, is_inclusive) = match name.as_str() {
                "$gte" | "gte" | "start_time" => (&mut parsed.from, true),
                "$gt" | "gt" => (&mut parsed.from, false),
                "$lte" | "lte" | "end_time" => (&mut parsed.to, true),
                "$lt" | "lt" => (&mut parsed.to, false),
                _ => return Err(invalid()),
            };
            if side.replace((bound, is_inclusive)).is_some() {
                return Err(Refusal::Invalid(
                    "dateRange has two bounds on the same side".to_owned(),
                ));
            }
        }
        Ok(parsed)
    }

    /// Returns the range of a comparison with a time, in Unix milliseconds.
    pub(super) fn of(comparison: Ordering, millis: f64) -> Self {
        let bound = Some((millis, comparison.is_eq()));
        Self {
            from: bound.filter(|_| comparison.is_ge()),
            to: bound.filter(|_| comparison.is_le()),
        }
    }

    /// Returns whether the range contains a time, in Unix milliseconds.
    pub(super) fn contains(&self, millis: f64) -> bool {
        let is_after = |(bound, inclusive)| millis > bound || inclusive && millis >= bound;
        let is_before = |(bound, inclusive)| millis < bound || inclusive && millis <= bound;
        self.from.is_none_or(is_after) && self.to.is_none_or(is_before)
    }

    /// Returns the same range in nanoseconds, or `None` if it contains no time.
    pub(super) fn nanos(&self) -> Option<NanoRange> {
        let open = Self {
            from: self.from,
            to: None,
        };
        let from = first_time(|nanos| open.contains(to_millis(nanos)))?;
        let up_to = Self {
            from: None,
            to: self.to,
        };
        Some(NanoRange {
            from: self.from.map(|_| from),
            before: first_time(|nanos| !up_to.contains(to_millis(nanos))),
        })
    }
}

/// A range of start times, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NanoRange {
    /// The first time in the range.
    pub(super) from: Option<i64>,
    /// The first time after the range.
    pub(super) before: Option<i64>,
}

impl NanoRange {
    /// Returns the times that both ranges contain.
    pub(super) fn intersect(self, other: Self) -> Self {
        let earliest = self.before.into_iter().chain(other.before).min();
        Self {
            from: self.from.max(other.from),
            before: earliest,
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.from
            .zip(self.before)
            .is_some_and(|(from, before)| from >= before)
            || self.before == Some(i64::MIN)
    }
}

/// Returns the first time, in nanoseconds, from which on a condition holds. Milliseconds are rounded to the precision of a
/// float, so a search finds the bound that has the same result for each time as a comparison of milliseconds.
fn first_time(holds: impl Fn(i64) -> bool) -> Option<i64> {
    // The times in ascending order, from the earliest one on.
    let time = |number: u64| (number ^ (1 << 63)).cast_signed();
    let (mut first, mut last) = (0, u64::MAX);
    if !holds(time(last)) {
        return None;
    }
    while first < last {
        let middle = first + (last - first) / 2;
        if holds(time(middle)) {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    Some(time(first))
}

fn invalid() -> Refusal {
    Refusal::Invalid(
        "dateRange must be an object with times in $gte, $gt, $lte, $lt, start_time or end_time"
            .to_owned(),
    )
}

/// Parses an object in a query string: JSON, or the notation of a Python dictionary, which quotes with `'`.
pub(crate) fn parse_repr(text: &str) -> Result<Value, Refusal> {
    let parsed = serde_json::from_str::<Map<String, Value>>(text)
        .or_else(|_| serde_json::from_str(&text.replace('\'', "\"").replace("None", "null")));
    parsed.map(Value::Object).map_err(|_| invalid())
}

/// Parses a time: ISO 8601 text, in UTC unless it has an offset, or a number of Unix milliseconds. Returns Unix
/// milliseconds.
pub(super) fn parse_time(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(millis(time));
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return in_utc(time);
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let number = text.parse::<f64>().ok();
    number.filter(|number| is_number && number.is_finite())
}

fn in_utc(time: DateTime) -> Option<f64> {
    let time = TimeZone::UTC.to_timestamp(time).ok()?;
    Some(millis(time))
}

fn millis(time: Timestamp) -> f64 {
    let nanos = time.as_nanosecond();
    let bound = if nanos < 0 { i64::MIN } else { i64::MAX };
    to_millis(i64::try_from(nanos).unwrap_or(bound))
}
