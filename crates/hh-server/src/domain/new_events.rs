//! Completes events that clients create: ids, names, times and the members of calls to models.

use std::collections::HashMap;

use hh_api::limit_name;
use hh_api::types::{CreateEvent, CreateModelEvent, EventKind, Object};
use hh_auth::ProjectId;
use serde_json::Value;
use uuid::{ContextV7, Timestamp, Uuid};

use super::Refusal;
use super::event_body::{EventBody, from_millis, from_time};
use super::event_ids::{session_id, session_of_event};
use super::event_limits::limit_start;
use super::events::Rights;
use super::sessions::UNNAMED;

/// An event with all ids and times, before it is encoded. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompleteEvent {
    pub(crate) id: Uuid,
    /// Whether the client sent an id.
    pub(crate) is_given: bool,
    pub(crate) session: Uuid,
    pub(crate) parent: Uuid,
    pub(crate) kind: EventKind,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) body: EventBody,
}

/// Completes the events of one request.
///
/// A text that is not a UUID gets one new id for the whole request, so that the events of a batch keep their parents.
pub(crate) struct Completion {
    /// The time of the request, in nanoseconds since 1970.
    now: i64,
    /// The rights of the key of the request.
    rights: Rights,
    /// The session of all events; `None` if each event names its own.
    session: Option<Uuid>,
    ids: HashMap<String, Uuid>,
    order: ContextV7,
}

impl Completion {
    pub(crate) fn new(now: i64, rights: Rights, session: Option<Uuid>) -> Self {
        Self {
            now,
            rights,
            session,
            ids: HashMap::new(),
            order: ContextV7::new(),
        }
    }

    /// Completes an event.
    ///
    /// # Errors
    /// `Invalid` if a required member is missing or the type is unknown.
    pub(crate) fn complete(
        &mut self,
        project: ProjectId,
        event: CreateEvent,
    ) -> Result<CompleteEvent, Refusal> {
        let kind = kind_of(event.event_type.as_deref())?;
        let Some(inputs) = event.inputs else {
            return Err(Refusal::Invalid("missing field \"inputs\"".to_owned()));
        };
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (event_id, named) = (text(event.event_id), text(event.session_id));
        let session = match (self.session, &named) {
            (Some(session), _) => session,
            (None, Some(text)) => session_id(project, text),
            (None, None) if kind == EventKind::Session => self.id(event_id.as_deref()),
            (None, None) => match &event_id {
                Some(text) => session_of_event(project, self.id(Some(text))),
                None => Uuid::new_v4(),
            },
        };
        let is_session = kind == EventKind::Session
            && (event_id.is_none()
                || event_id == named
                || event_id
                    .as_deref()
                    .is_some_and(|text| Uuid::try_parse(text) == Ok(session)));
        let id = if is_session {
            session
        } else {
            self.id(event_id.as_deref())
        };
        // The session itself is the only event of the type `session`. Another event of the type is a step in it.
        let is_step = kind == EventKind::Session && id != session;
        let kind = if is_step { EventKind::Chain } else { kind };
        let parent = match text(event.parent_id).as_deref() {
            None => session,
            Some(text) => Uuid::try_parse(text).unwrap_or_else(|_| self.id(Some(text))),
        };
        let (mut started, mut ended) =
            times(event.start_time, event.end_time, event.duration, self.now);
        let name = event.event_name.or(event.session_name);
        let mut body = EventBody {
            source: event.source.unwrap_or_else(|| UNNAMED.to_owned()),
            config: event.config,
            inputs,
            outputs: event.outputs,
            error: event.error,
            metadata: event.metadata,
            metrics: event.metrics,
            feedback: event.feedback,
            user_properties: event.user_properties,
        };
        limit_start(&mut started, &mut ended, &mut body.metadata, self.now);
        Ok(CompleteEvent {
            id,
            is_given: event_id.is_some(),
            session,
            parent,
            kind,
            name: limit_name(name.unwrap_or_else(|| UNNAMED.to_owned())),
            started,
            ended,
            body,
        })
    }

