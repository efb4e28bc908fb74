//! One condition on a field of an event.

use std::cmp::Ordering;

use hh_api::to_millis;
use hh_api::types::{self, EventKind, Operator};
use serde_json::Value;
use uuid::Uuid;

use super::candidate::Candidate;
use super::date::DateRange;
use super::operand::{Operand, Scalar, ValueType};
use super::test::Test;
use super::walk;
use crate::domain::Refusal;
use crate::domain::sessions::UNNAMED;

/// The objects of an event.
const OBJECTS: [&str; 7] = [
    "config",
    "inputs",
    "outputs",
    "metadata",
    "metrics",
    "feedback",
    "user_properties",
];

/// The member of an event that describes its failure.
const ERROR: &str = "error";

/// A field of an event.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    EventId,
    SessionId,
    ParentId,
    EventType,
    EventName,
    ProjectId,
    StartTime,
    EndTime,
    Duration,
    /// A path in the encoded body.
    Body(String),
}

impl Field {
    fn parse(name: &str) -> Result<Self, Refusal> {
        let object = name.split('.').next().unwrap_or_default();
        Ok(match name {
            "event_id" => Self::EventId,
            "session_id" => Self::SessionId,
            "parent_id" => Self::ParentId,
            "event_type" => Self::EventType,
            "event_name" => Self::EventName,
            "project_id" => Self::ProjectId,
            "start_time" => Self::StartTime,
            "end_time" => Self::EndTime,
            "duration" => Self::Duration,
            "source" | "error" => Self::Body(name.to_owned()),
            _ if OBJECTS.contains(&object) && !name.ends_with('.') => Self::Body(name.to_owned()),
            _ => {
                return Err(Refusal::Invalid(format!(
                    "unknown field of a filter; use a member of an event, or a path below {}",
                    OBJECTS.join(", ")
                )));
            }
        })
    }

    /// Returns the type in which the field is always compared; `None` if the condition determines the type.
    fn value_type(&self) -> Option<ValueType> {
        match self {
            Self::EventId | Self::SessionId | Self::ParentId => Some(ValueType::Id),
            Self::StartTime | Self::EndTime => Some(ValueType::Time),
            Self::Duration => Some(ValueType::Number),
            Self::EventType | Self::EventName | Self::ProjectId => Some(ValueType::Text),
            Self::Body(_) => None,
        }
    }
}

/// A condition on a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    field: Field,
    test: Test,
    /// Whether the result of the test is negated.
    is_negated: bool,
}

impl Condition {
    /// Parses a condition of a request.
    pub(super) fn parse(filter: &types::Filter) -> Result<Self, Refusal> {
        let field = Field::parse(&filter.field)?;
        let operator = filter.operator;
        let is_negated = matches!(
            operator,
            Operator::NotExists | Operator::IsNot | Operator::NotContains
        );
        let is_null = filter.value.is_null();
        let operand = |value_type| Operand::parse(&filter.value, value_type);
        let declared = match &filter.value_type {
            Some(name) => Some(ValueType::find(name)?),
            None => None,
        };
        let usual = field.value_type().or(declared);
        let (is_negated, test) = match operator {
            Operator::Exists | Operator::NotExists => (is_negated, Test::Exists),
            Operator::Is | Operator::IsNot if is_null => (!is_negated, Test::Exists),
            Operator::Is | Operator::IsNot => {
                let operand = operand(usual)?;
                if let (Field::EventType, Operand::Text(name)) = (&field, &operand)
                    && EventKind::find(name).is_none()
                {
                    let names = EventKind::ALL.map(EventKind::as_str).join(", ");
                    let message = format!("event_type must be one of {names}");
                    return Err(Refusal::Invalid(message));
                }
                (is_negated, Test::Equals(operand))
            }
            Operator::Contains | Operator::NotContains => {
                if matches!(field, Field::StartTime | Field::EndTime | Field::Duration) {
                    return Err(Refusal::Invalid(format!(
                        "{} cannot be compared with \"contains\"",
                        filter.field
                    )));
                }
                // A part of an id is not an id.
                let usual = usual.filter(|kind| *kind != ValueType::Id);
                (is_negated, Test::Contains(operand(usual)?))
            }
            Operator::GreaterThan => (false, Test::IsGreater(operand(usual)?)),
            Operator::LessThan => (false, Test::IsLess(operand(usual)?)),
            Operator::After => (false, Test::IsGreater(operand(Some(ValueType::Time))?)),
            Operator::Before | _ => (false, Test::IsLess(operand(Some(ValueType::Time))?)),
        };
        Ok(Self {
            field,
            test,
            is_negated,
        })
    }

