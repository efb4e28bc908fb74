//! Reads and updates events.

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
use crate::http::response_budget::PageReservation;
use crate::otlp::session_id;
use crate::redact::redact_patch;
use crate::store::{EventPredicate, GetEvent, Hold, PageStart, Position, ReadEvents, UpdateEvent};

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
    app: &App,
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
    app: &App,
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
    let fields = run_blocking_if(app, true, move || fields_of(&page)).await?;
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
    app: &App,
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
    let mut page = run_query(app, &call.client, project, query).await?;
    if view.has_effect() {
        let is_large = page.len() > SMALL;
        let viewed = run_blocking_if(app, is_large, move || view.page(&page)).await?;
        page = viewed.ok_or_else(ApiError::internal)?;
    }
    let response = room.hold(&call.access, json_bytes(page)).await?;
    Ok(Rendered::response(response))
}

/// Runs a query until the client closes the connection.
async fn run_query(
    app: &App,
    client: &ClientConnection,
    project: &ProjectAccess,
    query: ReadEvents,
) -> Result<Vec<u8>, ApiError> {
    tokio::select! {
        page = app.store.read(project, query) => Ok(page?.json),
        // The query is dropped, which stops it. No client receives the error.
        () = client.closed() => Err(ApiError::unavailable("the client closed the connection")),
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
    let plan = filter.plan();
    let start = start(wanted.page, wanted.cursor.as_deref())?;
    Ok((!plan.is_empty).then(|| ReadEvents {
        session: plan.session,
        kind: plan.kind,
        name: plan.name,
        errors_only: plan.has_error,
        from: plan.started.map(|(from, _)| from),
        before: plan.started.map(|(_, last)| last.saturating_add(1)),
        predicate: (!plan.is_complete).then(|| {
            let public = project.public().to_owned();
            EventPredicate::new(move |event| filter.matches(&event.candidate(&public)))
        }),
        start,
        limit: wanted.limit,
        ..ReadEvents::default()
    }))
}
