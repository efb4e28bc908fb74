//! The two encodings of an export request, and the dialects of its JSON (see `docs/design/wire.md`, section 6).

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event as SpanEvent;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use serde::{Deserialize, Deserializer};

use crate::hex;
use crate::http::error::ApiError;

/// How the request is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// Finds the encoding of a `Content-Type`.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next()?.trim();
        match name.to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Decodes an export request. Both parsers stop at about 100 levels of nesting.
pub(crate) fn decode(
    encoding: Encoding,
    body: &[u8],
) -> Result<ExportTraceServiceRequest, ApiError> {
    match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body)
            .map_err(|_| ApiError::invalid("the body is not an OTLP trace export in protobuf")),
        Encoding::Json => serde_json::from_slice::<JsonRequest>(body)
            .map(JsonRequest::into_proto)
            .map_err(|error| {
                // The text of the error may quote the body; its place does not.
                ApiError::invalid(format!(
                    "the body is not an OTLP trace export in JSON (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            }),
    }
}

/// Reads null as the default: Python sends `"parentSpanId": null`.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonRequest {
    #[serde(default, deserialize_with = "nullable")]
    resource_spans: Vec<JsonResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonResourceSpans {
    #[serde(default, deserialize_with = "nullable")]
    resource: JsonResource,
    #[serde(default, deserialize_with = "nullable")]
    scope_spans: Vec<JsonScopeSpans>,
}

#[derive(Default, Deserialize)]
struct JsonResource {
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
}

#[derive(Deserialize)]
struct JsonScopeSpans {
    #[serde(default, deserialize_with = "nullable")]
    scope: JsonScope,
    #[serde(default, deserialize_with = "nullable")]
    spans: Vec<JsonSpan>,
}

#[derive(Default, Deserialize)]
struct JsonScope {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    #[serde(default, deserialize_with = "nullable")]
    trace_id: String,
    #[serde(default, deserialize_with = "nullable")]
    span_id: String,
    #[serde(default, deserialize_with = "nullable")]
    parent_span_id: String,
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    start_time_unix_nano: JsonInteger,
    #[serde(default, deserialize_with = "nullable")]
    end_time_unix_nano: JsonInteger,
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<JsonSpanEvent>,
    #[serde(default, deserialize_with = "nullable")]
    status: JsonStatus,
}

#[derive(Deserialize)]
struct JsonSpanEvent {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<JsonKeyValue>,
}

#[derive(Default, Deserialize)]
struct JsonStatus {
    #[serde(default, deserialize_with = "nullable")]
    message: String,
    #[serde(default, deserialize_with = "nullable")]
    code: JsonStatusCode,
}

/// A status code by number or by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonStatusCode {
    Number(i32),
    Name(String),
}

impl Default for JsonStatusCode {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// A 64-bit integer as a string, as the specification has it, or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonInteger {
    Number(i64),
    /// Times are unsigned.
    Large(u64),
    Text(String),
}

impl Default for JsonInteger {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl JsonInteger {
    fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Large(number) => i64::try_from(*number).unwrap_or(i64::MAX),
            Self::Text(text) => text.trim().parse().unwrap_or(0),
        }
    }
}

/// A float as a number, or as the string that not-a-number and the infinities are.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonFloat {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct JsonKeyValue {
    #[serde(default, deserialize_with = "nullable")]
    key: String,
    #[serde(default, deserialize_with = "nullable")]
    value: JsonAny,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct JsonAny {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<JsonInteger>,
    double_value: Option<JsonFloat>,
    array_value: Option<JsonValues<JsonAny>>,
    kvlist_value: Option<JsonValues<JsonKeyValue>>,
    bytes_value: Option<String>,
}

#[derive(Deserialize)]
struct JsonValues<T> {
    #[serde(
        default = "Vec::new",
        deserialize_with = "nullable",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    values: Vec<T>,
}

impl JsonRequest {
    fn into_proto(self) -> ExportTraceServiceRequest {
        let resource_spans = self.resource_spans.into_iter().map(|group| ResourceSpans {
            resource: Some(Resource {
                attributes: key_values(group.resource.attributes),
                ..Resource::default()
            }),
            scope_spans: group
                .scope_spans
                .into_iter()
                .map(|scoped| ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name: scoped.scope.name,
                        ..InstrumentationScope::default()
                    }),
                    spans: scoped.spans.into_iter().map(JsonSpan::into_proto).collect(),
                    ..ScopeSpans::default()
                })
                .collect(),
            ..ResourceSpans::default()
        });
        ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        }
    }
}

impl JsonSpan {
    fn into_proto(self) -> Span {
        let code = match self.status.code {
            JsonStatusCode::Number(number) => number,
            JsonStatusCode::Name(name) => match name.as_str() {
                "STATUS_CODE_OK" => 1,
                "STATUS_CODE_ERROR" => 2,
                _ => 0,
            },
        };
        Span {
            trace_id: unhex(&self.trace_id),
            span_id: unhex(&self.span_id),
            parent_span_id: unhex(&self.parent_span_id),
            name: self.name,
            start_time_unix_nano: self.start_time_unix_nano.value().unsigned_abs(),
            end_time_unix_nano: self.end_time_unix_nano.value().unsigned_abs(),
            attributes: key_values(self.attributes),
            events: self
                .events
                .into_iter()
                .map(|event| SpanEvent {
                    name: event.name,
                    attributes: key_values(event.attributes),
                    ..SpanEvent::default()
                })
                .collect(),
            status: Some(Status {
                message: self.status.message,
                code,
            }),
            ..Span::default()
        }
    }
}

fn key_values(pairs: Vec<JsonKeyValue>) -> Vec<KeyValue> {
    pairs
        .into_iter()
        .map(|pair| KeyValue {
            key: pair.key,
            value: Some(AnyValue {
                value: pair.value.into_any(),
            }),
            ..KeyValue::default()
        })
        .collect()
}

impl JsonAny {
    fn into_any(self) -> Option<Any> {
        if let Some(text) = self.string_value.or(self.bytes_value) {
            return Some(Any::StringValue(text));
        }
        if let Some(flag) = self.bool_value {
            return Some(Any::BoolValue(flag));
        }
        if let Some(number) = self.int_value {
            return Some(Any::IntValue(number.value()));
        }
        if let Some(number) = self.double_value {
            return Some(match number {
                JsonFloat::Number(number) => Any::DoubleValue(number),
                JsonFloat::Text(text) => Any::StringValue(text),
            });
        }
        if let Some(array) = self.array_value {
            let values = array.values.into_iter().map(|value| AnyValue {
                value: value.into_any(),
            });
            return Some(Any::ArrayValue(ArrayValue {
                values: values.collect(),
            }));
        }
        self.kvlist_value.map(|list| {
            Any::KvlistValue(KeyValueList {
                values: key_values(list.values),
            })
        })
    }
}

/// Decodes hex; anything else is empty, as an id that is not there.
fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_default()
}
