//! Starts sessions. A session is an event whose id is the session id.

use std::ops::ControlFlow;
use std::sync::Arc;

use hh_api::types::EventKind;
use rusqlite::{Connection, params};

use super::deletions::refuse_start;
use super::engine::Sqlite;
use super::events::MAX_PART;
use super::large_bodies;
use super::merge::{
    Change, ChangeOutcome, Location, MergedBody, SMALL, Table, Target, apply_small,
};
use super::session_rows::{insert_started, stored_event};
use crate::auth::{Access, ProjectAccess};
use crate::domain::events::Rights;
use crate::domain::sessions::{StoredSession, changes, merge_start};
use crate::domain::usage::Usage;
use crate::store::commands::{NewSession, StartSession, StartSessions};
use crate::store::page::{StoredEvent, render};
use crate::store::port::{Hold, StoreError, Write};

impl Write<StartSession> for Sqlite {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: StartSession,
        hold: Hold,
    ) -> Result<Vec<u8>, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let start = Start::new(project, command);
        let (rights, session, id) = (start.rights, Arc::clone(&start.session), start.session.id);
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
            .read_for_change(move |connection| {
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

impl Write<StartSessions> for Sqlite {
    /// Starts many sessions in parts, each in its own transaction. Large sessions are merged one by one after their part.
    async fn write(
        &self,
        access: &Access,
        StartSessions { sessions }: StartSessions,
        hold: Hold,
    ) -> Result<(), StoreError> {
        let key = access.record().key_id;
        let starts = sessions.into_iter();
        let starts = starts.map(|(project, start)| Arc::new(Start::new(&project, start)));
        let starts: Vec<_> = starts.collect();
        let mut stored = 0;
        for part in starts.chunks(MAX_PART) {
            let (live, starts) = (self.check_live(key), part.to_vec());
            let small = self.writer.submit_then(
                hold.clone(),
                move |connection| {
                    live(connection)?;
                    let mut large = Vec::new();
                    for start in starts {
                        if apply_small(connection, &*start)?.is_none() {
                            large.push(start);
                        }
                    }
                    Ok(large)
                },
                |_| (),
            );
            let large = small.wait().await.map_err(|error| error.after(stored))?;
            stored += part.len() - large.len();
            for start in large {
                let family = start.family;
                let merged = self.merge(key, family, start, hold.clone()).await;
                merged.map_err(|error| error.after(stored))?;
                stored += 1;
            }
        }
        Ok(())
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
    usage: Usage,
}

impl Start {
    fn new(project: &ProjectAccess, StartSession { rights, session }: StartSession) -> Self {
        Self {
            project: project.number(),
            family: project.family(),
            rights,
            usage: Usage::of(&session.body),
            session: Arc::new(session),
        }
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
            refuse_start(connection, self.project, self.session.id)?;
            insert_started(
                connection,
                self.project,
                self.family,
                &self.session,
                self.usage,
            )?;
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
        body: &MergedBody,
    ) -> Result<(), StoreError> {
        let session = &self.session;
        let (mut started, mut ended) = (target.started, target.ended);
        if target.is_implicit {
            started = started.min(session.started);
            ended = ended.max(session.ended);
            connection
                .prepare_cached(
                    "UPDATE sessions SET name = ?3, started = ?4, implicit = 0, family = ?5
                     WHERE project = ?1 AND id = ?2",
                )?
                .execute(params![
                    self.project,
                    target.location.id.as_bytes(),
                    session.name,
                    started,
                    self.family,
                ])?;
        }
        target.save(connection, body, started, ended)
    }
}
