//! Stores OTLP traces.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use hh_api::types::{Empty, ExportTracesResponse, PartialSuccess};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;

use super::large_work::{SMALL, run_blocking_if};
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{Access, ProjectAccess, authorize_project};
use crate::http::body::{self, BufferedBody, Reservation};
use crate::http::error::ApiError;
use crate::limits;
use crate::otlp::{Encoding, MappedSpan, decode, map};
use crate::store::{Hold, InsertEvents, NewEvent};

/// Stores the spans of an OTLP export. Nothing is stored unless the key applies to the projects of all spans.
pub(super) async fn export_traces(
    app: &Arc<App>,
    call: Call,
    _: Empty,
) -> Result<Rendered<ExportTracesResponse>, ApiError> {
    let (access, headers) = (&call.access, &call.headers);
    let encoding = headers
        .get(CONTENT_TYPE)
        .and_then(|value| Encoding::of(value.to_str().ok()?))
        .ok_or_else(|| {
            ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_TYPE",
                "Content-Type must be application/x-protobuf or application/json",
            )
        })?;
    let mut held = body::read(app, access, headers, call.body).await?;
    if let Some(encoding) = headers.get(CONTENT_ENCODING).cloned() {
        held = app.inflation.run(move || held.inflate(&encoding)).await??;
    }
    let is_large = held.bytes.len() > SMALL;
    let (within, with) = (Arc::clone(app), access.clone());
    let read = move || {
        let arrived = i64::try_from(with.now().as_nanosecond()).unwrap_or(i64::MAX);
        let (reservation, (spans, rejected)) = decode_body(encoding, held, arrived)?;
        let batches = in_projects(&within, &with, spans)?;
        Ok::<_, ApiError>((batches, reservation, rejected))
    };
    let (batches, reservation, rejected) = run_blocking_if(app, is_large, read).await??;
    let (insert, memory) = (InsertEvents { batches }, Hold::new(reservation));
    app.store
        .write_holding(&call.access, insert, memory)
        .await?;
    Ok(answer(encoding, rejected))
}

type Batches = Vec<(ProjectAccess, Vec<NewEvent>)>;

/// Maps spans to events, grouped by the project that they name.
fn in_projects(app: &App, access: &Access, spans: Vec<MappedSpan>) -> Result<Batches, ApiError> {
    let mut by_name = BTreeMap::new();
    for span in spans {
        by_name
            .entry(span.project.clone())
            .or_insert_with(Vec::new)
            .push(span);
    }
    by_name
        .into_iter()
        .map(|(name, spans)| {
            let project = authorize_project(&app.store, access, name.as_deref())?;
            let spans = spans.into_iter();
            let events = spans.map(|span| span.in_project(project.id())).collect();
            Ok((project, events))
        })
        .collect()
}

/// Returns the response, with the number of rejected spans if there are any. Clients must not resend them (OTLP,
/// partial success).
fn answer(encoding: Encoding, rejected: u32) -> Rendered<ExportTracesResponse> {
    const MESSAGE: &str = "a trace id must have 16 bytes and a span id 8 bytes";
    match encoding {
        Encoding::Json => Rendered::value(&ExportTracesResponse {
            partial_success: (rejected > 0).then(|| PartialSuccess {
                rejected_spans: rejected.to_string(),
                error_message: MESSAGE.to_owned(),
            }),
        }),
        Encoding::Protobuf => {
            let partial = (rejected > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: rejected.into(),
                error_message: MESSAGE.to_owned(),
            });
            let message = ExportTraceServiceResponse {
                partial_success: partial,
            };
            let mut response = Response::new(Body::from(message.encode_to_vec()));
            let kind = HeaderValue::from_static("application/x-protobuf");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Rendered::response(response)
        }
    }
}

/// Decodes and maps the spans of a body. The returned reservation covers the encoded spans.
fn decode_body(
    encoding: Encoding,
    mut held: BufferedBody,
    arrived: i64,
) -> Result<(Reservation, (Vec<MappedSpan>, u32)), ApiError> {
    held.reserve(match encoding {
        Encoding::Json => limits::json(&held.bytes),
        Encoding::Protobuf => limits::protobuf(&held.bytes),
    })?;
    let bytes = std::mem::take(&mut held.bytes);
    // During decoding, memory contains the texts twice. The number of workers limits this additional memory. After
    // decoding, the reservation covers the texts.
    let request = decode(encoding, &bytes)?;
    drop(bytes);
    let once = held.reservation.held();
    let spans = map(request, arrived, &mut held.reservation)?;
    let encoded = held.reservation.held().saturating_sub(once);
    held.reservation.shrink_to(encoded);
    Ok((held.reservation, spans))
}
