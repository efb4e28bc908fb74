//! Spans, the steps of a session.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::kind::SpanKind;
use super::open::Place;
use super::record::Record;
use super::shared::Shared;

/// A builder of a [`Span`].
#[must_use = "start() starts the span"]
pub struct SpanBuilder {
    shared: Arc<Shared>,
    record: Record,
}

impl SpanBuilder {
    /// Creates the builder of a record.
    pub(super) fn new(shared: Arc<Shared>, record: Record) -> Self {
        Self { shared, record }
    }

    /// Sets an input. [Dots in the name](Span#names) create nested objects.
    pub fn with_input(self, name: &str, value: impl Serialize) -> Self {
        self.with("inputs", name, &value)
    }

    /// Sets a configuration value, such as a parameter of a model. [Dots in the name](Span#names) create nested
    /// objects.
    pub fn with_config(self, name: &str, value: impl Serialize) -> Self {
        self.with("config", name, &value)
    }

    /// Sets a metadata value. [Dots in the name](Span#names) create nested objects.
    pub fn with_metadata(self, name: &str, value: impl Serialize) -> Self {
        self.with("metadata", name, &value)
    }

    /// Sets a value of a member of the event.
    fn with(mut self, member: &str, name: &str, value: &impl Serialize) -> Self {
        self.record.set(&self.shared.redactor, member, name, value);
        self
    }

    /// Starts the span.
    pub fn start(mut self) -> Span {
        self.record.start();
        let open = self.shared.add_open(self.record.name());
        Span {
            open,
            shared: self.shared,
            record: Some(self.record),
        }
    }
}

/// A span in progress: one step of a session. It ends with [`Span::end`] or when it is dropped.
///
/// # Names
/// Dots in the name of a value create nested objects: `set_output("a.b", 1)` sets the member `b` of the object `a`. A
/// second value with the same name replaces the first. If a nested object would overwrite another value, the name keeps
/// its dots, so that no value is lost: `a.b` and `a` together become `{"a.b": 1, "a": 2}`. Dots in the names inside a
/// value have no special meaning.
///
/// # Values
/// A value can be of any type that implements [`Serialize`]. Lists and objects deeper than 24 levels become JSON
/// strings, and `(nested too deeply)` replaces those deeper than 64 levels. If the serialization of a value fails,
/// `(this value cannot be serialized)` replaces it.
///
/// # Examples
/// ```no_run
/// use hh_sdk::SpanKind;
///
/// # fn example(tracer: hh_sdk::HoneyHiveTracer) {
/// let chain = tracer.span("answer", SpanKind::Chain).start();
/// let mut model = chain
///     .child("complete", SpanKind::Model)
///     .with_config("model", "small-1")
///     .with_input("prompt", "Why?")
///     .start();
/// model.set_output("text", "Because.");
/// model.set_metric("tokens.output", 2);
/// model.end();
/// chain.end();
/// # }
/// ```
#[must_use = "dropping the span ends it"]
pub struct Span {
    shared: Arc<Shared>,
    /// The place among the open sessions and spans; `None` if the tracer records nothing.
    open: Option<Place>,
    /// The record; `None` after the end.
    record: Option<Record>,
}

impl Span {
    /// Returns a builder of a child span.
    pub fn child(&self, name: &str, kind: SpanKind) -> SpanBuilder {
        let shared = Arc::clone(&self.shared);
        let record = match &self.record {
            Some(parent) => parent.child(&shared, name, kind),
            None => Record::new(&shared, uuid::Uuid::nil(), name, kind),
        };
        SpanBuilder::new(shared, record)
    }

    /// Sets an output. [Dots in the name](Span#names) create nested objects.
    pub fn set_output(&mut self, name: &str, value: impl Serialize) {
        self.set("outputs", name, &value);
    }

    /// Sets a metadata value. [Dots in the name](Span#names) create nested objects.
    pub fn set_metadata(&mut self, name: &str, value: impl Serialize) {
        self.set("metadata", name, &value);
    }

    /// Sets a metric, such as a score. [Dots in the name](Span#names) create nested objects.
    pub fn set_metric(&mut self, name: &str, value: impl Serialize) {
        self.set("metrics", name, &value);
    }

    /// Marks the span as failed, with this error message.
    pub fn set_error(&mut self, error: impl fmt::Display) {
        if let Some(record) = &mut self.record {
            record.set_error(error);
        }
    }

    /// Ends the span now.
    pub fn end(self) {
        drop(self);
    }

    /// Sets a value of a member of the event.
    fn set(&mut self, member: &str, name: &str, value: &impl Serialize) {
        if let Some(record) = &mut self.record {
            record.set(&self.shared.redactor, member, name, value);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(place) = self.open.take() {
            self.shared.open.remove(place);
        }
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
