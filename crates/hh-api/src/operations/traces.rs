use crate::types::{Empty, ExportTracesResponse};

operations! { ($) traces
    /// Stores the spans of an OTLP trace export as events.
    ExportTraces {
        // The server derives ids of events from ids of spans, so a span that is sent twice is stored once.
        need: ingest, retry: otlp, keys: [ingestion, project],
        routes: [legacy POST "/opentelemetry/v1/traces"],
        input: Empty, output: ExportTracesResponse,
        body: otlp,
    }
}
