//! Starts sessions. A session is an event whose id is the session id.

use std::ops::ControlFlow;
use std::sync::Arc;

use hh_api::types::EventKind;
use rusqlite::{Connection, params};

use super::engine::Sqlite;
use super::large_bodies;
use super::merge::{Change, ChangeOutcome, Location, SMALL, Table, Target};
use super::session_rows::stored_event;
use crate::auth::ProjectAccess;
use crate::domain::events::Rights;
use crate::domain::sessions::{StoredSession, changes, merge_start};
use crate::store::commands::{NewSession, StartSession};
use crate::store::page::{StoredEvent, render};
use crate::store::port::{Hold, StoreError, Write};

impl Write<StartSession> for Sqlite {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: StartSession,
        hold: Hold,
    ) -> Result<Vec<u8>, StoreError> {
        let StartSession { rights, session } = command;
        let (number, public, id) = (project.number(), project.public().to_owned(), session.id);
        let session = Arc::new(session);
        let start = Start {
            project: number,
            family: project.family(),
            rights,
            session: Arc::clone(&session),
        };
        // The memory that the caller reserved is held until the response is rendered.
        let _held = hold.clone();
        let done = self
            .merge(project.key(), project.family(), Arc::new(start), hold)
            .await?;
        if done == ChangeOutcome::Created || !rights.can_read {
            return render_new(&session, &public);
        }
        let live = self.check_live(project.key());
        self.readers
            .read_body(move |connection| {
                live(connection)?;
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

/// Renders a session from the data of the request, without reading the stored session.
fn render_new(session: &NewSession, project: &str) -> Result<Vec<u8>, StoreError> {
    let event = StoredEvent {
        id: session.id,
        session: session.id,
        parent: None,
        kind: EventKind::Session,
        name: &session.name,
        started: session.started,
        ended: session.ended,
        body: &session.encoded,
    };
    render(&event, project)
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
                "INSERT INTO sessions (project, id, name, started, ended, implicit, body, family) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)",
            )?
            .execute(params![
                self.project,
                session.id.as_bytes(),
                session.name,
                session.started,
                session.ended,
                large_bodies::in_row(&session.encoded),
                self.family,
            ])?;
        if large_bodies::in_row(&session.encoded).is_empty() {
            large_bodies::save(connection, self.project, session.id, &session.encoded)?;
        }
        Ok(())
    }
}

impl Change for Start {
    fn is_small(&self) -> bool {
        self.session.encoded.len() <= SMALL
    }

    fn find(
        &self,
        connection: &Connection,
    ) -> Result<ControlFlow<ChangeOutcome, Target>, StoreError> {
        let location = Location {
            table: Table::Sessions,
            project: self.project,
            id: self.session.id,
        };
        let Some(target) = location.find(connection)? else {
            self.insert(connection)?;
            return Ok(ControlFlow::Break(ChangeOutcome::Created));
        };
        let stored = StoredSession {
            is_implicit: target.is_implicit,
            size: target.size,
            may_change: location.may_change(connection, self.rights)?,
        };
        if changes(&self.session.body, self.rights, stored) {
            return Ok(ControlFlow::Continue(target));
        }
        Ok(ControlFlow::Break(ChangeOutcome::Existed))
    }

    fn merge(&self, target: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let NewSession { body, encoded, .. } = &*self.session;
        let is_implicit = target.is_implicit;
        Ok(merge_start(
            stored,
            body,
            encoded,
            self.rights,
            is_implicit,
        )?)
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
                    "UPDATE sessions SET name = ?3, started = min(started, ?4), ended = max(ended, ?5), implicit = 0,
                       family = ?6, body = ?7
                     WHERE project = ?1 AND id = ?2",
                )?
                .execute(params![
                    self.project,
                    id,
                    session.name,
                    session.started,
                    session.ended,
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
