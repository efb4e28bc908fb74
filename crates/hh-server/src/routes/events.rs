use std::fmt;

use axum::body::Body;
use hh_api::limit_name;
use hh_api::types::{
    EventKind, EventList, EventPatch, ExportEvents, Filter, StartSession, Updated,
};
use http::{Request, Response};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::{MAX_DEPTH, aside, read_json};
use crate::access::Access;
use crate::app::App;
use crate::budget::Reservation;
use crate::connection::ClientConnection;
use crate::domain::event_limits::limit_start;
use crate::error::{ApiError, json, json_bytes};
use crate::otlp::session_id;
use crate::response_budget::PageReservation;
use crate::shape;
use crate::store::{Body as Stored, EventQuery, NewSession, Rights, UNNAMED, from_millis};

const USUAL_LIMIT: u32 = 1000;
const MAX_LIMIT: u32 = 7500;

#[derive(Deserialize)]
struct Wrapped {
    session: ObjectOrText,
}

/// A session, or one as JSON in a string, as older clients send it.
enum ObjectOrText {
    Object(Box<StartSession>),
    Text(String),
}

impl<'de> Deserialize<'de> for ObjectOrText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectOrTextVisitor)
    }
}

struct ObjectOrTextVisitor;

impl<'de> Visitor<'de> for ObjectOrTextVisitor {
    type Value = ObjectOrText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a session")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let session = StartSession::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ObjectOrText::Object(Box::new(session)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(ObjectOrText::Text(text.to_owned()))
    }
}

/// The values of a session in a string, which the scan of the body did not see.
const MAX_TEXT_ELEMENTS: usize = 50_000;

/// Reads a session out of a string.
async fn unpack(
    app: &App,
    hold: &mut Reservation,
    session: ObjectOrText,
) -> Result<StartSession, ApiError> {
    let text = match session {
        ObjectOrText::Object(session) => return Ok(*session),
        ObjectOrText::Text(text) => text,
    };
    let shape = shape::json(text.as_bytes());
    if shape.depth > MAX_DEPTH || shape.elements > MAX_TEXT_ELEMENTS {
        return Err(ApiError::invalid("the session is too deep or too large"));
    }
    hold.unpack(shape)?;
    let is_large = text.len() > LARGE_SESSION;
    // What serde says may quote the session.
    let parsed = aside(app, is_large, move || serde_json::from_str(&text)).await?;
    parsed.map_err(|_| ApiError::invalid("the session is not one in JSON"))
}

/// What a request reserves above this is encoded on another thread.
const LARGE_SESSION: usize = 256 * 1024;

/// Starts a session, or merges into the one that has its id.
pub(crate) async fn start_session(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (Wrapped { session }, mut hold) = read_json(app, access, request).await?;
    let session = unpack(app, &mut hold, session).await?;
    let project = access.project(&app.store, session.project.as_deref())?;
    let id = match session.session_id.as_deref().unwrap_or("") {
        "" => Uuid::new_v4(),
        text => session_id(project.id(), text),
    };
    let now = i64::try_from(access.now().as_nanosecond()).unwrap_or(i64::MAX);
    let mut started = match session.start_time {
        Some(millis) if millis > 0.0 => from_millis(millis),
        _ => now,
    };
    let unknown = || UNNAMED.to_owned();
    let name = limit_name(session.session_name.unwrap_or_else(unknown));
    let mut body = Stored {
        source: session.source.unwrap_or_else(unknown),
        inputs: session.inputs,
        config: session.config,
        metadata: session.metadata,
        user_properties: session.user_properties,
        ..Stored::default()
    };
    let mut ended = started;
    limit_start(&mut started, &mut ended, &mut body.metadata, now);
    let is_large = hold.held() > LARGE_SESSION;
    let (body, encoded) = aside(app, is_large, move || {
        let encoded = body.encode();
        (body, encoded)
    })
    .await?;
    let encoded = encoded?;
    hold.store(encoded.len())?;
    let new = NewSession {
        id,
        name,
        started,
        body,
        encoded,
    };
    let rights = Rights::new(access.record().grant.level, &project);
    let event = app.store.start_session(&project, rights, new, hold).await?;
    let meta = app.store.catalog().meta();
    // The members of the event follow the ids in one object, without its values in memory again.
    let ids = serde_json::json!({ "org_id": meta.org_id, "workspace_id": meta.workspace_id });
    let mut response = ids.to_string().into_bytes();
    response.pop();
    response.push(b',');
    response.extend_from_slice(event.get(1..).unwrap_or_default());
    Ok(json_bytes(response))
}

