//! Filters events: parses the conditions of a request and evaluates them on stored events.
//!
//! A field is a member of an event, or a path below one of its objects. The parts of a path are separated by dots, and
//! a name in an object can contain dots itself: `metadata.gen_ai.cost` is the member `cost` of `gen_ai`, and also the
//! member `gen_ai.cost`. In a list, a number is the position of an element, and any other name is the member of every
//! element. If a path leads to several values, a condition holds if it holds for one of them.
//!
//! | condition | result |
//! | --- | --- |
//! | `exists` | the field has a value other than null; an empty object of an event, such as `metadata`, has none |
//! | `is null` | the same as `not exists` |
//! | `is` | equal in the type of the condition; lists and objects equal no value |
//! | `contains` | a part of the text, an element of the list that is equal, or the name of a member of the object |
//! | `greater than`, `less than` | texts are compared by their UTF-8 bytes, numbers and times by their value |
//! | `after`, `before` | the same for times |
//! | `not exists`, `is not`, `not contains` | the opposite, so they hold for a missing field |
//!
//! The type of a condition is its `type`, or else the type of its value. A stored value of another type is converted:
//!
//! | type | stored values that can be compared |
//! | --- | --- |
//! | `string` | text; the JSON text of numbers and booleans. Upper and lower case differ |
//! | `number` | numbers; texts with a number. Whole numbers are compared exactly |
//! | `boolean` | booleans; the texts `true` and `false` |
//! | `datetime` | numbers of Unix milliseconds; texts with a time |
//! | `id` | UUIDs in any spelling; other texts |
//!
//! `start_time` and `end_time` are always compared as times, `duration` as a number, and `event_id`, `session_id` and
//! `parent_id` as ids.

mod candidate;
mod condition;
mod date;
mod operand;
mod test;
mod walk;

use hh_api::types::{self, EventKind};
use serde_json::Value;
use uuid::Uuid;

use super::Refusal;
pub(crate) use candidate::Candidate;
use condition::{Condition, Part};
use date::NanoRange;
pub(crate) use date::{DateRange, parse_repr};

/// The maximum number of conditions of a query.
const MAX_CONDITIONS: usize = 100;

/// The conditions of a query, all of which an event must meet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
    range: DateRange,
}

/// The part of a filter that an index can serve. Every event that matches the filter matches its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    /// The name of the event.
    pub(crate) name: Option<String>,
    /// Whether the event has an error.
    pub(crate) has_error: bool,
    /// The first start time that matches, in nanoseconds since 1970.
    pub(crate) from: Option<i64>,
    /// The first start time that no longer matches, in nanoseconds since 1970.
    pub(crate) before: Option<i64>,
    /// Whether no event can match, because conditions contradict each other.
    pub(crate) is_empty: bool,
    /// Whether the plan is the whole filter.
    pub(crate) is_complete: bool,
}

impl Plan {
    /// Returns whether an index finds an event with this plan.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn finds(&self, event: &Candidate<'_>, has_error: bool) -> bool {
        !self.is_empty
            && self.session.is_none_or(|id| id == event.session)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.name.as_ref().is_none_or(|name| name == event.name)
            && (!self.has_error || has_error)
            && self.from.is_none_or(|from| event.started >= from)
            && self.before.is_none_or(|before| event.started < before)
    }

    /// Adds a condition.
    fn add(&mut self, part: Part<'_>) {
        match part {
            Part::Session(id) => {
                self.is_empty |= self.session.replace(id).is_some_and(|other| other != id);
            }
            Part::Kind(kind) => {
                self.is_empty |= self.kind.replace(kind).is_some_and(|other| other != kind);
            }
            Part::Name(name) => {
                let old = self.name.replace(name.to_owned());
                self.is_empty |= old.is_some_and(|other| other != name);
            }
            Part::Error => self.has_error = true,
            Part::Start(range) => match range.nanos() {
                None => self.is_empty = true,
                Some(range) => {
                    let old = NanoRange {
                        from: self.from,
                        before: self.before,
                    };
                    let both = old.intersect(range);
                    (self.from, self.before) = (both.from, both.before);
                    self.is_empty |= both.is_empty();
                }
            },
        }
    }
}

impl Filter {
    /// Parses the filters and the range of a request.
    pub(crate) fn parse(filters: &[types::Filter], range: Option<&Value>) -> Result<Self, Refusal> {
        if filters.len() > MAX_CONDITIONS {
            return Err(Refusal::Invalid(format!(
                "a query can have at most {MAX_CONDITIONS} filters"
            )));
        }
        let conditions = filters.iter().map(Condition::parse);
        Ok(Self {
            conditions: conditions.collect::<Result<_, _>>()?,
            range: range.map_or(Ok(DateRange::default()), DateRange::parse)?,
        })
    }

    /// Returns a filter for the events whose field equals a value. A text also equals the number that it denotes.
    pub(crate) fn of_value(field: &str, value: &Value) -> Result<Self, Refusal> {
        Ok(Self {
            conditions: vec![Condition::of_value(field, value)?],
            range: DateRange::default(),
        })
    }

    /// Returns whether an event meets all conditions. A body that is not valid JSON meets none.
    pub(crate) fn matches(&self, event: &Candidate<'_>) -> bool {
        let is_in_range = self.range.contains(hh_api::to_millis(event.started));
        is_in_range && self.conditions.iter().all(|one| one.matches(event))
    }

    /// Returns the part of the filter that an index can serve.
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan {
            is_complete: true,
            ..Plan::default()
        };
        plan.add(Part::Start(self.range));
        for condition in &self.conditions {
            if let Some(part) = condition.part() {
                plan.add(part);
            } else {
                plan.is_complete = false;
                plan.has_error |= condition.requires_error();
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests;
