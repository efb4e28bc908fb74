//! Renders a page of events as the body of a response, row by row, so that its size is known after each event.

use std::borrow::Cow;

use hh_api::types::EventKind;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::port::{Page, StoreError};
use crate::domain::filter::Candidate;
use crate::domain::sessions::UNNAMED;
use hh_api::to_millis;

/// The maximum size of a page that has more than one event, in bytes.
pub(super) const MAX_PAGE: usize = 8 * 1024 * 1024;
/// The maximum size of the text after the last event, in bytes.
const MAX_END: usize = 128;

/// A builder of the JSON of an [`EventList`](hh_api::types::EventList).
pub(super) struct PageBuilder {
    json: Vec<u8>,
    is_empty: bool,
}

/// A stored event. Times are nanoseconds since 1970.
pub(super) struct StoredEvent<'a> {
    pub(super) id: Uuid,
    pub(super) session: Uuid,
    pub(super) parent: Option<Uuid>,
    pub(super) kind: EventKind,
    pub(super) name: &'a str,
    pub(super) started: i64,
    pub(super) ended: i64,
    pub(super) body: &'a [u8],
}

impl<'a> StoredEvent<'a> {
    /// Returns the event for the evaluation of a filter. `project` is the public id of the project.
    pub(super) fn candidate(&self, project: &'a str) -> Candidate<'a> {
        Candidate {
            id: self.id,
            session: self.session,
            parent: self.parent,
            kind: self.kind,
            name: self.name,
            project,
            started: self.started,
            ended: self.ended,
            body: self.body,
        }
    }
}

impl PageBuilder {
    pub(super) fn new() -> Self {
        Self {
            json: b"{\"events\":[".to_vec(),
            is_empty: true,
        }
    }

    /// Adds an event if it fits, and returns whether it did. The first event always fits.
    pub(super) fn push(
        &mut self,
        event: &StoredEvent<'_>,
        project: &str,
    ) -> Result<bool, StoreError> {
        let before = self.json.len();
        // The rendered event contains all of the stored JSON, so its size is a lower bound that needs no rendering.
        if !self.is_empty && before + event.body.len() > MAX_PAGE - MAX_END {
            return Ok(false);
        }
        let damaged = |_| StoreError::Damaged("the body of an event".to_owned());
        let stored = serde_json::from_slice(event.body).map_err(damaged)?;
        if !self.is_empty {
            self.json.push(b',');
        }
        let rendered = RenderedEvent::new(event, stored, project);
        serde_json::to_writer(&mut self.json, &rendered).map_err(damaged)?;
        if !self.is_empty && self.json.len() > MAX_PAGE - MAX_END {
            self.json.truncate(before);
            return Ok(false);
        }
        self.is_empty = false;
        Ok(true)
    }

    /// Completes the page.
    pub(super) fn finish(mut self, total: u64, truncated: bool) -> Page {
        let truncated = if truncated { ",\"truncated\":true" } else { "" };
        let end = format!("],\"totalEvents\":{total},\"count\":{total}{truncated}}}");
        self.json.extend_from_slice(end.as_bytes());
        Page { json: self.json }
    }
}

/// Renders one event without decoding its JSON into values.
pub(super) fn render(event: &StoredEvent<'_>, project: &str) -> Result<Vec<u8>, StoreError> {
    let damaged = |_| StoreError::Damaged("the body of an event".to_owned());
    let stored = serde_json::from_slice(event.body).map_err(damaged)?;
    serde_json::to_vec(&RenderedEvent::new(event, stored, project)).map_err(damaged)
}

/// An encoded [`EventBody`](crate::domain::event_body::EventBody) whose members are still JSON text.
#[derive(Deserialize)]
struct BorrowedBody<'a> {
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    config: Member<'a>,
    #[serde(borrow, default)]
    inputs: Member<'a>,
    #[serde(borrow, default)]
    outputs: Member<'a>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Member<'a>,
    #[serde(borrow, default)]
    metrics: Member<'a>,
    #[serde(borrow, default)]
    feedback: Member<'a>,
    #[serde(borrow, default)]
    user_properties: Member<'a>,
}

/// A stored object; `None` for an empty object, which is not stored.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Member<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(object) => object.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

/// An [`Event`](hh_api::types::Event) of borrowed parts, with the members in the same order.
#[derive(Serialize)]
struct RenderedEvent<'a> {
    event_id: Uuid,
    session_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<Uuid>,
    event_type: EventKind,
    event_name: &'a str,
    source: Cow<'a, str>,
    project_id: &'a str,
    config: Member<'a>,
    inputs: Member<'a>,
    outputs: Member<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
    start_time: f64,
    end_time: f64,
    duration: f64,
    metadata: Member<'a>,
    metrics: Member<'a>,
    feedback: Member<'a>,
    user_properties: Member<'a>,
}

impl<'a> RenderedEvent<'a> {
    fn new(event: &StoredEvent<'a>, body: BorrowedBody<'a>, project: &'a str) -> Self {
        let source = if body.source.is_empty() {
            Cow::Borrowed(UNNAMED)
        } else {
            body.source
        };
        Self {
            event_id: event.id,
            session_id: event.session,
            parent_id: event.parent,
            event_type: event.kind,
            event_name: event.name,
            source,
            project_id: project,
            config: body.config,
            inputs: body.inputs,
            outputs: body.outputs,
            error: body.error,
            start_time: to_millis(event.started),
            end_time: to_millis(event.ended),
            duration: to_millis(event.ended.saturating_sub(event.started)),
            metadata: body.metadata,
            metrics: body.metrics,
            feedback: body.feedback,
            user_properties: body.user_properties,
        }
    }
}

#[cfg(test)]
mod tests;
