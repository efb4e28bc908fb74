//! Ids of spans in JSON are pairs of hexadecimal digits.

use serde_json::json;

use super::support::{TRACES, TestServer};

#[tokio::test]
async fn ids_of_spans_with_signs_or_an_odd_length_are_invalid() {
    let server = TestServer::start().await;
    let (trace, span) = ("07".repeat(16), "01".repeat(8));
    let ids = [
        ("+7".repeat(16), span.clone()),
        ("-7".repeat(16), span.clone()),
        (format!("{}7", "07".repeat(15)), span.clone()),
        (format!("{trace}7"), span.clone()),
        (trace.clone(), "+1".repeat(8)),
        (trace.clone(), format!("{}1", "01".repeat(7))),
        (trace.clone(), format!("0x{}", "01".repeat(7))),
        (trace.to_uppercase(), span.replace("01", "fA")),
    ];
    let spans: Vec<_> = ids
        .iter()
        .map(|(trace, span)| json!({"traceId": trace, "spanId": span, "name": "span"}))
        .collect();
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    let answer = server.admin().post(TRACES, &body).await.assert_ok();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "7");
}
