//! Decodes a request into the input of its operation.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use hh_api::{BodyKind, DecodeError, DecodeErrorKind, Decoded, MAX_DEPTH, Route};
use http::Uri;
use http::request::Parts;

use super::call::Call;
use super::large_work::{SMALL, run_blocking_if};
use super::operation::{Operation, Reading, Run};
use crate::app::App;
use crate::auth::Access;
use crate::http::body::{self, BufferedBody, Reservation};
use crate::http::connection::ClientConnection;
use crate::http::error::ApiError;
use crate::limits;
use crate::quote::quote;

/// The maximum number of values of an input in a string, which the scan of the body does not count.
const MAX_TEXT_ELEMENTS: usize = 50_000;

/// The size above which an input in a string is parsed on another thread, in bytes.
const LARGE_TEXT: usize = 256 * 1024;

/// Reads the input of a request, with the memory that is reserved for it.
pub(super) async fn read(
    app: &App,
    access: Access,
    operation: &Arc<dyn Operation>,
    route: &'static Route,
    mut parts: Parts,
    body: Body,
) -> Result<(Call, Run), ApiError> {
    let client = parts.extensions.remove::<ClientConnection>();
    let mut call = Call {
        client: client.unwrap_or_default(),
        dialect: route.dialect,
        headers: parts.headers,
        reservation: app.in_flight.reservation(access.record().family),
        body: Body::empty(),
        access,
    };
    let run = match route.body {
        BodyKind::None => decoded_members(operation.decode(route, &parts.uri, b""))?,
        BodyKind::Otlp => {
            call.body = body;
            decoded_members(operation.decode(route, &parts.uri, b""))?
        }
        BodyKind::Json | BodyKind::Optional => {
            let held = body::read(app, &call.access, &call.headers, body).await?;
            let is_large = held.bytes.len() > SMALL;
            let shared = Arc::clone(operation);
            let work = move || decode(&*shared, route, &parts.uri, held);
            let (decoded, mut reservation) = run_blocking_if(app, is_large, work).await??;
            let run = match decoded {
                Decoded::Value(run) => run,
                Decoded::Text(text) => {
                    read_text(app, operation, &mut reservation, route, text).await?
                }
            };
            call.reservation = reservation;
            run
        }
    };
    Ok((call, run))
}

/// Returns an input that is not in a body.
pub(super) fn decoded_members<T>(decoded: Result<Decoded<T>, DecodeError>) -> Result<T, ApiError> {
    match decoded {
        Ok(Decoded::Value(input)) => Ok(input),
        // Only a body can contain an input in a string.
        Ok(Decoded::Text(_)) => Err(ApiError::internal()),
        Err(error) => Err(invalid(&error)),
    }
}

fn decode(
    operation: &dyn Operation,
    route: &Route,
    uri: &Uri,
    mut held: BufferedBody,
) -> Result<(Decoded<Run>, Reservation), ApiError> {
    let shape = limits::json(&held.bytes);
    let reading = operation.reading();
    // The depth of each item of a batch is checked when it is decoded.
    if shape.depth > MAX_DEPTH && reading != Reading::Batch {
        return Err(ApiError::invalid(format!(
            "the body is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    held.reserve_values(shape)?;
    if reading != Reading::Strict {
        held.reserve_replaced_text()?;
    }
    let decoded = operation.decode(route, uri, &held.bytes);
    let decoded = decoded.map_err(|error| invalid(&error))?;
    Ok((decoded, held.reservation))
}

/// Parses an input in a string.
async fn read_text(
    app: &App,
    operation: &Arc<dyn Operation>,
    reservation: &mut Reservation,
    route: &'static Route,
    text: String,
) -> Result<Run, ApiError> {
    let name = route.wrapper.unwrap_or_default();
    let shape = limits::json(text.as_bytes());
    if shape.depth > MAX_DEPTH || shape.elements > MAX_TEXT_ELEMENTS {
        let message = format!("the {name} is nested too deeply or has too many values");
        return Err(ApiError::invalid(message));
    }
    reservation.unpack(shape)?;
    let is_large = text.len() > LARGE_TEXT;
    let shared = Arc::clone(operation);
    let work = move || shared.decode_text(route, &text);
    // The text of the error may quote the input, so the response does not contain it.
    let decoded = run_blocking_if(app, is_large, work).await?;
    decoded.map_err(|_| ApiError::invalid(format!("the {name} is not valid JSON")))
}

/// Returns the error of a request that cannot be decoded. It quotes names of the request, but no values.
fn invalid(error: &DecodeError) -> ApiError {
    let what = describe(&error.kind);
    let mut message = match (what, error.place) {
        (None, _) => "the body is not valid JSON".to_owned(),
        (Some(what), None) => what,
        (Some(what), Some(_)) => format!("invalid body: {what}"),
    };
    if let Some((line, column)) = error.place {
        // Writing to a string cannot fail.
        let _ = write!(message, " (line {line}, column {column})");
    }
    ApiError::invalid(message)
}

/// Describes an error in a request or in an item of it; returns `None` for invalid JSON, which concerns the whole body.
///
/// The text contains names of the request, but no values.
pub(super) fn describe(kind: &DecodeErrorKind) -> Option<String> {
    match kind {
        DecodeErrorKind::Syntax => None,
        DecodeErrorKind::UnknownMember { name, expected } => Some(format!(
            "unknown field \"{}\", {}",
            quote(name),
            one_of(expected)
        )),
        DecodeErrorKind::MissingMember(name) => Some(format!("missing field \"{name}\"")),
        DecodeErrorKind::Rule { member, rule } => Some(format!("{} must be {rule}", quote(member))),
        DecodeErrorKind::WrongType => Some("a value has the wrong type".to_owned()),
        DecodeErrorKind::WrongMember(name) => Some(format!(
            "the value of \"{}\" has the wrong type",
            quote(name)
        )),
        DecodeErrorKind::TooDeep => Some(format!(
            "a value is nested deeper than {MAX_DEPTH} levels of the body"
        )),
    }
}

/// Lists the names that are expected instead of an unknown one.
fn one_of(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match names.as_slice() {
        [] => "expected no fields".to_owned(),
        [one] => format!("expected {one}"),
        [one, two] => format!("expected {one} or {two}"),
        many => format!("expected one of {}", many.join(", ")),
    }
}
