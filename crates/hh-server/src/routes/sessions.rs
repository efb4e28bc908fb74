//! Starts and finds sessions.

use hh_api::limit_name;
use hh_api::types::{FindSessions, FoundSessions, SessionEnvelope, StartSession};
use uuid::Uuid;

use super::large_work::run_blocking_if;
use super::{Call, Rendered};
use crate::app::App;
use crate::auth::authorize_project;
use crate::domain::event_body::{EventBody, from_millis};
use crate::domain::event_limits::limit_start;
use crate::domain::events::Rights;
use crate::domain::sessions::{UNNAMED, ids_with_prefix};
use crate::http::error::ApiError;
use crate::otlp::session_id;
use crate::store::{FindSessions as Find, Hold, NewSession, StartSession as Start};

/// The reserved memory above which a session is encoded on another thread, in bytes.
const LARGE_SESSION: usize = 256 * 1024;

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
    let (access, mut hold) = (&call.access, call.reservation);
    let project = authorize_project(&app.store, access, session.project.as_deref())?;
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
    let mut body = EventBody {
        source: session.source.unwrap_or_else(unknown),
        inputs: session.inputs,
        config: session.config,
        metadata: session.metadata,
        user_properties: session.user_properties,
        ..EventBody::default()
    };
    let mut ended = started;
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
        id,
        name,
        started,
        body,
        encoded,
    };
    let rights = Rights::new(access.record().grant.level, project.family());
    let start = Start { rights, session };
    let hold = Hold::new(hold);
    let event = app.store.write_holding(&project, start, hold).await?;
    let meta = app.store.catalog().meta();
    // The encoded members of the event are appended to the ids, so that its values are not decoded again.
    let ids = serde_json::json!({ "org_id": meta.org_id, "workspace_id": meta.workspace_id });
    let mut response = ids.to_string().into_bytes();
    response.pop();
    response.push(b',');
    response.extend_from_slice(event.get(1..).unwrap_or_default());
    Ok(Rendered::json(response))
}
