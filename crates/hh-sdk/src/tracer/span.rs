//! Spans: one step of a session.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::record::Record;
use super::shared::Shared;
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

    /// Adds an input. [Dots in the name nest](Span#names).
    pub fn with_input(self, name: &str, value: impl Serialize) -> Self {
        self.with("inputs", name, &value)
    }

    /// Adds a setting of the step, such as a model's parameters. [Dots in the name nest](Span#names).
    pub fn with_config(self, name: &str, value: impl Serialize) -> Self {
        self.with("config", name, &value)
    }

    /// Adds metadata. [Dots in the name nest](Span#names).
    pub fn with_metadata(self, name: &str, value: impl Serialize) -> Self {
        self.with("metadata", name, &value)
    }

    fn with(mut self, member: &str, name: &str, value: &impl Serialize) -> Self {
        self.record.set(&self.shared.redactor, member, name, value);
        self
    }

    /// Starts the clock.
    pub fn start(mut self) -> Span {
        self.record.start();
        Span {
            shared: self.shared,
            record: Some(self.record),
        }
    }
}

/// A step under way; it ends with [`Span::end`] or when it is dropped.
///
/// # Names
/// Dots in the names of values nest: `set_output("a.b", 1)` sets the member `b` of the object `a`. A name that is set again
/// is replaced. Where nesting would overwrite another value, the whole name stays flat, so that nothing is lost:
/// `a.b` and `a` together become `{"a.b": 1, "a": 2}`. Names inside an object value are literal.
///
/// # Values
/// Lists and objects that are nested deeper than 24 levels become JSON in a text, and what is nested deeper than 64 levels
/// is replaced by `(nested too deeply)`.
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
            Some(parent) => parent.child(&shared, name, kind),
            None => Record::new(&shared, uuid::Uuid::nil(), name, kind),
        };
        SpanBuilder::new(shared, record)
    }

    /// Sets an output. [Dots in the name nest](Span#names).
    pub fn set_output(&mut self, name: &str, value: impl Serialize) {
        self.set("outputs", name, &value);
    }

    /// Sets metadata. [Dots in the name nest](Span#names).
    pub fn set_metadata(&mut self, name: &str, value: impl Serialize) {
        self.set("metadata", name, &value);
    }

    /// Sets a score. [Dots in the name nest](Span#names).
    pub fn set_metric(&mut self, name: &str, value: impl Serialize) {
        self.set("metrics", name, &value);
    }

    /// Marks the step as failed.
    pub fn set_error(&mut self, error: impl fmt::Display) {
        if let Some(record) = &mut self.record {
            record.set_error(error);
        }
    }

    /// Ends the step now.
    pub fn end(self) {
        drop(self);
    }

    fn set(&mut self, member: &str, name: &str, value: &impl Serialize) {
        if let Some(record) = &mut self.record {
            record.set(&self.shared.redactor, member, name, value);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            record.end(&self.shared);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.record.as_ref().map(Record::name);
        formatter.debug_tuple("Span").field(&name).finish()
    }
}
