//! Handles the operations on events.

use hh_api::types::{EventKind, EventList, EventPatch, ExportEvents, Filter, Updated};

use super::{Call, Rendered};
use crate::app::App;
use crate::auth::authorize_project;
use crate::domain::events::Rights;
use crate::http::error::{ApiError, json_bytes};
use crate::http::response_budget::PageReservation;
use crate::otlp::session_id;
use crate::store::{Hold, PageStart, ReadEvents, UpdateEvent};

const USUAL_LIMIT: u32 = 1000;
const MAX_LIMIT: u32 = 7500;

/// Merges a change into an event or a session.
pub(super) async fn update_event(
    app: &App,
    call: Call,
    patch: EventPatch,
) -> Result<Updated, ApiError> {
    let (access, hold) = (&call.access, call.reservation);
    let project = authorize_project(&app.store, access, patch.project.as_deref())?;
    let rights = Rights::new(access.record().grant.level, project.family());
    let update = UpdateEvent { rights, patch };
    let hold = Hold::new(hold);
    app.store.write_holding(&project, update, hold).await?;
    Ok(Updated { success: true })
}

/// Reads a page of events.
pub(super) async fn export_events(
    app: &App,
    call: Call,
    wanted: ExportEvents,
) -> Result<Rendered<EventList>, ApiError> {
    let (access, client) = (&call.access, call.client);
    let project = authorize_project(&app.store, access, wanted.project.as_deref())?;
    let Some(query) = query_of(&wanted, project.id())? else {
        return Ok(Rendered::value(&EventList::default()));
    };
    // The query may wait for a database connection, so the memory of the request is freed first.
    drop((wanted, call.reservation));
    let room = PageReservation::new(app, access).await?;
    let page = tokio::select! {
        page = app.store.read(&project, query) => page?,
        // The query is dropped, which stops it. No client receives the error.
        () = client.closed() => return Err(ApiError::unavailable("the client closed the connection")),
    };
    let response = room.hold(access, json_bytes(page.json)).await?;
    Ok(Rendered::response(response))
}

/// Returns the query of a request, or `None` if no event can match because the filters contradict each other.
fn query_of(
    wanted: &ExportEvents,
    project: hh_auth::ProjectId,
) -> Result<Option<ReadEvents>, ApiError> {
    // If the range were ignored, the response would contain events outside of it.
    if wanted.date_range.is_some() {
        return Err(ApiError::invalid("dateRange is not supported"));
    }
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::invalid(format!(
            "limit must be between 1 and {MAX_LIMIT}"
        )));
    }
    let page = wanted.page.unwrap_or(1);
    let page = page
        .checked_sub(1)
        .ok_or_else(|| ApiError::invalid("page must be at least 1"))?;
    let mut query = ReadEvents {
        limit,
        start: PageStart::Number(page),
        ..ReadEvents::default()
    };
    let mut can_match = true;
    for filter in &wanted.filters {
        can_match &= apply_filter(&mut query, project, filter)?;
    }
    Ok(can_match.then_some(query))
}

/// Adds a filter to a query. Returns false if no event can match because the filter contradicts an earlier one.
fn apply_filter(
    query: &mut ReadEvents,
    project: hh_auth::ProjectId,
    filter: &Filter,
) -> Result<bool, ApiError> {
    let value = filter
        .value
        .as_str()
        .ok_or_else(|| ApiError::invalid("the value of a filter must be a string"))?;
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
            "unsupported filter; use the fields session_id and event_type with the operator \"is\"",
        )),
    }
}
