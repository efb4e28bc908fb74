//! What the response to an export says about its spans.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::Value;

/// What the server refused of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rejection {
    /// At most as many spans as were sent.
    pub(super) count: u32,
    /// Why, as the server wrote it.
    pub(super) reason: String,
}

/// Reads what a response says about refused spans; `None` if it is no response of OTLP at all, whatever its status.
///
/// Any number is taken for one between 0 and `sent`: the server may be wrong about it.
pub(super) fn read_rejection(response: &Response<Bytes>, sent: u32) -> Option<Rejection> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if response.body().is_empty() {
        return Some(Rejection::default());
    }
    if kind.eq_ignore_ascii_case("application/json") {
        return of_json(response.body(), sent);
    }
    let response = ExportTraceServiceResponse::decode(response.body().clone()).ok()?;
    let refused = response.partial_success.unwrap_or_default();
    let count = refused.rejected_spans.clamp(0, i64::from(sent));
    Some(Rejection {
        count: u32::try_from(count).unwrap_or_default(),
        reason: refused.error_message,
    })
}

fn of_json(body: &[u8], sent: u32) -> Option<Rejection> {
    let Value::Object(response) = serde_json::from_slice(body).ok()? else {
        return None;
    };
    let refused = response.get("partialSuccess").unwrap_or(&Value::Null);
    // A 64-bit number may be a text.
    let number = &refused["rejectedSpans"];
    let text = || number.as_str()?.parse().ok();
    let number = number.as_f64().or_else(text).unwrap_or_default();
    Some(Rejection {
        count: clamp(number, sent),
        reason: refused["errorMessage"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is in the range of the type, or is none and becomes 0"
)]
fn clamp(number: f64, sent: u32) -> u32 {
    number.clamp(0.0, f64::from(sent)) as u32
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn response(kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
        let response = Response::builder().header(CONTENT_TYPE, kind);
        response.body(body.into()).unwrap()
    }

    fn json_count(number: &Value) -> u32 {
        let body = json!({ "partialSuccess": { "rejectedSpans": number } });
        let response = response("application/json; charset=utf-8", body.to_string());
        read_rejection(&response, 3).unwrap().count
    }

    #[test]
    fn a_count_outside_the_request_is_clamped() {
        for (number, expected) in [
            (json!(2), 2),
            (json!("2"), 2),
            (json!(2.9), 2),
            (json!(i64::MAX), 3),
            (json!(u64::MAX), 3),
            (json!(1e308), 3),
            (json!("inf"), 3),
            (json!("9223372036854775808"), 3),
            (json!(-1), 0),
            (json!(i64::MIN), 0),
            (json!("-1e400"), 0),
            (json!("NaN"), 0),
            (json!("many"), 0),
            (json!(null), 0),
            (json!([1]), 0),
            (json!({ "value": 1 }), 0),
        ] {
            assert_eq!(json_count(&number), expected, "{number}");
        }
    }

    #[test]
    fn members_of_another_type_are_ignored() {
        for body in [
            json!({}),
            json!({ "partialSuccess": null }),
            json!({ "partialSuccess": "no" }),
            json!({ "partialSuccess": { "rejectedSpans": null, "errorMessage": 5 } }),
        ] {
            let response = response("application/json", body.to_string());
            assert_eq!(
                read_rejection(&response, 3),
                Some(Rejection::default()),
                "{body}"
            );
        }
        for body in ["[]", "5", "\"ok\"", "{", "<html>"] {
            assert_eq!(
                read_rejection(&response("application/json", body), 3),
                None,
                "{body}"
            );
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i128>().prop_map(|number| Value::from(number.to_string())),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let name = prop_oneof!["partialSuccess", "rejectedSpans", "errorMessage", ".{0,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(name, inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_refuses_more_than_was_sent(number in any_json(), reason in any_json(), body in any_json(), sent: u32) {
            let whole = json!({ "partialSuccess": { "rejectedSpans": number, "errorMessage": reason } });
            let read = read_rejection(&response("application/json", whole.to_string()), sent);
            prop_assert!(read.unwrap().count <= sent);
            let read = read_rejection(&response("application/json", body.to_string()), sent);
            prop_assert_eq!(read.is_some(), body.is_object());
            prop_assert!(read.unwrap_or_default().count <= sent);
        }

        #[test]
        fn no_protobuf_refuses_more_than_was_sent(rejected_spans: i64, error_message: String, sent: u32) {
            let message = ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess { rejected_spans, error_message: error_message.clone() }),
            };
            let read = read_rejection(&response("application/x-protobuf", message.encode_to_vec()), sent);
            let read = read.unwrap_or_default();
            prop_assert!(i64::from(read.count) == rejected_spans.clamp(0, i64::from(sent)));
            prop_assert_eq!(read.reason, error_message);
        }

        #[test]
        fn any_bytes(body: Vec<u8>, sent: u32) {
            for kind in ["application/json", "application/x-protobuf", "text/html"] {
                let read = read_rejection(&response(kind, body.clone()), sent);
                prop_assert!(read.unwrap_or_default().count <= sent);
            }
        }
    }
}
