//! Sessions, which are interactions with a user.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hh_api::types::{EventPatch, Object, StartSession};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::block::{Block, Content};
use super::encode::to_json;
use super::kind::SpanKind;
use super::open::Place;
use super::record::Record;
use super::shared::Shared;
use super::span::SpanBuilder;
use super::state::Item;
use crate::ids::{StartTime, millis, random_uuid};

/// A builder of a [`Session`].
#[must_use = "start() starts the session"]
pub struct SessionBuilder {
    shared: Arc<Shared>,
    session: StartSession,
}

impl SessionBuilder {
    /// Creates the builder of a session with this name.
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let session = StartSession {
            session_name: Some(name.to_owned()),
            source: Some(shared.source.clone()),
            project: shared.project.clone(),
            ..StartSession::default()
        };
        Self { shared, session }
    }

    /// Sets an input.
    pub fn with_input(mut self, name: &str, value: impl Serialize) -> Self {
        insert(&self.shared, &mut self.session.inputs, name, &value);
        self
    }

    /// Sets a metadata value.
    pub fn with_metadata(mut self, name: &str, value: impl Serialize) -> Self {
        insert(&self.shared, &mut self.session.metadata, name, &value);
        self
    }

    /// Sets a property of the user of the session.
    pub fn with_user_property(mut self, name: &str, value: impl Serialize) -> Self {
        insert(
            &self.shared,
            &mut self.session.user_properties,
            name,
            &value,
        );
        self
    }

    /// Starts the session.
    pub fn start(self) -> Session {
        let mut session = self.unstarted();
        session.ensure_started();
        session.open = session.shared.add_open(&session.name);
        session
    }

    /// Returns a session that starts with its first span.
    pub(super) fn unstarted(self) -> Session {
        let id = random_uuid();
        Session {
            shared: self.shared,
            id,
            name: self.session.session_name.clone().unwrap_or_default(),
            started: StartTime::now(),
            announced: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            open: None,
            start: Mutex::new(Some(StartSession {
                session_id: Some(id.to_string()),
                ..self.session
            })),
            changes: Mutex::default(),
        }
    }
}

/// Sets a value of an object, if the tracer records.
fn insert(shared: &Shared, object: &mut Object, name: &str, value: &impl Serialize) {
    if shared.queue.is_recording() {
        object.insert(name.to_owned(), to_json(&shared.redactor, value));
    }
}

/// Queues a session change.
fn push(shared: &Shared, content: Content, mut body: Value) {
    if !shared.queue.is_recording() {
        return;
    }
    shared.redactor.redact_json(&mut body);
    let block = Block::of_session(content, body.to_string().into_bytes());
    shared.queue.push(Item::Session(block));
}

/// A session in progress: one interaction with the program. It ends with [`Session::end`] or when it is dropped.
///
/// The tracer records the start of the session immediately. It records the values of the `set_…` methods when the
/// session ends.
///
/// A dot in the name of a value has no special meaning, unlike in the names of a [`Span`](crate::Span#names).
/// `(nested too deeply)` replaces lists and objects deeper than 64 levels.
#[must_use = "dropping the session ends it"]
pub struct Session {
    shared: Arc<Shared>,
    id: Uuid,
    name: String,
    started: StartTime,
    /// Whether the start is queued.
    announced: AtomicBool,
    /// Whether the end is queued.
    ended: AtomicBool,
    /// The place among the open sessions and spans; `None` for the session of a tracer.
    open: Option<Place>,
    /// The start; `None` after it is queued.
    start: Mutex<Option<StartSession>>,
    /// The values that are sent at the end.
    changes: Mutex<EventPatch>,
}

impl Session {
    /// Returns the session id, which the tracer generated.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns a builder of a span directly below the session: a chain, a call to a model or a call to a tool.
    pub fn span(&self, name: &str, kind: SpanKind) -> SpanBuilder {
        self.ensure_started();
        let record = Record::new(&self.shared, self.id, name, kind);
        SpanBuilder::new(Arc::clone(&self.shared), record)
    }

    /// Sets an output of the session.
    pub fn set_output(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.outputs, name, value);
    }

    /// Sets a metric of the session, such as a score.
    pub fn set_metric(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.metrics, name, value);
    }

    /// Sets a metadata value of the session.
    pub fn set_metadata(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.metadata, name, value);
    }

    /// Sets a feedback value of the session, such as the rating of a user.
    pub fn set_feedback(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.feedback, name, value);
    }

    /// Ends the session now.
    pub fn end(self) {
        drop(self);
    }

    /// Sets a value that is sent at the end of the session.
    fn change(
        &self,
        member: impl Fn(&mut EventPatch) -> &mut Option<Object>,
        name: &str,
        value: impl Serialize,
    ) {
        // Serialization runs code of the program, which may use this session, so it happens before the lock.
        if !self.shared.queue.is_recording() {
            return;
        }
        let value = to_json(&self.shared.redactor, &value);
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        member(&mut changes)
            .get_or_insert_default()
            .insert(name.to_owned(), value);
    }

    /// Queues the start of the session, once.
    fn ensure_started(&self) {
        if self.announced.load(Ordering::Acquire) || self.announced.swap(true, Ordering::AcqRel) {
            return;
        }
        let start = self
            .start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut start) = start {
            start.start_time = Some(millis(self.started.nanos()));
            let start = serde_json::json!({ "session": start });
            push(&self.shared, Content::SessionStart, start);
        }
    }

    /// Queues the end of the session, once; does nothing if the session never started.
    pub(super) fn finish(&self) {
        if !self.announced.load(Ordering::Acquire) || self.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let changes =
            std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        let patch = EventPatch {
            event_id: self.id,
            project: self.shared.project.clone(),
            end_time: Some(millis(self.started.nanos_at(Instant::now()))),
            ..changes
        };
        let patch = serde_json::to_value(patch).unwrap_or_default();
        push(&self.shared, Content::SessionChange, patch);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(place) = self.open.take() {
            self.shared.open.remove(place);
        }
        self.finish();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
