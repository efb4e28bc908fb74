//! No key leaves inside telemetry: a span that holds the configuration or an error's text must not give it away.

use std::borrow::Cow;

use hh_auth::ApiKey;
use hh_transport::redact_keys;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// The key in use.
pub(super) struct Own<'a>(Option<&'a ApiKey>);

impl<'a> Own<'a> {
    pub(super) fn of(key: &'a ApiKey) -> Self {
        Self(Some(key))
    }

    /// In test mode there need be no key.
    pub(super) fn none() -> Self {
        Self(None)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the key is compared with what goes out, to take it out"
    )]
    pub(super) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.0 {
            Some(key) => redact_keys(text, &[key.secret().expose_secret()]),
            None => redact_keys(text, &[]),
        }
    }

    fn redact_in_place(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact(text) {
            *text = redacted;
        }
    }
}

/// Takes keys out of a span: its name, attributes and error.
pub(super) fn redact_span(span: &mut Wire, own: &Own<'_>) {
    own.redact_in_place(&mut span.name);
    redact_pairs(&mut span.attributes, own);
    if let Some(status) = &mut span.status {
        own.redact_in_place(&mut status.message);
    }
}

fn redact_pairs(pairs: &mut [KeyValue], own: &Own<'_>) {
    for pair in pairs {
        own.redact_in_place(&mut pair.key);
        redact_any(pair.value.as_mut(), own);
    }
}

fn redact_any(value: Option<&mut AnyValue>, own: &Own<'_>) {
    match value.and_then(|value| value.value.as_mut()) {
        Some(Any::StringValue(text)) => own.redact_in_place(text),
        Some(Any::ArrayValue(array)) => {
            for item in &mut array.values {
                redact_any(Some(item), own);
            }
        }
        Some(Any::KvlistValue(list)) => redact_pairs(&mut list.values, own),
        // The tracer makes no others that hold text.
        Some(_) | None => {}
    }
}

/// Takes keys out of all texts and names of a JSON value.
pub(super) fn redact_json(value: &mut Value, own: &Own<'_>) {
    match value {
        Value::String(text) => own.redact_in_place(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_json(item, own)),
        Value::Object(members) => {
            let old = std::mem::take(members);
            for (mut name, mut member) in old {
                own.redact_in_place(&mut name);
                redact_json(&mut member, own);
                members.insert(name, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