    /// Returns the condition that a field equals a value. A text also equals the number that it denotes.
    pub(super) fn of_value(field: &str, value: &Value) -> Result<Self, Refusal> {
        Ok(Self {
            field: Field::parse(field)?,
            test: Test::Equals(Operand::of_value(value)?),
            is_negated: false,
        })
    }

    /// Returns whether an event meets the condition.
    pub(super) fn matches(&self, event: &Candidate<'_>) -> bool {
        let value = match &self.field {
            Field::EventId => Scalar::Id(event.id),
            Field::SessionId => Scalar::Id(event.session),
            Field::ParentId => event.parent.map_or(Scalar::Null, Scalar::Id),
            Field::EventType => Scalar::Text(event.kind.as_str()),
            Field::EventName => Scalar::Text(event.name),
            Field::ProjectId => Scalar::Text(event.project),
            Field::StartTime => Scalar::Time(to_millis(event.started)),
            Field::EndTime => Scalar::Time(to_millis(event.ended)),
            Field::Duration => Scalar::Float(to_millis(event.ended.saturating_sub(event.started))),
            Field::Body(path) => {
                let found = walk::find(event.body, path, &self.test);
                // The body omits the source of an event without one.
                let holds = match found {
                    Some(found) => found.holds || !found.exists && self.holds_if_missing(path),
                    None => return false,
                };
                return holds != self.is_negated;
            }
        };
        self.test.holds(value) != self.is_negated
    }

    /// Returns whether the test holds for a member that the body omits.
    fn holds_if_missing(&self, path: &str) -> bool {
        path == "source" && self.test.holds(Scalar::Text(UNNAMED))
    }

    /// Returns the part of a query that is the same as the condition.
    pub(super) fn part(&self) -> Option<Part<'_>> {
        if self.is_negated {
            return None;
        }
        match (&self.field, &self.test) {
            (Field::SessionId, Test::Equals(Operand::Id(id))) => Some(Part::Session(*id)),
            (Field::EventType, Test::Equals(Operand::Text(name))) => {
                EventKind::find(name).map(Part::Kind)
            }
            (Field::EventName, Test::Equals(Operand::Text(name))) => Some(Part::Name(name)),
            (Field::Body(path), Test::Exists) if path == ERROR => Some(Part::Error),
            (Field::StartTime, Test::Equals(Operand::Time(time))) => {
                Some(Part::Start(DateRange::of(Ordering::Equal, *time)))
            }
            (Field::StartTime, Test::IsGreater(Operand::Time(time))) => {
                Some(Part::Start(DateRange::of(Ordering::Greater, *time)))
            }
            (Field::StartTime, Test::IsLess(Operand::Time(time))) => {
                Some(Part::Start(DateRange::of(Ordering::Less, *time)))
            }
            _ => None,
        }
    }

    /// Returns whether only events with an error can meet the condition.
    pub(super) fn requires_error(&self) -> bool {
        !self.is_negated && matches!(&self.field, Field::Body(path) if path == ERROR)
    }
}

/// A condition that the columns of an event decide.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Session(Uuid),
    Kind(EventKind),
    Name(&'a str),
    /// The event has an error.
    Error,
    /// The event starts in a range.
    Start(DateRange),
}
