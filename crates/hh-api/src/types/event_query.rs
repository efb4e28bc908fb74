use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::common::{nullable_list, whole_number};
use super::{Event, Filter, Object};

/// A query for a page of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct ExportEvents {
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The conditions. An event must match all of them.
    #[serde(default, deserialize_with = "nullable_list")]
    pub filters: Vec<Filter>,
    /// A range of start times: an object with the members `$gte`, `$gt`, `$lte` and `$lt`, or `start_time` and
    /// `end_time`, which are inclusive. A time is ISO 8601 text, in UTC unless it has an offset, or a number of Unix
    /// milliseconds.
    #[serde(rename = "dateRange", default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<Value>,
    /// The members of events to return, such as `event_name` or `metadata.cost`; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projections: Option<Vec<String>>,
    /// The maximum number of events on the page: 1 to 7,500, 1,000 by default.
    #[serde(
        default,
        deserialize_with = "whole_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit: Option<u32>,
    /// The number of the page, starting at 1, which is the default.
    #[serde(
        default,
        deserialize_with = "whole_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub page: Option<u32>,
    /// Where the page starts: the `next` of the previous page, or an empty text for the first page. The page then has
    /// no number, and it can have fewer events than `limit` although more follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the order of the events does not matter. A self-hosted server always returns them in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_order: Option<bool>,
    /// The id of an experiment run; only events whose `metadata.run_id` equals it match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_id: Option<String>,
}

/// A query for a page of events, which has no projections and rejects unknown members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct SearchEvents {
    /// The id of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The name of the project; required for keys that apply to several projects if there is no `project_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The conditions. An event must match all of them.
    #[serde(default, deserialize_with = "nullable_list")]
    pub filters: Vec<Filter>,
    /// A range of start times, as in an export of events.
    #[serde(rename = "dateRange", default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<Value>,
    /// The maximum number of events on the page: 1 to 1,000, which is the default.
    #[serde(
        default,
        deserialize_with = "whole_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit: Option<u32>,
    /// The number of the page, starting at 1, which is the default.
    #[serde(
        default,
        deserialize_with = "whole_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub page: Option<u32>,
    /// Where the page starts: the `next` of the previous page, or an empty text for the first page. The page then has
    /// no number, and it can have fewer events than `limit` although more follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the order of the events does not matter. A self-hosted server always returns them in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_order: Option<bool>,
    /// The id of an experiment run; only events whose `metadata.run_id` equals it match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_id: Option<String>,
}

/// A page of events, latest start time first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct EventList {
    /// The events on the page.
    pub events: Vec<Event>,
    /// The number of events that match, see `total_is_exact`.
    #[serde(rename = "totalEvents")]
    pub total_events: u64,
    /// The same as `totalEvents`.
    pub count: u64,
    /// Whether `totalEvents` is exact, which is the default. A self-hosted server counts at most 10,000 events after a
    /// page of a query with filters, for a short time. If more follow, the number is one more than the number of events
    /// up to the end of the page. Only the first page of a cursor has an exact total.
    #[serde(default = "exact", skip_serializing_if = "is_exact")]
    pub total_is_exact: bool,
    /// Whether the page has fewer events than `limit` because the events are large. A self-hosted server sets it only
    /// in versions without cursors. The next page starts after `limit` events, not after the last event of this page. To
    /// get the missing events, request pages again with a `limit` of at most the number of events on this page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The cursor of the next page, if the request has a cursor and more events can follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Default for EventList {
    /// Returns the complete list of no events.
    fn default() -> Self {
        Self {
            events: Vec::new(),
            total_events: 0,
            count: 0,
            total_is_exact: true,
            truncated: false,
            next: None,
        }
    }
}

fn exact() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde requires the signature"
)]
fn is_exact(is_exact: &bool) -> bool {
    *is_exact
}

/// A reference to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct EventRef {
    /// The id of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The name of the project; required for keys that apply to several projects if there is no `project_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The id of the event.
    pub event_id: String,
}

/// An event in an envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct EventEnvelope {
    /// The event.
    pub event: Event,
}

/// A query for the fields of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct GetEventSchema {
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// A range of start times, as JSON text of the object in an export of events. Single quotes are accepted too.
    #[serde(rename = "dateRange", default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<String>,
    /// The id of an experiment run; only events whose `metadata.run_id` equals it count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_id: Option<String>,
}

/// The fields of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct EventSchema {
    /// The fields of the latest 1,000 events, in the order of their names.
    pub fields: Vec<EventField>,
    /// The data sets of the events. A self-hosted server returns none.
    pub datasets: Vec<String>,
    /// Groups of fields. A self-hosted server returns none.
    pub mappings: Object,
}

/// A field that can be used in a filter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct EventField {
    /// The name of the field, such as `metadata.cost`.
    pub name: String,
    /// The type of the events that have the field.
    pub event_type: String,
}
