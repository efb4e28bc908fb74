//! The memory that waiting telemetry may use.

use std::mem::size_of;

use hh_api::types::{EventPatch, Object, StartSession};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use serde_json::Value;

use super::queue::Job;

/// Bytes that are in use, and how many may be.
#[derive(Debug)]
pub(super) struct ByteBudget {
    limit: usize,
    used: usize,
}

impl ByteBudget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// What the allocator and the queue need for one allocation or entry, roughly.
const OVERHEAD: usize = 16;

/// Returns about how many bytes of memory a job uses.
pub(super) fn memory_of(job: &Job) -> usize {
    let bytes = match job {
        Job::Span(span) => span_memory(span),
        Job::Start(session) => start_memory(session),
        Job::Update(patch) => update_memory(patch),
    };
    bytes.saturating_add(size_of::<(u64, usize, Job)>() + OVERHEAD)
}

fn span_memory(span: &Wire) -> usize {
    let status = span
        .status
        .as_ref()
        .map_or(0, |status| text(&status.message));
    let ids = span.trace_id.capacity() + span.span_id.capacity() + span.parent_span_id.capacity();
    size_of::<Wire>() + ids + 3 * OVERHEAD + text(&span.name) + status + pairs(&span.attributes)
}

fn text(text: &String) -> usize {
    text.capacity() + OVERHEAD
}

fn pairs(pairs: &Vec<KeyValue>) -> usize {
    let inner = pairs.iter().map(|pair| {
        let value = pair.value.as_ref().map_or(0, any_memory);
        text(&pair.key).saturating_add(value)
    });
    inner.fold(
        pairs.capacity() * size_of::<KeyValue>() + OVERHEAD,
        usize::saturating_add,
    )
}

/// Returns what a value uses besides its own size, which its holder counts.
fn any_memory(value: &AnyValue) -> usize {
    match &value.value {
        Some(Any::StringValue(string)) => text(string),
        Some(Any::BytesValue(bytes)) => bytes.capacity() + OVERHEAD,
        Some(Any::ArrayValue(array)) => array.values.iter().map(any_memory).fold(
            array.values.capacity() * size_of::<AnyValue>() + OVERHEAD,
            usize::saturating_add,
        ),
        Some(Any::KvlistValue(list)) => pairs(&list.values),
        // The rest holds no memory of its own.
        Some(_) | None => 0,
    }
}

fn start_memory(session: &StartSession) -> usize {
    let texts = [&session.session_name, &session.source, &session.project];
    let texts = texts.into_iter().flatten().map(text);
    let objects = [
        &session.inputs,
        &session.config,
        &session.metadata,
        &session.user_properties,
    ];
    let objects = objects.into_iter().map(object_memory);
    texts
        .chain(objects)
        .fold(size_of::<StartSession>(), usize::saturating_add)
}

fn update_memory(patch: &EventPatch) -> usize {
    let objects = [
        &patch.metadata,
        &patch.feedback,
        &patch.metrics,
        &patch.config,
        &patch.user_properties,
        &patch.outputs,
    ];
    let objects = objects.into_iter().flatten().map(object_memory);
    let project = patch.project.as_ref().map_or(0, text);
    objects.fold(size_of::<EventPatch>() + project, usize::saturating_add)
}

fn object_memory(object: &Object) -> usize {
    let members = object.iter().map(|(name, value)| {
        // The name's own place is in the node.
        json_memory(value).saturating_add(text(name))
    });
    // A node of the map has room for 11 members, of which it may use as few as 5; even one member takes a whole node.
    let node = 11 * (size_of::<String>() + size_of::<Value>()) + 2 * OVERHEAD;
    let nodes = object.len().div_ceil(5).saturating_mul(node);
    members.fold(nodes.saturating_add(OVERHEAD), usize::saturating_add)
}

/// Returns what a value uses besides its own size, which its holder counts.
fn json_memory(value: &Value) -> usize {
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => items.iter().map(json_memory).fold(
            items.capacity() * size_of::<Value>() + OVERHEAD,
            usize::saturating_add,
        ),
        Value::Object(members) => object_memory(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
