//! Creates events.

use std::collections::BTreeMap;

use hh_api::types::{
    AddSessionEvents, CreateEvent, CreateEvents, CreateModelEvent, CreateModelEvents, CreatedEvent,
    CreatedEvents, EventKind, SessionProperties, Updated,
};
use hh_api::{Batch, DecodeErrorKind};
use hh_auth::ProjectId;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::large_work::run_blocking_if;
use super::request::describe;
use super::sessions::LARGE_SESSION;
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{Access, ProjectAccess, authorize_named};
use crate::domain::event_body::{EventBody, from_time};
use crate::domain::event_ids::{EventIdentity, session_of_event};
use crate::domain::event_limits::limit_start;
use crate::domain::events::Rights;
use crate::domain::new_events::{CompleteEvent, Completion, model_event};
use crate::domain::sessions::UNNAMED;
use crate::domain::usage::Usage;
use crate::http::error::{ApiError, json as json_response};
use crate::otlp::session_id;
use crate::redact::redact_event;
use crate::store::{Hold, InsertEvents, NewEvent, NewSession, StartSession, StartSessions};

/// The sessions of the events of a request.
enum Sessions {
    /// Each event names its session, or has its own.
    Separate,
    /// The session with this id, which is not started.
    One(String),
    /// One session, which the request starts.
    Started(Option<SessionProperties>),
}

/// The events of a request, and the errors of those that cannot be decoded.
type Items = Vec<Result<CreateEvent, DecodeErrorKind>>;

/// The result of a request for several events.
struct Outcome {
    ids: Vec<Uuid>,
    session: Option<Uuid>,
    /// The reasons why events were not stored; at most [`MAX_ERRORS`].
    errors: Vec<String>,
    /// The number of events that were not stored.
    rejected: usize,
}

impl Outcome {
    fn new(ids: Vec<Uuid>, mut errors: Vec<String>) -> Self {
        let rejected = errors.len();
        errors.truncate(MAX_ERRORS);
        Self {
            ids,
            session: None,
            errors,
            rejected,
        }
    }
}

/// Creates an event.
pub(super) async fn create_event(
    app: &App,
    call: Call,
    event: CreateEvent,
) -> Result<CreatedEvent, ApiError> {
    let outcome = create(app, call, vec![Ok(event)], Sessions::Separate).await?;
    single(&outcome)
}

/// Creates an event from a call to a model.
pub(super) async fn create_model_event(
    app: &App,
    call: Call,
    event: CreateModelEvent,
) -> Result<CreatedEvent, ApiError> {
    let events = vec![Ok(model_event(event))];
    let outcome = create(app, call, events, Sessions::Separate).await?;
    single(&outcome)
}

/// Creates several events.
pub(super) async fn create_events(
    app: &App,
    call: Call,
    Batch {
        input: batch,
        items,
    }: Batch<CreateEvents>,
) -> Result<Rendered<CreatedEvents>, ApiError> {
    let is_single = batch.single_session.or(batch.is_single_session);
    let properties = batch.session_properties.or(batch.session);
    let sessions = sessions(is_single, properties);
    let outcome = create(app, call, items, sessions).await?;
    several(outcome)
}

/// Creates events from calls to models.
pub(super) async fn create_model_events(
    app: &App,
    call: Call,
    Batch {
        input: batch,
        items,
    }: Batch<CreateModelEvents>,
) -> Result<Rendered<CreatedEvents>, ApiError> {
    let is_single = batch.single_session.or(batch.is_single_session);
    let properties = batch.session_properties.or(batch.session);
    let sessions = sessions(is_single, properties);
    let events = items.into_iter().map(|item| item.map(model_event));
    let outcome = create(app, call, events.collect(), sessions).await?;
    several(outcome)
}

/// Adds events to a session.
pub(super) async fn add_session_events(
    app: &App,
    call: Call,
    Batch { input, items }: Batch<AddSessionEvents>,
) -> Result<Rendered<Updated>, ApiError> {
    let outcome = create(app, call, items, Sessions::One(input.session_id)).await?;
    match partial(&outcome)? {
        Some(response) => Ok(Rendered::response(response)),
        None => Ok(Rendered::value(&Updated { success: true })),
    }
}

fn sessions(is_single: Option<bool>, properties: Option<SessionProperties>) -> Sessions {
    if is_single == Some(true) {
        Sessions::Started(properties)
    } else {
        Sessions::Separate
    }
}

/// Returns the response to a request for one event.
fn single(outcome: &Outcome) -> Result<CreatedEvent, ApiError> {
    match (outcome.ids.as_slice(), outcome.errors.first()) {
        ([id], _) => Ok(CreatedEvent {
            success: true,
            event_id: *id,
        }),
        (_, Some(error)) => Err(ApiError::invalid(error)),
        _ => Err(ApiError::internal()),
    }
}

