//! Stores OTLP traces.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use hh_api::types::{Empty, ExportTracesResponse, PartialSuccess};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use super::large_work::{SMALL, run_blocking_if};
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{Access, ProjectAccess, authorize_project};
use crate::http::body::{self, BufferedBody, Reservation};
use crate::http::error::ApiError;
use crate::limits;
use crate::otlp::{
    Arrival, Encoding, MappedSpan, Received, Rejections, encode_partial_success, receive,
};
use crate::store::{Hold, InsertEvents, NewEvent};

/// Stores the spans of an OTLP export. Nothing is stored unless the key applies to the projects of all spans.
pub(super) async fn export_traces(
    app: &Arc<App>,
    call: Call,
    _: Empty,
) -> Result<Rendered<ExportTracesResponse>, ApiError> {
    let (access, headers) = (&call.access, &call.headers);
    let encoding = Encoding::of(headers).ok_or_else(|| {
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
        let arrival = Arrival {
            time: i64::try_from(with.now().as_nanosecond()).unwrap_or(i64::MAX),
            redact_keys: within.redact_keys,
        };
        let (reservation, received) = decode_body(encoding, held, arrival)?;
        let batches = in_projects(&within, &with, received.spans)?;
        Ok::<_, ApiError>((batches, reservation, received.rejections))
    };
    let (batches, reservation, rejections) = run_blocking_if(app, is_large, read).await??;
    let (insert, memory) = (InsertEvents { batches }, Hold::new(reservation));
    app.store
        .write_holding(&call.access, insert, memory)
        .await?;
    Ok(answer(encoding, &rejections))
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
fn answer(encoding: Encoding, rejections: &Rejections) -> Rendered<ExportTracesResponse> {
    let rejected = rejections.total();
    match encoding {
        Encoding::Json => Rendered::value(&ExportTracesResponse {
            partial_success: (rejected > 0).then(|| PartialSuccess {
                rejected_spans: rejected.to_string(),
                error_message: rejections.message(),
            }),
        }),
        Encoding::Protobuf => {
            let body = match rejected {
                0 => Vec::new(),
                _ => encode_partial_success(rejected, &rejections.message()),
            };
            let mut response = Response::new(Body::from(body));
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
    arrival: Arrival,
) -> Result<(Reservation, Received), ApiError> {
    held.reserve(match encoding {
        Encoding::Json => limits::json(&held.bytes),
        Encoding::Protobuf => limits::protobuf(&held.bytes),
    })?;
    let once = held.reservation.held();
    let received = receive(encoding, &held.bytes, arrival, &mut held.reservation)?;
    let encoded = held.reservation.held().saturating_sub(once);
    drop(held.bytes);
    held.reservation.shrink_to(encoded);
    Ok((held.reservation, received))
}
