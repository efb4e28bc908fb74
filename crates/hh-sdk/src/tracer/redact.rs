//! No key leaves inside telemetry: a span that holds the configuration or an error's text must not give it away.

use std::borrow::Cow;

use hh_auth::ApiKey;
use hh_transport::{clean, redact_keys};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// The keys in use; in test mode there need be none.
pub(super) struct Own(pub(super) Vec<ApiKey>);

impl Own {
    pub(super) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        redact_keys(text, &self.keys())
    }

    /// Makes text of a server safe to show.
    pub(super) fn clean(&self, text: &str) -> String {
        clean(text, &self.keys())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the keys are compared with text, to take them out of it"
    )]
    fn keys(&self) -> Vec<&str> {
        let keys = self.0.iter().map(|key| key.secret().expose_secret());
        keys.collect()
    }

    fn redact_in_place(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact(text) {
            *text = redacted;
        }
    }
}

/// Takes keys out of a span: its name, attributes and error.
pub(super) fn redact_span(span: &mut Wire, own: &Own) {
    own.redact_in_place(&mut span.name);
    redact_pairs(&mut span.attributes, own);
    if let Some(status) = &mut span.status {
        own.redact_in_place(&mut status.message);
    }
}

fn redact_pairs(pairs: &mut [KeyValue], own: &Own) {
    for pair in pairs {
        own.redact_in_place(&mut pair.key);
        redact_any(pair.value.as_mut(), own);
    }
}

fn redact_any(value: Option<&mut AnyValue>, own: &Own) {
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
pub(super) fn redact_json(value: &mut Value, own: &Own) {
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