    /// Returns the id for a text: the text itself if it is a UUID that the key may choose, and otherwise a new id.
    fn id(&mut self, text: Option<&str>) -> Uuid {
        let Some(text) = text else {
            return self.new_id();
        };
        if let Ok(id) = Uuid::try_parse(text)
            && may_choose(self.rights, id)
        {
            return id;
        }
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.new_id();
        self.ids.insert(text.to_owned(), id);
        id
    }

    /// Returns a UUID of version 7. The ids of a request are in the order of their creation.
    fn new_id(&self) -> Uuid {
        let seconds = u64::try_from(self.now.div_euclid(1_000_000_000)).unwrap_or_default();
        let nanos = u32::try_from(self.now.rem_euclid(1_000_000_000)).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&self.order, seconds, nanos))
    }
}

/// Returns whether a key may choose an id.
///
/// Ids of version 8 are derived from spans and from the texts of sessions, so they can be predicted. A key that may not
/// change the data of other keys must not create an event with the id that another event or session will have.
fn may_choose(rights: Rights, id: Uuid) -> bool {
    rights.only_family.is_none() || id.get_version_num() != 8
}

fn kind_of(name: Option<&str>) -> Result<EventKind, Refusal> {
    let Some(name) = name else {
        return Err(Refusal::Invalid("missing field \"event_type\"".to_owned()));
    };
    EventKind::find(name).ok_or_else(|| {
        let names = EventKind::ALL.map(EventKind::as_str).join(", ");
        Refusal::Invalid(format!("event_type must be one of {names}"))
    })
}

/// Returns the start and the end of an event in nanoseconds, from the times and the duration of a request.
pub(crate) fn times(
    start: Option<f64>,
    end: Option<f64>,
    duration: Option<f64>,
    now: i64,
) -> (i64, i64) {
    let start = start.filter(|time| *time > 0.0).map(from_time);
    let end = end.filter(|time| *time > 0.0).map(from_time);
    let duration = duration.map_or(0, from_millis).max(0);
    let (started, ended) = match (start, end) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) => (start, start.saturating_add(duration)),
        (None, Some(end)) => (end.saturating_sub(duration), end),
        (None, None) => (now.saturating_sub(duration), now),
    };
    (started.max(0), ended.max(started).max(0))
}

/// Converts a call to a model to an event. Members that the event has already are kept.
pub(crate) fn model_event(call: CreateModelEvent) -> CreateEvent {
    let mut event = call.event;
    event.event_type = Some(EventKind::Model.as_str().to_owned());
    let mut inputs = event.inputs.unwrap_or_default();
    let model = call.model.or(call.model_name);
    if event.event_name.is_none() {
        event.event_name.clone_from(&model);
    }
    let hyperparameters = (!call.hyperparameters.is_empty()).then_some(call.hyperparameters);
    for (name, value) in [
        ("model", model.map(Value::String)),
        ("model_version", call.model_version.map(Value::String)),
        ("provider", call.provider.map(Value::String)),
        ("hyperparameters", hyperparameters.map(Value::Object)),
        ("template", call.template),
        ("tools", call.tools),
        ("tool_choice", call.tool_choice),
        ("response_format", call.response_format),
    ] {
        add(&mut event.config, name, value);
    }
    add(&mut inputs, "chat_history", call.messages);
    match call.template_inputs {
        Some(Value::Object(members)) => add_all(&mut inputs, members),
        other => add(&mut inputs, "template_inputs", other),
    }
    match call.response {
        Some(Value::Object(members)) => add_all(&mut event.outputs, members),
        other => add(&mut event.outputs, "response", other),
    }
    add_all(&mut event.metadata, call.usage);
    add(&mut event.metadata, "cost", call.cost);
    event.inputs = Some(inputs);
    event
}

fn add(object: &mut Object, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        object.entry(name).or_insert(value);
    }
}

fn add_all(object: &mut Object, members: Object) {
    for (name, value) in members {
        object.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests;