/// Merges into an event or a session.
pub(crate) async fn update_event(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (patch, hold) = read_json::<EventPatch>(app, access, request).await?;
    let project = access.project(&app.store, patch.project.as_deref())?;
    let rights = Rights::new(access.record().grant.level, &project);
    app.store
        .update_event(&project, rights, patch, hold)
        .await?;
    Ok(json(&Updated { success: true }))
}

/// Reads a page of events.
pub(crate) async fn export_events(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let client = request.extensions().get::<ClientConnection>().cloned();
    let (wanted, hold) = read_json::<ExportEvents>(app, access, request).await?;
    let project = access.project(&app.store, wanted.project.as_deref())?;
    let Some(query) = query_of(&wanted, project.id())? else {
        return Ok(json(&EventList::default()));
    };
    // A query may wait for a connection: the request's share of the memory must not.
    drop((wanted, hold));
    let room = PageReservation::new(app, access).await?;
    let client = client.unwrap_or_default();
    let page = tokio::select! {
        page = app.store.events(&project, query) => page?,
        // Dropping the query stops it; nobody reads the error.
        () = client.closed() => return Err(ApiError::unavailable("the client closed the connection")),
    };
    room.hold(access, json_bytes(page)).await
}

/// Reads what a request asks for; `None` if its filters contradict each other, so that nothing can match.
fn query_of(
    wanted: &ExportEvents,
    project: hh_auth::ProjectId,
) -> Result<Option<EventQuery>, ApiError> {
    // Ignoring it would answer with events that nobody asked for.
    if wanted.date_range.is_some() {
        return Err(ApiError::invalid("this server does not take dateRange yet"));
    }
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::invalid(format!("limit must be 1 to {MAX_LIMIT}")));
    }
    let page = wanted.page.unwrap_or(1);
    let mut query = EventQuery {
        session: None,
        kind: None,
        limit,
        page: page
            .checked_sub(1)
            .ok_or_else(|| ApiError::invalid("page counts from 1"))?,
    };
    let mut can_match = true;
    for filter in &wanted.filters {
        can_match &= narrow(&mut query, project, filter)?;
    }
    Ok(can_match.then_some(query))
}

/// Adds a condition; false if it contradicts an earlier one, so that nothing can match.
fn narrow(
    query: &mut EventQuery,
    project: hh_auth::ProjectId,
    filter: &Filter,
) -> Result<bool, ApiError> {
    let value = filter
        .value
        .as_str()
        .ok_or_else(|| ApiError::invalid("the value of a filter must be a string here"))?;
    match filter.field.as_str() {
        "session_id" => {
            let id = session_id(project, value);
            Ok(query.session.replace(id).is_none_or(|old| old == id))
        }
        "event_type" => {
            let kind = EventKind::find(value).ok_or_else(|| {
                let names = EventKind::ALL.map(EventKind::as_str).join(", ");
                ApiError::invalid(format!("event_type must be one of {names}"))
            })?;
            Ok(query.kind.replace(kind).is_none_or(|old| old == kind))
        }
        _ => Err(ApiError::invalid(
            "this server filters by session_id and event_type only, with the operator \"is\"",
        )),
    }
}
