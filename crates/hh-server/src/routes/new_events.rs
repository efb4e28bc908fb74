//! Creates events.

use std::collections::BTreeMap;

use hh_api::types::{
    AddSessionEvents, CreateEvent, CreateEvents, CreateModelEvent, CreateModelEvents, CreatedEvent,
    CreatedEvents, EventKind, SessionProperties, Updated,
};
use hh_auth::ProjectId;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::large_work::run_blocking_if;
use super::sessions::LARGE_SESSION;
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{Access, ProjectAccess, authorize_named};
use crate::domain::event_body::{EventBody, from_millis};
use crate::domain::event_ids::EventIdentity;
use crate::domain::event_limits::limit_start;
use crate::domain::events::Rights;
use crate::domain::new_events::{CompleteEvent, Completion, model_event};
use crate::domain::sessions::UNNAMED;
use crate::domain::usage::Usage;
use crate::http::error::{ApiError, json as json_response};
use crate::otlp::session_id;
use crate::redact::redact_event;
use crate::store::{FindSessions, Hold, InsertEvents, NewEvent, NewSession, StartSession};

/// The sessions of the events of a request.
enum Sessions {
    /// Each event names its session, or has its own.
    Separate,
    /// The session with this id, which is not started.
    One(String),
    /// One session, which the request starts.
    Started(Option<SessionProperties>),
}

/// The result of a request for several events.
#[derive(Default)]
struct Outcome {
    ids: Vec<Uuid>,
    session: Option<Uuid>,
    /// The reasons why events were not stored.
    errors: Vec<String>,
}

/// Creates an event.
pub(super) async fn create_event(
    app: &App,
    call: Call,
    event: CreateEvent,
) -> Result<CreatedEvent, ApiError> {
    let outcome = create(app, call, vec![event], Sessions::Separate).await?;
    single(&outcome)
}

/// Creates an event from a call to a model.
pub(super) async fn create_model_event(
    app: &App,
    call: Call,
    event: CreateModelEvent,
) -> Result<CreatedEvent, ApiError> {
    let outcome = create(app, call, vec![model_event(event)], Sessions::Separate).await?;
    single(&outcome)
}

/// Creates several events.
pub(super) async fn create_events(
    app: &App,
    call: Call,
    batch: CreateEvents,
) -> Result<Rendered<CreatedEvents>, ApiError> {
    let is_single = batch.single_session.or(batch.is_single_session);
    let properties = batch.session_properties.or(batch.session);
    let sessions = sessions(is_single, properties);
    let outcome = create(app, call, batch.events, sessions).await?;
    several(outcome)
}

/// Creates events from calls to models.
pub(super) async fn create_model_events(
    app: &App,
    call: Call,
    batch: CreateModelEvents,
) -> Result<Rendered<CreatedEvents>, ApiError> {
    let is_single = batch.single_session.or(batch.is_single_session);
    let properties = batch.session_properties.or(batch.session);
    let sessions = sessions(is_single, properties);
    let events = batch.model_events.into_iter().map(model_event).collect();
    let outcome = create(app, call, events, sessions).await?;
    several(outcome)
}

/// Adds events to a session.
pub(super) async fn add_session_events(
    app: &App,
    call: Call,
    input: AddSessionEvents,
) -> Result<Rendered<Updated>, ApiError> {
    let (mut events, logs) = (input.events, input.logs);
    if !events.is_empty() && !logs.is_empty() {
        return Err(ApiError::invalid("send events or logs, not both"));
    }
    events.extend(logs);
    let outcome = create(app, call, events, Sessions::One(input.session_id)).await?;
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
    let (stored, rejected) = (outcome.ids.len(), outcome.errors.len());
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
    /// Whether the client sent an id.
    is_given: bool,
    event: Prepared,
}

enum Prepared {
    Event(NewEvent),
    Session(NewSession),
}

/// Events with the numbers of their projects.
type Named = Vec<(i64, CreateEvent)>;
/// The projects of a request by their numbers.
type Projects = BTreeMap<i64, ProjectAccess>;