/// Returns the response to a request for several events.
fn several(outcome: Outcome) -> Result<Rendered<CreatedEvents>, ApiError> {
    if let Some(response) = partial(&outcome)? {
        return Ok(Rendered::response(response));
    }
    Ok(Rendered::value(&CreatedEvents {
        success: true,
        event_ids: outcome.ids,
        session_id: outcome.session,
        errors: Vec::new(),
    }))
}

/// Returns the response if some events were not stored, with the members of an error.
///
/// # Errors
/// 400 if no event was stored.
fn partial(outcome: &Outcome) -> Result<Option<http::Response<axum::body::Body>>, ApiError> {
    let Some(first) = outcome.errors.first() else {
        return Ok(None);
    };
    if outcome.ids.is_empty() {
        return Err(ApiError::invalid(format!("no event was stored: {first}")));
    }
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let (stored, rejected) = (outcome.ids.len(), outcome.rejected);
    let mut response = json_response(&json!({
        "success": false,
        "event_ids": outcome.ids,
        "errors": outcome.errors,
        "statusCode": status.as_u16(),
        "errorCode": "PARTIAL_FAILURE",
        "message": format!("{rejected} of {} events were not stored: {first}", stored + rejected),
    }));
    *response.status_mut() = status;
    Ok(Some(response))
}

/// An event that is ready to be stored.
struct PreparedEvent {
    /// The number of the project.
    project: i64,
    id: Uuid,
    event: Prepared,
}

enum Prepared {
    Event(NewEvent),
    Session(NewSession),
}

/// Events with the numbers of their projects, and the errors of others.
type Named = Vec<Result<(i64, CreateEvent), DecodeErrorKind>>;
/// The projects of a request by their numbers.
type Projects = BTreeMap<i64, ProjectAccess>;

/// Finds the projects of events.
fn authorize_all(app: &App, access: &Access, items: Items) -> Result<(Projects, Named), ApiError> {
    let mut projects = BTreeMap::new();
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        named.push(match item {
            Ok(event) => {
                let (id, name) = (event.project_id.as_deref(), event.project.as_deref());
                let project = authorize_named(&app.store, access, id, name)?;
                let number = project.number();
                projects.insert(number, project);
                Ok((number, event))
            }
            Err(error) => Err(error),
        });
    }
    Ok((projects, named))
}

/// Stores events. Nothing is stored unless the key applies to the projects of all events.
async fn create(
    app: &App,
    call: Call,
    items: Items,
    sessions: Sessions,
) -> Result<Outcome, ApiError> {
    let (access, mut hold) = (&call.access, call.reservation);
    let (projects, named) = authorize_all(app, access, items)?;
    let first = named.iter().find_map(|item| item.as_ref().ok());
    let Some((first, project)) =
        first.and_then(|(number, event)| Some((event, projects.get(number)?)))
    else {
        let errors = named.iter().zip(1..).filter_map(|(item, position)| {
            let error = item.as_ref().err()?;
            Some(item_error(position, &describe(error)?))
        });
        return Ok(Outcome::new(Vec::new(), errors.collect()));
    };
    let rights = Rights::new(access.record().grant.level, project.family());
    let session = match &sessions {
        Sessions::Separate => None,
        Sessions::One(text) => Some(session_id(project.id(), text)),
        Sessions::Started(_) => Some(session_of_batch(project.id(), first)),
    };
    let now = i64::try_from(access.now().as_nanosecond()).unwrap_or(i64::MAX);
    let ids = projects.iter();
    let ids: BTreeMap<_, _> = ids.map(|(number, one)| (*number, one.id())).collect();
    let started_in = project.number();
    let is_large = hold.held() > LARGE_SESSION;
    let redacts = app.redact_keys;
    let complete = move || {
        let completion = Completion::new(now, rights, session);
        complete_all(completion, &ids, named, (rights, redacts))
    };
    let (mut prepared, errors) = run_blocking_if(app, is_large, complete).await?;
    hold.store(prepared.iter().map(PreparedEvent::size).sum())?;
    let ids = prepared.iter().map(|event| event.id).collect();
    let mut outcome = Outcome::new(ids, errors);
    if outcome.ids.is_empty() {
        return Ok(outcome);
    }
    if let (Sessions::Started(properties), Some(id)) = (sessions, session) {
        outcome.session = Some(id);
        let first = prepared.iter().map(PreparedEvent::started).min();
        let times = (first, now);
        let start = start_of(id, properties.unwrap_or_default(), times, redacts)?;
        let start = PreparedEvent {
            project: started_in,
            id,
            event: Prepared::Session(start),
        };
        prepared.insert(0, start);
    }
    store_all(app, access, projects, rights, prepared, Hold::new(hold)).await?;
    Ok(outcome)
}

/// Returns the session that a batch starts: the one that its first event names, and otherwise one that is the same when
/// the batch is sent again, if its first event has an id.
fn session_of_batch(project: ProjectId, first: &CreateEvent) -> Uuid {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(text) = text(&first.session_id) {
        return session_id(project, &text);
    }
    let event = text(&first.event_id).and_then(|text| Uuid::try_parse(&text).ok());
    event.map_or_else(Uuid::new_v4, |id| session_of_event(project, id))
}

