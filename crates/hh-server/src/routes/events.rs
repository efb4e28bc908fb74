//! Reads and updates events.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use hh_api::Dialect;
use hh_api::types::{
    EventEnvelope, EventList, EventPatch, EventRef, EventSchema, ExportEvents, Filter,
    GetEventSchema, Operator, SearchEvents, Updated,
};
use serde_json::Value;
use uuid::Uuid;

use super::large_work::{SMALL, run_blocking_if};
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{ProjectAccess, authorize_named, authorize_project};
use crate::domain::event_limits::latest_end;
use crate::domain::event_schema::fields_of;
use crate::domain::event_view::EventView;
use crate::domain::events::Rights;
use crate::domain::filter::{self, parse_repr};
use crate::http::connection::ClientConnection;
use crate::http::error::{ApiError, json_bytes};
use crate::http::response_budget::{PageReservation, Parts};
use crate::otlp::session_id;
use crate::redact::redact_patch;
use crate::store::{GetEvent, Hold, Page, PageStart, Position, ReadEvents, ReadRest, UpdateEvent};

const USUAL_LIMIT: u32 = 1000;
/// The maximum limit of an export.
const MAX_EXPORT: u32 = 7500;
/// The maximum limit of a search.
const MAX_SEARCH: u32 = 1000;

/// Merges a change into an event or a session.
pub(super) async fn update_event(
    app: &App,
    call: Call,
    mut patch: EventPatch,
) -> Result<Updated, ApiError> {
    if app.redact_keys {
        redact_patch(&mut patch);
    }
    let (access, hold) = (&call.access, call.reservation);
    let project = authorize_project(&app.store, access, patch.project.as_deref())?;
    let rights = Rights::new(access.record().grant.level, project.family());
    let now = i64::try_from(access.now().as_nanosecond()).unwrap_or(i64::MAX);
    let update = UpdateEvent {
        rights,
        patch,
        latest_end: latest_end(now),
    };
    let hold = Hold::new(hold);
    app.store.write_holding(&project, update, hold).await?;
    Ok(Updated { success: true })
}

/// Reads a page of events.
pub(super) async fn export_events(
    app: &Arc<App>,
    call: Call,
    wanted: ExportEvents,
) -> Result<Rendered<EventList>, ApiError> {
    let project = authorize_project(&app.store, &call.access, wanted.project.as_deref())?;
    let view = EventView::new(wanted.projections, call.dialect == Dialect::Legacy)?;
    let wanted = Wanted {
        filters: wanted.filters,
        range: wanted.date_range,
        evaluation: wanted.evaluation_id,
        limit: limit(wanted.limit, MAX_EXPORT)?,
        page: wanted.page,
        cursor: wanted.cursor,
    };
    read_page(app, call, &project, wanted, view).await
}

/// Reads a page of events without projections.
pub(super) async fn search_events(
    app: &Arc<App>,
    call: Call,
    wanted: SearchEvents,
) -> Result<Rendered<EventList>, ApiError> {
    let (id, name) = (wanted.project_id.as_deref(), wanted.project.as_deref());
    let project = authorize_named(&app.store, &call.access, id, name)?;
    let wanted = Wanted {
        filters: wanted.filters,
        range: wanted.date_range,
        evaluation: wanted.evaluation_id,
        limit: limit(wanted.limit, MAX_SEARCH)?,
        page: wanted.page,
        cursor: wanted.cursor,
    };
    read_page(app, call, &project, wanted, EventView::default()).await
}

/// Reads one event.
pub(super) async fn get_event(
    app: &App,
    call: Call,
    wanted: EventRef,
) -> Result<Rendered<EventEnvelope>, ApiError> {
    let (id, name) = (wanted.project_id.as_deref(), wanted.project.as_deref());
    let project = authorize_named(&app.store, &call.access, id, name)?;
    let id = Uuid::try_parse(&wanted.event_id)
        .map_err(|_| ApiError::invalid("event_id must be a UUID"))?;
    let event = app.store.read(&project, GetEvent { id }).await?;
    let mut response = b"{\"event\":".to_vec();
    response.extend(event);
    response.push(b'}');
    Ok(Rendered::json(response))
}

/// Returns the fields of the latest events.
pub(super) async fn get_event_schema(
    app: &App,
    call: Call,
    wanted: GetEventSchema,
) -> Result<EventSchema, ApiError> {
    let project = authorize_project(&app.store, &call.access, wanted.project.as_deref())?;
    let range = wanted.date_range.filter(|text| !text.is_empty());
    let wanted = Wanted {
        filters: Vec::new(),
        range: range.map(|text| parse_repr(&text)).transpose()?,
        evaluation: wanted.evaluation_id,
        limit: USUAL_LIMIT,
        page: None,
        cursor: None,
    };
    let Some(query) = query_of(wanted, &project)? else {
        return Ok(EventSchema::default());
    };
    // The page is memory of the server until its fields are collected.
    let _room = PageReservation::new(app, &call.access).await?;
    let page = run_query(app, &call.client, &project, query).await?;
    let fields = run_blocking_if(app, true, move || fields_of(&page.json)).await?;
    Ok(EventSchema {
        fields: fields.ok_or_else(ApiError::internal)?,
        ..EventSchema::default()
    })
}

/// A query for a page of events.
struct Wanted {
    filters: Vec<Filter>,
    range: Option<Value>,
    evaluation: Option<String>,
    limit: u32,
    page: Option<u32>,
    cursor: Option<String>,
}

