use crate::types::{Empty, ExportTracesResponse};

operations! { ($) traces
    /// Stores the spans of an OTLP trace export as events.
    ExportTraces {
        // The server derives ids of events from ids of spans, so a span that is sent twice is stored once.
        need: ingest, retry: otlp, keys: [ingestion, project],
        // The second route is what `OTEL_EXPORTER_OTLP_ENDPOINT` leads to. The server accepts a slash after both.
        routes: [legacy POST "/opentelemetry/v1/traces", v1 POST "/v1/traces"],
        input: Empty, output: ExportTracesResponse,
        body: otlp,
    }
}
