//! Starts and finds sessions.

use hh_api::types::{
    CreateSession, Event, EventKind, FindSessions, FoundSessions, SessionEnvelope, SessionRef,
    StartSession,
};
use hh_api::{Dialect, limit_name};
use uuid::Uuid;

use super::large_work::{SMALL, run_blocking_if};
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::{ProjectAccess, authorize_project};
use crate::domain::event_body::EventBody;
use crate::domain::event_limits::limit_start;
use crate::domain::event_view::EventView;
use crate::domain::events::Rights;
use crate::domain::new_events::times;
use crate::domain::sessions::{UNNAMED, ids_with_prefix};
use crate::http::error::ApiError;
use crate::otlp::session_id;
use crate::redact::redact_event;
use crate::store::{FindSessions as Find, GetEvent, Hold, NewSession, StartSession as Start};

/// The reserved memory above which a session is encoded on another thread, in bytes.
pub(super) const LARGE_SESSION: usize = 256 * 1024;

/// The maximum number of sessions in a response. More only show that the prefix is too short.
const MAX_FOUND: u32 = 10;

/// Finds the sessions whose id begins with a prefix.
pub(super) async fn find_sessions(
    app: &App,
    call: Call,
    input: FindSessions,
) -> Result<FoundSessions, ApiError> {
    let project = authorize_project(&app.store, &call.access, input.project.as_deref())?;
    let find = Find {
        ids: ids_with_prefix(&input.prefix)?,
        // One more session shows whether more match.
        limit: MAX_FOUND + 1,
    };
    let mut sessions = app.store.read(&project, find).await?;
    let truncated = sessions.len() > MAX_FOUND as usize;
    sessions.truncate(MAX_FOUND as usize);
    Ok(FoundSessions {
        sessions,
        truncated,
    })
}

/// Starts a session, or merges into the existing one with its id.
pub(super) async fn start_session(
    app: &App,
    call: Call,
    session: StartSession,
) -> Result<Rendered<SessionEnvelope>, ApiError> {
    let project = authorize_project(&app.store, &call.access, session.project.as_deref())?;
    let id = match session.session_id.as_deref().unwrap_or("") {
        "" => Uuid::new_v4(),
        text => session_id(project.id(), text),
    };
    let requested = RequestedSession {
        id,
        name: session.session_name,
        times: (session.start_time, None, None),
        source: session.source,
        body: EventBody {
            inputs: session.inputs,
            config: session.config,
            metadata: session.metadata,
            user_properties: session.user_properties,
            ..EventBody::default()
        },
    };
    start(app, call, &project, requested).await
}

/// Creates a session, or merges into the existing one with its id. An id that is not a UUID is replaced.
pub(super) async fn create_session(
    app: &App,
    call: Call,
    session: CreateSession,
) -> Result<Rendered<SessionEnvelope>, ApiError> {
    let project = authorize_project(&app.store, &call.access, session.project.as_deref())?;
    let given = session.session_id.as_deref().map(Uuid::try_parse);
    let requested = RequestedSession {
        id: given.and_then(Result::ok).unwrap_or_else(Uuid::new_v4),
        name: session.event_name.or(session.session_name),
        times: (session.start_time, session.end_time, session.duration),
        source: session.source,
        body: EventBody {
            inputs: session.inputs,
            outputs: session.outputs,
            config: session.config,
            metadata: session.metadata,
            user_properties: session.user_properties,
            ..EventBody::default()
        },
    };
    start(app, call, &project, requested).await
}

/// Returns a session as an event.
pub(super) async fn get_session(
    app: &App,
    call: Call,
    input: SessionRef,
) -> Result<Rendered<Event>, ApiError> {
    let project = authorize_project(&app.store, &call.access, input.project.as_deref())?;
    let id = session_id(project.id(), &input.session_id);
    let event = app.store.read(&project, GetEvent { id }).await?;
    let view = EventView::new(None, call.dialect == Dialect::Legacy)?;
    let is_large = event.len() > SMALL;
    let viewed = run_blocking_if(app, is_large, move || view_session(&view, id, event)).await??;
    Ok(Rendered::json(viewed))
}

/// Checks that an event is a session, and returns it in a view.
fn view_session(view: &EventView, id: Uuid, event: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    // An event can have the same id as the session, or as a session of another project.
    let found: Header = serde_json::from_slice(&event).map_err(|_| ApiError::internal())?;
    if found.event_type != EventKind::Session {
        return Err(ApiError::not_found(format!("session {id} not found")));
    }
    if view.has_effect() {
        return view.event(&event).ok_or_else(ApiError::internal);
    }
    Ok(event)
}

/// The member of a rendered event that shows whether it is a session.
#[derive(serde::Deserialize)]
struct Header {
    event_type: EventKind,
}

/// A session that a request starts.
struct RequestedSession {
    id: Uuid,
    name: Option<String>,
    /// The start, the end and the duration, in milliseconds.
    times: (Option<f64>, Option<f64>, Option<f64>),
    source: Option<String>,
    body: EventBody,
}

/// Starts a session, and returns it with the ids of the organization and the workspace.
async fn start(
    app: &App,
    call: Call,
    project: &ProjectAccess,
    requested: RequestedSession,
) -> Result<Rendered<SessionEnvelope>, ApiError> {
    let (access, mut hold) = (&call.access, call.reservation);
    let now = i64::try_from(access.now().as_nanosecond()).unwrap_or(i64::MAX);
    let (start, end, duration) = requested.times;
    let (mut started, mut ended) = times(start, end, duration, now);
    let unknown = || UNNAMED.to_owned();
    let mut name = limit_name(requested.name.unwrap_or_else(unknown));
    let mut body = EventBody {
        source: requested.source.unwrap_or_else(unknown),
        ..requested.body
    };
    if app.redact_keys {
        redact_event(&mut name, &mut body);
    }
    limit_start(&mut started, &mut ended, &mut body.metadata, now);
    let is_large = hold.held() > LARGE_SESSION;
    let (body, encoded) = run_blocking_if(app, is_large, move || {
        let encoded = body.encode();
        (body, encoded)
    })
    .await?;
    let encoded = encoded?;
    hold.store(encoded.len())?;
    let session = NewSession {
        id: requested.id,
        name,
        started,
        ended,
        body,
        encoded,
    };
    let rights = Rights::new(access.record().grant.level, project.family());
    let start = Start { rights, session };
    let hold = Hold::new(hold);
    let event = app.store.write_holding(project, start, hold).await?;
    let meta = app.store.catalog().meta();
    // The encoded members of the event are appended to the ids, so that its values are not decoded again.
    let ids = serde_json::json!({ "org_id": meta.org_id, "workspace_id": meta.workspace_id });
    let mut response = ids.to_string().into_bytes();
    response.pop();
    response.push(b',');
    response.extend_from_slice(event.get(1..).unwrap_or_default());
    Ok(Rendered::json(response))
}
