//! Sessions. A session is an event whose id is the session id.

use std::ops::ControlFlow;
use std::sync::Arc;

use hh_api::types::EventKind;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::body::{encode_body, encode_within};
use super::events::NewEvent;
use super::large_bodies;
use super::merge::{Change, Done, Location, MAX_MERGED, Rights, SMALL, Table, Target};
use super::page::{StoredEvent, render};
use super::pages::stored_event;
use super::patch::too_large;
use super::stored_body::StoredBody;
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
    /// The body, encoded before it is queued: the writer has enough to do.
    pub(crate) encoded: Vec<u8>,
}

/// The name of a session that nobody named.
pub(crate) const UNNAMED: &str = "unknown";

impl Store {
    /// Starts a session; a second start merges metadata and user properties into the first.
    ///
    /// Returns the stored session as JSON if the key may read it. For another key it returns what the key sent, with the same
    /// success whatever is stored: a session of another family, and one that the merge would make too large, stays as
    /// it is.
    ///
    /// # Errors
    /// `TooLarge` if the merged session would be larger than [`MAX_MERGED`] and the key may read it.
    pub(crate) async fn start_session(
        &self,
        project: &InProject,
        rights: Rights,
        session: NewSession,
        hold: Reservation,
    ) -> Result<Vec<u8>, StoreError> {
        let (number, public, id) = (project.number(), project.public().to_owned(), session.id);
        let session = Arc::new(session);
        let start = Start {
            project: number,
            family: project.family(),
            rights,
            session: Arc::clone(&session),
        };
        // Kept until the response is rendered.
        let hold = Arc::new(hold);
        let done = self
            .merge(
                project.key(),
                project.family(),
                Arc::new(start),
                Arc::clone(&hold),
            )
            .await?;
        if done == Done::Created || !rights.can_read {
            return session.render(&public);
        }
        let still = self.still(project.key());
        self.readers
            .read_body(move |connection| {
                still(connection)?;
                let one = format!(
                    "SELECT 0, id, id, NULL, name, started, ended, {} FROM sessions WHERE project = ?1 AND id = ?2",
                    large_bodies::BODY
                );
                let mut statement = connection.prepare_cached(&one)?;
                let mut rows = statement.query(params![number, id.as_bytes()])?;
                let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                render(&stored_event(row)?, &public)
            })
            .await
    }
}

impl NewSession {
    /// Renders the session as it was sent.
    fn render(&self, project: &str) -> Result<Vec<u8>, StoreError> {
        let event = StoredEvent {
            id: self.id,
            session: self.id,
            parent: None,
            kind: EventKind::Session,
            name: &self.name,
            started: self.started,
            ended: self.started,
            body: &self.encoded,
        };
        render(&event, project)
    }
}

struct Start {
    project: i64,
    family: i64,
    rights: Rights,
    session: Arc<NewSession>,
}

impl Start {
    fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let session = &self.session;
        connection
            .prepare_cached(
                "INSERT INTO sessions (project, id, name, started, ended, implicit, body, family) VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5, ?6)",
            )?
            .execute(params![
                self.project,
                session.id.as_bytes(),
                session.name,
                session.started,
                large_bodies::in_row(&session.encoded),
                self.family,
            ])?;
        if large_bodies::in_row(&session.encoded).is_empty() {
            large_bodies::save(connection, self.project, session.id, &session.encoded)?;
        }
        Ok(())
    }

    /// Tells whether a merge into a started session has an effect that the key may have.
    fn can_change(&self, connection: &Connection, target: &Target) -> Result<bool, StoreError> {
        let sent = &self.session.body;
        if sent.metadata.is_empty() && sent.user_properties.is_empty() {
            return Ok(false);
        }
        if let Some(family) = self.rights.only_family
            && !target.location.is_of(connection, family)?
        {
            return Ok(false);
        }
        Ok(self.rights.can_read || target.size <= MAX_MERGED)
    }
}

impl Change for Start {
    fn is_small(&self) -> bool {
        self.session.encoded.len() <= SMALL
    }

    fn find(&self, connection: &Connection) -> Result<ControlFlow<Done, Target>, StoreError> {
        let location = Location {
            table: Table::Sessions,
            project: self.project,
            id: self.session.id,
        };
        let Some(target) = location.find(connection)? else {
            self.insert(connection)?;
            return Ok(ControlFlow::Break(Done::Created));
        };
        if target.is_implicit || self.can_change(connection, &target)? {
            return Ok(ControlFlow::Continue(target));
        }
        Ok(ControlFlow::Break(Done::Existed))
    }

    fn merge(&self, target: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut body = StoredBody::parse(stored)?;
        if !target.is_implicit && target.size > MAX_MERGED {
            // A start that is sent again must succeed, however large the session is.
            let sent = StoredBody::parse(&self.session.encoded)?;
            let is_known = body.metadata.has_all(&sent.metadata)
                && body.user_properties.has_all(&sent.user_properties);
            return if is_known { Ok(None) } else { Err(too_large()) };
        }
        let sent = &self.session.body;
        let encoded = if target.is_implicit {
            body.set_source(&sent.source);
            body.set_inputs(&sent.inputs);
            // What was set in a session that only spans had created stays: another key may have set it.
            for (stored, sent) in [
                (&mut body.config, &sent.config),
                (&mut body.metadata, &sent.metadata),
                (&mut body.user_properties, &sent.user_properties),
            ] {
                stored.add(sent);
            }
            encode_body(&body)
        } else {
            body.metadata.set(&sent.metadata);
            body.user_properties.set(&sent.user_properties);
            encode_within(&body, MAX_MERGED).ok_or_else(too_large)
        };
        match encoded {
            // The error would tell a key that may not read how much is stored.
            Err(StoreError::TooLarge(_)) if !self.rights.can_read => Ok(None),
            encoded => encoded.map(Some),
        }
    }

    fn save(
        &self,
        connection: &Connection,
        target: &Target,
        body: &[u8],
    ) -> Result<(), StoreError> {
        let (session, id) = (&self.session, target.location.id.as_bytes());
        if target.is_implicit {
            connection
                .prepare_cached(
                    "UPDATE sessions SET name = ?3, started = min(started, ?4), implicit = 0, family = ?5, body = ?6
                     WHERE project = ?1 AND id = ?2",
                )?
                .execute(params![
                    self.project,
                    id,
                    session.name,
                    session.started,
                    self.family,
                    large_bodies::in_row(body)
                ])?;
        } else {
            connection
                .prepare_cached("UPDATE sessions SET body = ?3 WHERE project = ?1 AND id = ?2")?
                .execute(params![self.project, id, large_bodies::in_row(body)])?;
        }
        large_bodies::save(connection, self.project, target.location.id, body)
    }
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