/// Finds the projects of events.
fn authorize_all(
    app: &App,
    access: &Access,
    events: Vec<CreateEvent>,
) -> Result<(Projects, Named), ApiError> {
    let mut projects = BTreeMap::new();
    let mut named = Vec::with_capacity(events.len());
    for event in events {
        let (id, name) = (event.project_id.as_deref(), event.project.as_deref());
        let project = authorize_named(&app.store, access, id, name)?;
        named.push((project.number(), event));
        projects.insert(project.number(), project);
    }
    Ok((projects, named))
}

/// Stores events. Nothing is stored unless the key applies to the projects of all events.
async fn create(
    app: &App,
    call: Call,
    events: Vec<CreateEvent>,
    sessions: Sessions,
) -> Result<Outcome, ApiError> {
    let (access, mut hold) = (&call.access, call.reservation);
    let (projects, named) = authorize_all(app, access, events)?;
    let first = named.first();
    let Some((first, project)) =
        first.and_then(|(number, event)| Some((event, projects.get(number)?)))
    else {
        return Ok(Outcome::default());
    };
    let rights = Rights::new(access.record().grant.level, project.family());
    let session = match &sessions {
        Sessions::Separate => None,
        Sessions::One(text) => Some(session_id(project.id(), text)),
        Sessions::Started(_) => Some(match &first.session_id {
            Some(text) => session_id(project.id(), text),
            None => Uuid::new_v4(),
        }),
    };
    let now = i64::try_from(access.now().as_nanosecond()).unwrap_or(i64::MAX);
    let ids = projects.iter();
    let ids: BTreeMap<_, _> = ids.map(|(number, one)| (*number, one.id())).collect();
    let started_in = project.number();
    let is_large = hold.held() > LARGE_SESSION;
    let redacts = app.redact_keys;
    let complete = move || {
        let completion = Completion::new(now, rights, session, session_id);
        complete_all(completion, &ids, named, redacts)
    };
    let (mut prepared, mut errors) = run_blocking_if(app, is_large, complete).await?;
    hold.store(prepared.iter().map(PreparedEvent::size).sum())?;
    errors.truncate(MAX_ERRORS);
    let mut outcome = Outcome {
        ids: prepared.iter().map(|event| event.id).collect(),
        session: None,
        errors,
    };
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
            is_given: false,
            event: Prepared::Session(start),
        };
        prepared.insert(0, start);
    }
    store_all(app, access, projects, rights, prepared, Hold::new(hold)).await?;
    Ok(outcome)
}

/// Completes and encodes events, and returns the reasons why others are invalid.
fn complete_all(
    mut completion: Completion,
    ids: &BTreeMap<i64, ProjectId>,
    named: Named,
    redacts: bool,
) -> (Vec<PreparedEvent>, Vec<String>) {
    let mut prepared = Vec::with_capacity(named.len());
    let mut errors = Vec::new();
    for (position, (project, event)) in named.into_iter().enumerate() {
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
                is_given: event.is_given,
                event: prepare(event)?,
            })
        });
        match done {
            Ok(event) => prepared.push(event),
            Err(error) => errors.push(format!("event {}: {error}", position + 1)),
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
    for PreparedEvent {
        project: number,
        id,
        is_given,
        event,
    } in prepared
    {
        let Some(project) = projects.get(&number) else {
            continue;
        };
        match event {
            Prepared::Session(session) => {
                let start = StartSession { rights, session };
                app.store
                    .write_holding(project, start, hold.clone())
                    .await?;
            }
            Prepared::Event(event) => {
                if !is_given || may_create(app, project, rights, id).await? {
                    batches.entry(number).or_default().push(event);
                }
            }
        }
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

/// Returns whether a key may create an event with an id that the client chose.
///
/// A session with this id would no longer receive its updates, because events are searched first. A key that may not
/// change the session must not cause this. The response does not reveal that the session exists.
async fn may_create(
    app: &App,
    project: &ProjectAccess,
    rights: Rights,
    id: Uuid,
) -> Result<bool, ApiError> {
    if rights.only_family.is_none() {
        return Ok(true);
    }
    let find = FindSessions {
        ids: id..=id,
        limit: 1,
    };
    Ok(app.store.read(project, find).await?.is_empty())
}

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
fn prepare(event: CompleteEvent) -> Result<Prepared, crate::domain::Refusal> {
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
        },
        session: event.session,
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
    let started = properties.start_time.filter(|millis| *millis > 0.0);
    let mut started = started.map(from_millis).or(first).unwrap_or_default();
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
