//! Sessions: what one user interaction was.

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
use super::record::Record;
use super::shared::Shared;
use super::span::SpanBuilder;
use super::state::Item;
use crate::EventKind;
use crate::ids::{StartTime, millis, random_uuid};

/// Builds a [`Session`].
#[must_use = "a session begins with start()"]
pub struct SessionBuilder {
    shared: Arc<Shared>,
    session: StartSession,
}

impl SessionBuilder {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let session = StartSession {
            session_name: Some(name.to_owned()),
            source: Some(shared.source.clone()),
            project: shared.project.clone(),
            ..StartSession::default()
        };
        Self { shared, session }
    }

    /// Adds an input.
    pub fn with_input(mut self, name: &str, value: impl Serialize) -> Self {
        insert(&self.shared, &mut self.session.inputs, name, &value);
        self
    }

    /// Adds metadata.
    pub fn with_metadata(mut self, name: &str, value: impl Serialize) -> Self {
        insert(&self.shared, &mut self.session.metadata, name, &value);
        self
    }

    /// Adds a property of the user it is done for.
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
        let session = self.unstarted();
        session.ensure_started();
        session
    }

    /// Makes a session that starts with its first span.
    pub(super) fn unstarted(self) -> Session {
        let id = random_uuid();
        Session {
            shared: self.shared,
            id,
            name: self.session.session_name.clone().unwrap_or_default(),
            started: StartTime::now(),
            announced: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            start: Mutex::new(Some(StartSession {
                session_id: Some(id.to_string()),
                ..self.session
            })),
            changes: Mutex::default(),
        }
    }
}

fn insert(shared: &Shared, object: &mut Object, name: &str, value: &impl Serialize) {
    if shared.queue.is_recording() {
        object.insert(name.to_owned(), to_json(&shared.redactor, value));
    }
}

/// Queues a change of a session.
fn push(shared: &Shared, content: Content, mut body: Value) {
    if !shared.queue.is_recording() {
        return;
    }
    shared.redactor.redact_json(&mut body);
    let block = Block::of_session(content, body.to_string().into_bytes());
    shared.queue.push(Item::Session(block));
}

/// A session under way; it ends with [`Session::end`] or when it is dropped.
///
/// Names of the values of a session are literal: dots in them do not nest, unlike in those of a [`Span`](crate::Span). What
/// is nested deeper than 64 levels in a value is replaced by `(nested too deeply)`.
#[must_use = "a session ends when it is dropped"]
pub struct Session {
    shared: Arc<Shared>,
    id: Uuid,
    name: String,
    started: StartTime,
    announced: AtomicBool,
    ended: AtomicBool,
    /// Taken when the start is queued.
    start: Mutex<Option<StartSession>>,
    changes: Mutex<EventPatch>,
}

impl Session {
    /// Returns the session id, which is created here.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Starts building a step right below the session.
    pub fn span(&self, name: &str, kind: EventKind) -> SpanBuilder {
        self.ensure_started();
        let record = Record::new(&self.shared, self.id, name, kind);
        SpanBuilder::new(Arc::clone(&self.shared), record)
    }

    /// Sets an output of the session.
    pub fn set_output(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.outputs, name, value);
    }

    /// Sets a score of the session.
    pub fn set_metric(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.metrics, name, value);
    }

    /// Sets metadata of the session.
    pub fn set_metadata(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.metadata, name, value);
    }

    /// Sets what a person said of the session.
    pub fn set_feedback(&self, name: &str, value: impl Serialize) {
        self.change(|patch| &mut patch.feedback, name, value);
    }

    /// Ends the session now.
    pub fn end(self) {
        drop(self);
    }

    fn change(
        &self,
        member: impl Fn(&mut EventPatch) -> &mut Option<Object>,
        name: &str,
        value: impl Serialize,
    ) {
        // Before the lock: serializing runs the caller's code, which may use this session.
        if !self.shared.queue.is_recording() {
            return;
        }
        let value = to_json(&self.shared.redactor, &value);
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        member(&mut changes)
            .get_or_insert_default()
            .insert(name.to_owned(), value);
    }

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

    /// Queues the end, once; nothing if the session never began.
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
