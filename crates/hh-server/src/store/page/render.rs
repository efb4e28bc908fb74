//! Renders a stored event as the JSON of an [`Event`](hh_api::types::Event), with the members in the same order.
//!
//! The JSON is written member by member, because a derived serializer would also escape the name of each member.

use hh_api::to_millis;
use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::members::{Members, NotAnObject};
use super::stored_event::StoredEvent;
use crate::domain::sessions::UNNAMED;
use crate::store::port::StoreError;

/// The approximate size of a rendered event without its body and its name, in bytes.
const FRAME: usize = 512;

/// An encoded [`EventBody`](crate::domain::event_body::EventBody) whose members are still JSON. Empty objects and an
/// empty source are not stored.
#[derive(Default)]
struct BorrowedBody<'a> {
    source: Option<&'a str>,
    config: Option<&'a str>,
    inputs: Option<&'a str>,
    outputs: Option<&'a str>,
    error: Option<&'a str>,
    metadata: Option<&'a str>,
    metrics: Option<&'a str>,
    feedback: Option<&'a str>,
    user_properties: Option<&'a str>,
}

impl<'a> BorrowedBody<'a> {
    fn split(body: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("the body of an event".to_owned());
        let mut members = Members::of(str::from_utf8(body).map_err(|_| damaged())?);
        let mut split = Self::default();
        while let Some((name, value)) = members.next().map_err(|NotAnObject| damaged())? {
            let member = match name {
                "source" => &mut split.source,
                "config" => &mut split.config,
                "inputs" => &mut split.inputs,
                "outputs" => &mut split.outputs,
                "error" => &mut split.error,
                "metadata" => &mut split.metadata,
                "metrics" => &mut split.metrics,
                "feedback" => &mut split.feedback,
                "user_properties" => &mut split.user_properties,
                _ => continue,
            };
            *member = Some(value);
        }
        Ok(split)
    }
}

/// Appends the JSON of an event. `project` is the JSON of the public id of its project.
pub(super) fn append(
    json: &mut Vec<u8>,
    event: &StoredEvent<'_>,
    project: &[u8],
) -> Result<(), StoreError> {
    let body = BorrowedBody::split(event.body)?;
    json.reserve(FRAME + event.name.len() + event.body.len());
    json.extend_from_slice(br#"{"event_id":"#);
    append_id(json, event.id);
    json.extend_from_slice(br#","session_id":"#);
    append_id(json, event.session);
    if let Some(parent) = event.parent {
        json.extend_from_slice(br#","parent_id":"#);
        append_id(json, parent);
    }
    json.extend_from_slice(br#","event_type":""#);
    json.extend_from_slice(event.kind.as_str().as_bytes());
    json.extend_from_slice(br#"","event_name":"#);
    append_value(json, event.name)?;
    json.extend_from_slice(br#","source":"#);
    match body.source {
        Some(source) => json.extend_from_slice(source.as_bytes()),
        None => append_value(json, UNNAMED)?,
    }
    json.extend_from_slice(br#","project_id":"#);
    json.extend_from_slice(project);
    append_object(json, br#","config":"#, body.config);
    append_object(json, br#","inputs":"#, body.inputs);
    append_object(json, br#","outputs":"#, body.outputs);
    if let Some(error) = body.error {
        json.extend_from_slice(br#","error":"#);
        json.extend_from_slice(error.as_bytes());
    }
    json.extend_from_slice(br#","start_time":"#);
    append_value(json, &to_millis(event.started))?;
    json.extend_from_slice(br#","end_time":"#);
    append_value(json, &to_millis(event.ended))?;
    json.extend_from_slice(br#","duration":"#);
    let duration = event.ended.saturating_sub(event.started);
    append_value(json, &to_millis(duration))?;
    append_object(json, br#","metadata":"#, body.metadata);
    append_object(json, br#","metrics":"#, body.metrics);
    append_object(json, br#","feedback":"#, body.feedback);
    append_object(json, br#","user_properties":"#, body.user_properties);
    json.push(b'}');
    Ok(())
}

fn append_id(json: &mut Vec<u8>, id: Uuid) {
    let mut text = [0; Hyphenated::LENGTH];
    json.push(b'"');
    json.extend_from_slice(id.as_hyphenated().encode_lower(&mut text).as_bytes());
    json.push(b'"');
}

fn append_value<T: Serialize + ?Sized>(json: &mut Vec<u8>, value: &T) -> Result<(), StoreError> {
    // Only a value that is not valid in JSON fails.
    let written = serde_json::to_writer(json, value);
    written.map_err(|_| StoreError::Damaged("the name of an event".to_owned()))
}

fn append_object(json: &mut Vec<u8>, name: &[u8], object: Option<&str>) {
    json.extend_from_slice(name);
    json.extend_from_slice(object.unwrap_or("{}").as_bytes());
}
