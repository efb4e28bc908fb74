//! Implements the options that select events.

mod condition;

use clap::{Args, ValueEnum};
use hh_sdk::api::types::{Filter, Operator};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::condition::condition;
use crate::args;
use crate::pages::Selection;
use crate::sessions::session_id;

// The options that select events. A doc comment would become the description of the command.
#[derive(Args)]
pub(super) struct Filters {
    /// Only events of this session: its ID or the beginning, at least 8 characters
    #[arg(long, alias = "session", value_name = "ID", value_parser = session_id)]
    session_id: Option<String>,
    /// Only events of this type
    #[arg(long, alias = "type", value_name = "TYPE")]
    event_type: Option<TypeName>,
    /// Only events that started at this time or later: a duration before now such as 30m, 2h or 7d, or an ISO 8601 time
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,
    /// Only events that started at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,
    /// Only events with this name
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    name: Option<String>,
    /// Only events with an error
    #[arg(long)]
    error: bool,
    /// Only events that meet a condition, such as 'metadata.cost > 0.1' (can be repeated); operators: =, !=, >, >=, <,
    /// <=, contains, not contains, exists, not exists, after, before
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition)]
    conditions: Vec<Filter>,
}

/// A time, and the argument that it was parsed from.
#[derive(Clone)]
struct Time {
    text: String,
    time: Timestamp,
}

/// The name of a type of events.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum TypeName {
    Session,
    Chain,
    Model,
    Tool,
}

impl TypeName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Chain => "chain",
            Self::Model => "model",
            Self::Tool => "tool",
        }
    }
}

impl Filters {
    /// Returns the session of the events or the beginning of its id.
    pub(super) fn session(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// Returns whether only events of a type are selected.
    pub(super) fn has_type(&self) -> bool {
        self.event_type.is_some()
    }

    /// Returns the selected events. `session` is the whole id of the session.
    pub(super) fn selection(&self, session: Option<&str>) -> Selection {
        let kind = self.event_type.map(TypeName::as_str);
        let mut filters = self.conditions.clone();
        filters.extend(
            [
                ("event_name", self.name.as_deref()),
                ("session_id", session),
                ("event_type", kind),
            ]
            .into_iter()
            .filter_map(|(field, value)| Some(Filter::is(field, value?))),
        );
        if self.error {
            filters.push(Filter::new("error", Operator::Exists, Value::Null));
        }
        Selection {
            filters,
            since: self.since.as_ref().map(|since| since.time),
            until: self.until.as_ref().map(|until| until.time),
        }
    }

    /// Returns whether a value that must be equal contains `*`, which is not a wildcard.
    pub(super) fn has_asterisk(&self) -> bool {
        let conditions = self.conditions.iter();
        let values = conditions
            .filter(|filter| filter.operator == Operator::Is)
            .filter_map(|filter| filter.value.as_str());
        values
            .chain(self.name.as_deref())
            .any(|value| value.contains('*'))
    }

    /// Returns the options as they were given, so that a later command can be compared; empty without options.
    pub(super) fn given(&self) -> Vec<String> {
        let text = |time: &Option<Time>| time.as_ref().map(|time| time.text.clone());
        let options = [
            ("--session-id", self.session_id.clone()),
            (
                "--event-type",
                self.event_type.map(|kind| kind.as_str().to_owned()),
            ),
            ("--since", text(&self.since)),
            ("--until", text(&self.until)),
            ("--name", self.name.clone()),
            ("--error", self.error.then(String::new)),
        ];
        let options = options
            .into_iter()
            .filter_map(|(option, value)| Some(format!("{option} {}", value?)));
        let conditions = self.conditions.iter().map(|filter| {
            let operator = filter.operator.as_str();
            format!("--where {} {operator} {}", filter.field, filter.value)
        });
        options.chain(conditions).collect()
    }
}

/// Parses a time, or a duration before now.
fn time(text: &str) -> Result<Time, String> {
    let time = timestamp(text)?;
    Ok(Time {
        text: text.to_owned(),
        time,
    })
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    if let Some(age) = age(text) {
        return Timestamp::now()
            .checked_sub(age)
            .map_err(|_| "the time is out of range".to_owned());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text.parse::<DateTime>().ok();
    let time = local.and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    time.ok_or_else(|| {
        "expected a duration such as 30m, 2h or 7d, or a time such as 2026-01-31T12:00:00Z"
            .to_owned()
    })
}

/// Parses a whole number with a unit.
fn age(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let seconds = number.checked_mul(seconds)?;
    (number >= 0).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_duration_before_now_or_a_date() {
        let parsed = timestamp("2h").unwrap();
        let age = Timestamp::now().duration_since(parsed);
        assert!((7200..7260).contains(&age.as_secs()), "{age}");
        let noon = timestamp("2026-01-31T12:00:00Z").unwrap();
        for text in ["2026-01-31T13:00:00+01:00", "2026-01-31 12:00"] {
            assert_eq!(timestamp(text).unwrap(), noon, "{text}");
        }
        assert_eq!(
            timestamp("2026-01-31").unwrap().to_string(),
            "2026-01-31T00:00:00Z"
        );
        for text in ["", "h", "-2h", "2y", "soon", "99999999999999999w"] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }
}