/// Describes why an event of a request was not stored.
fn item_error(position: usize, error: &str) -> String {
    format!("event {position}: {error}")
}

/// Completes and encodes events, and returns the reasons why others are invalid.
fn complete_all(
    mut completion: Completion,
    ids: &BTreeMap<i64, ProjectId>,
    named: Named,
    (rights, redacts): (Rights, bool),
) -> (Vec<PreparedEvent>, Vec<String>) {
    let mut prepared = Vec::with_capacity(named.len());
    let mut errors = Vec::new();
    for (item, position) in named.into_iter().zip(1..) {
        let (project, event) = match item {
            Ok(named) => named,
            Err(error) => {
                // Invalid JSON is an error of the whole request.
                errors.extend(describe(&error).map(|what| item_error(position, &what)));
                continue;
            }
        };
        let Some(id) = ids.get(&project) else {
            continue;
        };
        let done = completion.complete(*id, event).and_then(|mut event| {
            if redacts {
                redact_event(&mut event.name, &mut event.body);
            }
            Ok(PreparedEvent {
                project,
                id: event.id,
                event: prepare(event, rights)?,
            })
        });
        match done {
            Ok(event) => prepared.push(event),
            Err(error) => errors.push(item_error(position, &error.to_string())),
        }
    }
    (prepared, errors)
}

/// Starts the sessions of a request, and stores its other events.
async fn store_all(
    app: &App,
    access: &Access,
    mut projects: Projects,
    rights: Rights,
    prepared: Vec<PreparedEvent>,
    hold: Hold,
) -> Result<(), ApiError> {
    let mut batches = BTreeMap::<i64, Vec<NewEvent>>::new();
    let mut sessions = Vec::new();
    for PreparedEvent {
        project: number,
        event,
        ..
    } in prepared
    {
        let Some(project) = projects.get(&number) else {
            continue;
        };
        match event {
            Prepared::Session(session) => {
                sessions.push((project.clone(), StartSession { rights, session }));
            }
            Prepared::Event(event) => batches.entry(number).or_default().push(event),
        }
    }
    if !sessions.is_empty() {
        let start = StartSessions { sessions };
        app.store.write_holding(access, start, hold.clone()).await?;
    }
    let batches = batches.into_iter().filter_map(|(number, events)| {
        let project = projects.remove(&number)?;
        Some((project, events))
    });
    let insert = InsertEvents {
        batches: batches.collect(),
    };
    Ok(app.store.write_holding(access, insert, hold).await?)
}

/// The maximum number of reasons in a response.
const MAX_ERRORS: usize = 100;

impl PreparedEvent {
    fn size(&self) -> usize {
        match &self.event {
            Prepared::Event(event) => event.body.len(),
            Prepared::Session(session) => session.encoded.len(),
        }
    }

    fn started(&self) -> i64 {
        match &self.event {
            Prepared::Event(event) => event.started,
            Prepared::Session(session) => session.started,
        }
    }
}

/// Encodes an event.
///
/// A session with the id of an event would no longer receive its updates, because events are searched first. A key that
/// may not change the session must not cause this. The response does not reveal that the session exists.
fn prepare(event: CompleteEvent, rights: Rights) -> Result<Prepared, crate::domain::Refusal> {
    let encoded = event.body.encode()?;
    let usage = Usage::of(&event.body);
    if event.kind == EventKind::Session {
        return Ok(Prepared::Session(NewSession {
            id: event.id,
            name: event.name,
            started: event.started,
            ended: event.ended,
            body: event.body,
            encoded,
        }));
    }
    Ok(Prepared::Event(NewEvent {
        identity: EventIdentity::Given {
            id: event.id,
            parent: event.parent,
            yields_to_session: event.is_given && rights.only_family.is_some(),
        },
        session: event.session,
        joins_trace: false,
        session_name: None,
        kind: event.kind,
        name: event.name,
        started: event.started,
        ended: event.ended,
        source: event.body.source,
        usage,
        body: encoded,
    }))
}

/// Returns the session that a batch starts. By default, it starts with the first event.
fn start_of(
    id: Uuid,
    properties: SessionProperties,
    (first, arrived): (Option<i64>, i64),
    redacts: bool,
) -> Result<NewSession, ApiError> {
    let started = properties.start_time.filter(|time| *time > 0.0);
    let mut started = started.map(from_time).or(first).unwrap_or_default();
    let unknown = || UNNAMED.to_owned();
    let mut body = EventBody {
        source: properties.source.unwrap_or_else(unknown),
        metadata: properties.metadata,
        user_properties: properties.user_properties,
        ..EventBody::default()
    };
    let mut ended = started;
    limit_start(&mut started, &mut ended, &mut body.metadata, arrived);
    let mut name = hh_api::limit_name(properties.session_name.unwrap_or_else(unknown));
    if redacts {
        redact_event(&mut name, &mut body);
    }
    Ok(NewSession {
        id,
        name,
        started,
        ended,
        encoded: body.encode()?,
        body,
    })
}
