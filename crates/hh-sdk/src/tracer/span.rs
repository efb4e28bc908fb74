//! Spans: one step of a session.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Shared;
use super::queue::Job;
use super::record::Record;
use crate::EventKind;

/// Builds a [`Span`].
#[must_use = "a span begins with start()"]
pub struct SpanBuilder {
    shared: Arc<Shared>,
    record: Record,
}

impl SpanBuilder {
    pub(super) fn new(shared: Arc<Shared>, record: Record) -> Self {
        Self { shared, record }
    }

    /// Adds an input.
    pub fn with_input(mut self, name: &str, value: impl Serialize) -> Self {
        self.record.set("inputs", name, value);
        self
    }

    /// Adds a setting of the step, such as a model's parameters.
    pub fn with_config(mut self, name: &str, value: impl Serialize) -> Self {
        self.record.set("config", name, value);
        self
    }

    /// Adds metadata.
    pub fn with_metadata(mut self, name: &str, value: impl Serialize) -> Self {
        self.record.set("metadata", name, value);
        self
    }

    /// Starts the clock.
    pub fn start(mut self) -> Span {
        self.record.started = crate::ids::Started::now();
        Span {
            shared: self.shared,
            record: Some(self.record),
        }
    }
}

/// A step under way; it ends with [`Span::end`] or when it is dropped.
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    shared: Arc<Shared>,
    /// Taken at the end.
    record: Option<Record>,
}

impl Span {
    /// Starts building a step below this one.
    pub fn child(&self, name: &str, kind: EventKind) -> SpanBuilder {
        let shared = Arc::clone(&self.shared);
        let record = match &self.record {
            Some(parent) => Record::new(parent.session, name, kind).below(parent),
            None => Record::new(uuid::Uuid::nil(), name, kind),
        };
        SpanBuilder::new(shared, record)
    }

    /// Sets an output; dots in a name nest, and a name set again is replaced.
    pub fn set_output(&mut self, name: &str, value: impl Serialize) {
        self.set("outputs", name, value);
    }

    /// Sets metadata.
    pub fn set_metadata(&mut self, name: &str, value: impl Serialize) {
        self.set("metadata", name, value);
    }

    /// Sets a score.
    pub fn set_metric(&mut self, name: &str, value: impl Serialize) {
        self.set("metrics", name, value);
    }

    /// Marks the step as failed.
    pub fn set_error(&mut self, error: impl fmt::Display) {
        if let Some(record) = &mut self.record {
            record.set_error(error.to_string());
        }
    }

    /// Ends the step now.
    pub fn end(self) {
        drop(self);
    }

    fn set(&mut self, member: &str, name: &str, value: impl Serialize) {
        if let Some(record) = &mut self.record {
            record.set(member, name, value);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            let wire = record.into_wire(&self.shared);
            self.shared.queue.push(Job::Span(Box::new(wire)));
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.record.as_ref().map(|record| record.name.as_str());
        formatter.debug_tuple("Span").field(&name).finish()
    }
}
