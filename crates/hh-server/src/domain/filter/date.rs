//! Parses times and ranges of times.

use hh_api::to_millis;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::domain::Refusal;
use crate::domain::event_body::from_millis;

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
            let (side, is_inclusive) = match name.as_str() {
                "$gte" | "start_time" => (&mut parsed.from, true),
                "$gt" => (&mut parsed.from, false),
                "$lte" | "end_time" => (&mut parsed.to, true),
                "$lt" => (&mut parsed.to, false),
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

    /// Returns whether the range contains a time, in Unix milliseconds.
    pub(super) fn contains(&self, millis: f64) -> bool {
        let is_after = |(bound, inclusive)| millis > bound || inclusive && millis >= bound;
        let is_before = |(bound, inclusive)| millis < bound || inclusive && millis <= bound;
        self.from.is_none_or(is_after) && self.to.is_none_or(is_before)
    }

    /// Returns a range in nanoseconds that contains the range; `None` if it has no bounds.
    pub(super) fn nanos(&self) -> Option<(i64, i64)> {
        // Milliseconds are rounded, so the range is wider by one millisecond.
        let from = self.from.map(|(bound, _)| from_millis(bound - 1.0));
        let to = self.to.map(|(bound, _)| from_millis(bound + 1.0));
        (from.is_some() || to.is_some()).then(|| (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)))
    }
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