/// Reads a page of events in a form.
async fn read_page(
    app: &Arc<App>,
    mut call: Call,
    project: &ProjectAccess,
    wanted: Wanted,
    view: EventView,
) -> Result<Rendered<EventList>, ApiError> {
    let Some(query) = query_of(wanted, project)? else {
        return Ok(Rendered::value(&EventList::default()));
    };
    // The query may wait for a database connection, so the memory of the request is freed first.
    call.reservation.shrink_to(0);
    let room = PageReservation::new(app, &call.access).await?;
    let Page { json, rest } = run_query(app, &call.client, project, query).await?;
    let page = viewed(app, &view, json).await?;
    let response = if rest.is_empty() {
        room.hold(&call.access, json_bytes(page)).await?
    } else {
        let parts = page_parts(Arc::clone(app), project.clone(), view, page, rest);
        room.stream(&call.access, parts)
    };
    Ok(Rendered::response(response))
}

/// Changes the events of a page for a request.
async fn viewed(app: &App, view: &EventView, page: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    if !view.has_effect() {
        return Ok(page);
    }
    let (is_large, view) = (page.len() > SMALL, view.clone());
    let viewed = run_blocking_if(app, is_large, move || view.page(&page)).await?;
    viewed.ok_or_else(ApiError::internal)
}

/// Returns a page in parts: the first one is already rendered, and each of the others has as many of the remaining events
/// as fit into a page.
fn page_parts(
    app: Arc<App>,
    project: ProjectAccess,
    view: EventView,
    first: Vec<u8>,
    rest: Vec<Position>,
) -> Parts {
    // The list of events is the only list that ends in the last part of a page.
    let end = memchr::memrchr(b']', &first).unwrap_or(first.len());
    let mut first = first;
    let tail = first.split_off(end);
    let others = stream::try_unfold(rest, move |positions| {
        let (app, project, view) = (Arc::clone(&app), project.clone(), view.clone());
        async move {
            if positions.is_empty() {
                return Ok(None);
            }
            let query = ReadRest { positions };
            let Page { json, rest } = app.store.read(&project, query).await?;
            let page = viewed(&app, &view, json).await?;
            let begin = memchr::memchr(b'[', &page).unwrap_or(0);
            let end = memchr::memrchr(b']', &page).unwrap_or(begin);
            let events = page.get(begin + 1..end).unwrap_or_default();
            // All remaining events of the part may have been deleted.
            let comma: &[u8] = if events.is_empty() { b"" } else { b"," };
            Ok(Some(([comma, events].concat(), rest)))
        }
    });
    let first = stream::once(async { Ok(first) });
    let tail = stream::once(async { Ok(tail) });
    first.chain(others).chain(tail).boxed()
}

/// Runs a query until the client closes the connection.
async fn run_query(
    app: &App,
    client: &ClientConnection,
    project: &ProjectAccess,
    query: ReadEvents,
) -> Result<Page, ApiError> {
    tokio::select! {
        page = app.store.read(project, query) => Ok(page?),
        // The query is dropped, which stops it. Only a client that still receives gets the error.
        () = client.closed() => Err(ApiError::unavailable(
            "the query was stopped, because the client closed the connection or its sending side",
        )),
    }
}

/// Returns the limit of a request.
fn limit(wanted: Option<u32>, max: u32) -> Result<u32, ApiError> {
    let limit = wanted.unwrap_or(USUAL_LIMIT);
    if !(1..=max).contains(&limit) {
        return Err(ApiError::invalid(format!(
            "limit must be between 1 and {max}"
        )));
    }
    Ok(limit)
}

/// Returns where the page of a request starts.
fn start(page: Option<u32>, cursor: Option<&str>) -> Result<PageStart, ApiError> {
    match (page, cursor) {
        (Some(_), Some(_)) => Err(ApiError::invalid("a request has either a page or a cursor")),
        (None, Some("")) => Ok(PageStart::Cursor(None)),
        (None, Some(cursor)) => Position::parse(cursor)
            .map(|position| PageStart::Cursor(Some(position)))
            .ok_or_else(|| ApiError::invalid("cursor must be the `next` of a page, or empty")),
        (page, None) => page
            .unwrap_or(1)
            .checked_sub(1)
            .map(PageStart::Number)
            .ok_or_else(|| ApiError::invalid("page must be at least 1")),
    }
}

/// Returns the query of a request, or `None` if no event can match because the filters contradict each other.
fn query_of(wanted: Wanted, project: &ProjectAccess) -> Result<Option<ReadEvents>, ApiError> {
    let mut filters = wanted.filters;
    for filter in &mut filters {
        if filter.field == "session_id"
            && matches!(filter.operator, Operator::Is | Operator::IsNot)
            && let Some(text) = filter.value.as_str()
        {
            // A session can be named by the text that its id was derived from.
            filter.value = session_id(project.id(), text).to_string().into();
        }
    }
    if let Some(run) = wanted.evaluation {
        filters.push(Filter::is("metadata.run_id", &run));
    }
    let filter = filter::Filter::parse(&filters, wanted.range.as_ref())?;
    let start = start(wanted.page, wanted.cursor.as_deref())?;
    let found = ReadEvents::matching(filter, project.public());
    Ok(found.map(|query| ReadEvents {
        start,
        limit: wanted.limit,
        ..query
    }))
}
