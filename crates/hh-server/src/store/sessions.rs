//! Sessions. A session is an event whose id is the session id.

use hh_api::types::Event;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::body::parse_body;
use super::events::{NewEvent, raw_event};
use super::{Body, Store, StoreError};
use crate::access::InProject;
use crate::body::Reservation;

/// A session to start, or to fill in if a span of it came first.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) body: Body,
}

/// The name of a session that nobody named.
pub(crate) const UNNAMED: &str = "unknown";

impl Store {
    /// Starts a session; a second start merges metadata and user properties into the first.
    pub(crate) async fn start_session(
        &self,
        project: &InProject,
        session: NewSession,
        hold: Reservation,
    ) -> Result<Event, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let (family, still) = (project.family(), self.still(project.key()));
        self.writer
            .submit(Some(hold), move |connection| {
                still(connection)?;
                start_session(connection, number, family, &session)?;
                let mut statement = connection.prepare_cached(ONE_SESSION)?;
                let row = statement.query_row(params![number, session.id.as_bytes()], raw_event)?;
                row.into_event(&public)
            })
            .wait()
            .await
    }
}

const ONE_SESSION: &str = "SELECT 0, id, id, NULL, name, started, ended, body FROM sessions WHERE project = ?1 AND id = ?2";

fn start_session(
    connection: &Connection,
    project: i64,
    family: i64,
    session: &NewSession,
) -> Result<(), StoreError> {
    let found = connection
        .prepare_cached("SELECT sid, implicit, body FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project, session.id.as_bytes()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, bool>(1)?,
                row.get::<_, Vec<u8>>(2)?,
            ))
        })
        .optional()?;
    let Some((sid, implicit, stored)) = found else {
        connection
            .prepare_cached(
                "INSERT INTO sessions (project, id, name, started, ended, implicit, body, family) VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5, ?6)",
            )?
            .execute(params![
                project,
                session.id.as_bytes(),
                session.name,
                session.started,
                session.body.encode()?,
                family,
            ])?;
        return Ok(());
    };
    let mut body = parse_body(&stored)?;
    body.metadata.extend(session.body.metadata.clone());
    body.user_properties
        .extend(session.body.user_properties.clone());
    if implicit {
        body.source.clone_from(&session.body.source);
        body.inputs.clone_from(&session.body.inputs);
        body.config.clone_from(&session.body.config);
        connection
            .prepare_cached(
                "UPDATE sessions SET name = ?2, started = min(started, ?3), implicit = 0 WHERE sid = ?1",
            )?
            .execute(params![sid, session.name, session.started])?;
    }
    connection
        .prepare_cached("UPDATE sessions SET body = ?2 WHERE sid = ?1")?
        .execute(params![sid, body.encode()?])?;
    Ok(())
}

/// Finds the session of an event, or makes it: spans may come before the session's own start.
pub(super) fn session_of(
    connection: &Connection,
    project: &InProject,
    event: &NewEvent,
) -> Result<i64, StoreError> {
    let found = connection
        .prepare_cached("SELECT sid FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project.number(), event.session.as_bytes()], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(sid) = found {
        return Ok(sid);
    }
    let body = Body {
        source: event.source.clone(),
        ..Body::default()
    };
    connection
        .prepare_cached(
            "INSERT INTO sessions (project, id, name, started, ended, implicit, body, family) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)",
        )?
        .execute(params![
            project.number(),
            event.session.as_bytes(),
            event.session_name.as_deref().unwrap_or(UNNAMED),
            event.started,
            event.ended,
            body.encode()?,
            project.family(),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// The times of the events of one session that were stored together.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) sid: i64,
    pub(super) started: i64,
    pub(super) ended: i64,
}

impl Extent {
    /// Joins another event's times.
    pub(super) fn join(self, event: &NewEvent) -> Self {
        Self {
            sid: self.sid,
            started: self.started.min(event.started),
            ended: self.ended.max(event.ended),
        }
    }
}

/// Lets a session end no earlier than its events, and one that only its events have started begin with them.
pub(super) fn stretch(connection: &Connection, extent: Extent) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE sessions SET ended = max(ended, ?2),
               started = CASE implicit WHEN 1 THEN min(started, ?3) ELSE started END
             WHERE sid = ?1 AND (ended < ?2 OR implicit = 1 AND started > ?3)",
        )?
        .execute(params![extent.sid, extent.ended, extent.started])?;
    Ok(())
}
