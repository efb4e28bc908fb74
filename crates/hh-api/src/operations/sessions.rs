use uuid::Uuid;

use super::test_response::empty;
use crate::types::{self, Event, EventKind, Object, SessionEnvelope, Updated};
use crate::{TestModeError, TestValues};

operations! { ($) sessions
    /// Starts a session, or updates the session with the same id.
    StartSession {
        // The server uses the session id of the client, so a retry updates the session of the first request.
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy POST "/session/start" in "session"],
        input: types::StartSession, output: SessionEnvelope,
        test: started,
    }
    /// Creates a session, or merges metadata and user properties into the session with the same id.
    CreateSession {
        // A retry with the same session id updates the session of the first request.
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [v1 POST "/v1/sessions"],
        input: types::CreateSession, output: SessionEnvelope,
    }
    /// Returns a session as an event.
    GetSession {
        need: read, retry: safe, keys: [project],
        routes: [v1 GET "/v1/sessions/{session_id}", legacy GET "/session/{session_id}"],
        input: types::SessionRef, output: Event,
    }
    /// Adds events to a session.
    AddSessionEvents {
        // The client sends the ids, so a retry does not create other events.
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [
            v1 POST "/v1/sessions/{session_id}/events/batch",
            legacy POST "/session/{session_id}/traces",
        ],
        input: types::AddSessionEvents, output: Updated,
        test: added,
    }
    /// Finds the sessions whose id begins with a prefix.
    FindSessions {
        need: read, retry: safe, keys: [project],
        routes: [v1 GET "/v1/sessions"],
        input: types::FindSessions, output: types::FoundSessions,
        test: empty,
    }
    /// Deletes a session and its events.
    DeleteSession {
        need: write, retry: never, keys: [project],
        routes: [v1 DELETE "/v1/sessions/{session_id}"],
        input: types::DeleteSession, output: types::Deleted,
    }
}

/// Returns the session of test mode.
fn started(
    session: &types::StartSession,
    values: &TestValues,
) -> Result<SessionEnvelope, TestModeError> {
    const WORKSPACE: &str = "test mode";
    let id = match &session.session_id {
        Some(text) => Uuid::parse_str(text).map_err(|_| TestModeError::Invalid)?,
        None => values.id,
    };
    let time = session.start_time.unwrap_or(values.now);
    Ok(SessionEnvelope {
        org_id: WORKSPACE.to_owned(),
        workspace_id: WORKSPACE.to_owned(),
        event: Event {
            event_id: id,
            session_id: id,
            parent_id: None,
            event_type: EventKind::Session,
            event_name: session.session_name.clone().unwrap_or_default(),
            source: session.source.clone().unwrap_or_default(),
            project_id: session.project.clone().unwrap_or_default(),
            config: session.config.clone(),
            inputs: session.inputs.clone(),
            outputs: Object::new(),
            error: None,
            start_time: time,
            end_time: time,
            duration: 0.0,
            metadata: session.metadata.clone(),
            metrics: Object::new(),
            feedback: Object::new(),
            user_properties: session.user_properties.clone(),
        },
    })
}

/// Returns the response to added events in test mode.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all test mode responses have this type"
)]
fn added(_: &types::AddSessionEvents, _: &TestValues) -> Result<Updated, TestModeError> {
    Ok(Updated { success: true })
}
