//! Deletes events, sessions, the data of users, and projects.
//!
//! A deletion of few rows is one command. A session with more events is marked as deleted, so that no query finds it, and
//! a thread deletes its rows in parts. The same thread deletes the rows of deleted projects, searches the data of users,
//! and deletes expired rows. All of this work is stored in the database, so that it continues after a restart, except
//! the deletion of expired rows, which the server starts again.

mod expired;
mod hidden;
mod rows;
mod search;
mod sessions;
mod space;
mod users;
mod work;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hh_api::types::EventKind;
use hh_auth::ProjectId;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::engine::Sqlite;
use super::rollups::{self, Rollups};
use super::session_rows::kind_number;
use crate::auth::{ProjectAccess, ServerAccess};
use crate::domain::user_property::UserProperty;
use crate::store::deletions::{CountDeletion, Delete, DeleteExpired, DeletedRows, DeletionTarget};
use crate::store::port::{Hold, Read, StoreError, Write};
pub(super) use hidden::{discards_events, has_hidden, refuse_start};
use work::Pending;
pub(super) use worker::Deletions;

/// The number of rows that the first command of a deletion deletes. Tests use few, so that the thread deletes the rest.
const FIRST_PART: usize = if cfg!(test) { 2 } else { 500 };

/// How long a request waits until a deletion is complete.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The time of one part of a search that only counts.
const COUNTING: Duration = Duration::from_secs(2);

/// The number of rows that one part of a search finds if it only counts, which limits its memory.
const COUNTED: usize = 10_000;

/// How long a query waits for other queries of the same key.
const MAX_TURN: Duration = Duration::from_secs(20);

/// Returns whether deletions are stored that are not complete.
pub(super) fn has_stored(connection: &Connection) -> Result<bool, StoreError> {
    for sql in [
        sessions::HAS_DELETED,
        users::HAS_SEARCHES,
        sessions::HAS_DELETED_PROJECTS,
    ] {
        if connection.query_row(sql, [], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Read<CountDeletion> for Sqlite {
    async fn read(
        &self,
        project: &ProjectAccess,
        query: CountDeletion,
    ) -> Result<DeletedRows, StoreError> {
        let number = project.number();
        let _turn = self.event_turns.wait(project.family(), MAX_TURN).await?;
        if let DeletionTarget::User(property) = query.target {
            return self.count_user(project, Arc::new(property)).await;
        }
        let (live, now) = (self.check_live(project.key()), self.clock.key_time());
        self.readers
            .read_events(COUNTING * 5, move |connection, _| {
                let snapshot = connection.unchecked_transaction()?;
                live(&snapshot)?;
                count(&snapshot, number, &query.target, now)
            })
            .await
    }
}

impl Sqlite {
    /// Counts the data of a user in several queries, because one query would exceed its time limit.
    async fn count_user(
        &self,
        project: &ProjectAccess,
        property: Arc<UserProperty>,
    ) -> Result<DeletedRows, StoreError> {
        let number = project.number();
        let (mut counted, mut position) = (DeletedRows::default(), search::first_position());
        loop {
            let live = self.check_live(project.key());
            let property = Arc::clone(&property);
            let part = self
                .readers
                .read_events(COUNTING * 5, move |connection, _| {
                    live(connection)?;
                    let limits = (COUNTED, Instant::now() + COUNTING);
                    let found =
                        search::search(connection, number, &property, &mut position, limits)?;
                    Ok((found, position))
                })
                .await;
            let (found, reached) = part?;
            position = reached;
            counted.add(DeletedRows {
                sessions: found.sessions.len() as u64,
                events: found.session_events + found.events.len() as u64,
                is_pending: false,
            });
            if found.is_complete {
                return Ok(counted);
            }
        }
    }
}

/// A deletion whose first part is done.
struct Begun {
    rows: DeletedRows,
    /// What the thread has to delete.
    pending: Option<Pending>,
}

impl Write<Delete> for Sqlite {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: Delete,
        hold: Hold,
    ) -> Result<DeletedRows, StoreError> {
        let number = project.number();
        let (live, now) = (self.check_live(project.key()), self.clock.key_time());
        let (catalog, deletions) = (Arc::clone(&self.catalog), Arc::clone(&self.deletions));
        let is_project = matches!(command.target, DeletionTarget::Project);
        let (sender, mut progress) = watch::channel(DeletedRows::pending());
        let begun = self.writer.submit_then(
            hold,
            move |connection| {
                live(connection)?;
                begin(connection, number, &command.target, now)
            },
            // The deletion continues even if the client has disconnected.
            move |begun: &Begun| {
                if is_project {
                    catalog.remove(ProjectId::new(number));
                }
                match begun.pending {
                    Some(pending) => {
                        sender.send_modify(|rows| rows.add(begun.rows));
                        deletions.report(pending, sender);
                    }
                    None => deletions.wake(),
                }
            },
        );
        let begun = begun.wait().await?;
        if begun.pending.is_none() {
            return Ok(begun.rows);
        }
        // The rest of a deletion that takes longer continues after the answer, and when the server is started again.
        drop(timeout(MAX_WAIT, progress.wait_for(|rows| !rows.is_pending)).await);
        let rows = *progress.borrow();
        Ok(rows)
    }
}

impl Write<DeleteExpired> for Sqlite {
    async fn write(
        &self,
        _: &ServerAccess,
        command: DeleteExpired,
        _: Hold,
    ) -> Result<DeletedRows, StoreError> {
        let mut progress = self.deletions.expire(command.rule);
        let complete = progress.wait_for(|rows| !rows.is_pending).await;
        complete.map(|rows| *rows).map_err(|_| StoreError::Stopped)
    }
}

/// Counts what a deletion would delete.
fn count(
    connection: &Connection,
    project: i64,
    target: &DeletionTarget,
    now: Timestamp,
) -> Result<DeletedRows, StoreError> {
    let mut counted = DeletedRows::default();
    match target {
        DeletionTarget::Event(id) => {
            find_event(connection, project, *id)?;
            counted.events = 1;
        }
        DeletionTarget::Session(id) => {
            let sid = find_session(connection, project, *id)?;
            counted.sessions = 1;
            counted.events = rows::count_events(connection, sid)?;
        }
        DeletionTarget::Project => {
            check_no_keys(connection, project, now)?;
            let sessions = kind_number(EventKind::Session);
            counted.sessions = rollups::total(connection, project, Some(sessions))?;
            let all = rollups::total(connection, project, None)?;
            counted.events = all.saturating_sub(counted.sessions);
        }
        // It is counted in several queries.
        DeletionTarget::User(_) => {}
    }
    Ok(counted)
}

/// Begins a deletion, and completes it if it has few rows.
fn begin(
    connection: &Connection,
    project: i64,
    target: &DeletionTarget,
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let (mut rows, mut pending) = (DeletedRows::default(), None);
    match target {
        DeletionTarget::Event(id) => {
            let key = find_event(connection, project, *id)?;
            let mut rollups = Rollups::default();
            rows::delete_event(connection, project, &key, &mut rollups)?;
            rollups.save(connection)?;
            rows.events = 1;
        }
        DeletionTarget::Session(id) => {
            let sid = find_session(connection, project, *id)?;
            let mut is_complete = false;
            for part in sessions::delete(connection, &[(project, sid)], FIRST_PART)? {
                rows.add(part.rows);
                is_complete = part.is_complete;
            }
            if !is_complete {
                sessions::mark(connection, project, sid)?;
                pending = Some(Pending::Session(sid));
            }
        }
        DeletionTarget::User(property) => {
            let search = users::begin(connection, project, property)?;
            pending = Some(Pending::Search(search));
        }
        DeletionTarget::Project => {
            rows = count(connection, project, target, now)?;
            delete_project(connection, project)?;
            pending = Some(Pending::Projects);
        }
    }
    Ok(Begun { rows, pending })
}

/// Marks a project as deleted, and removes its name.
fn delete_project(connection: &Connection, project: i64) -> Result<(), StoreError> {
    // The name of a project has no slash, so another project can have the name of this one.
    connection.execute(
        "UPDATE projects SET deleted = 1, name = '/' || id, description = '' WHERE project = ?1",
        [project],
    )?;
    connection.execute("DELETE FROM user_deletions WHERE project = ?1", [project])?;
    Ok(())
}

/// The maximum number of keys that an error names.
const MAX_NAMED_KEYS: usize = 10;

/// Checks that no active key is limited to projects of which this is one.
fn check_no_keys(connection: &Connection, project: i64, now: Timestamp) -> Result<(), StoreError> {
    let mut keys = connection.prepare(
        "SELECT id FROM key_projects JOIN api_keys USING (key_id)
         WHERE project = ?1 AND revoked IS NULL AND coalesce(expires > ?2, true)
           AND coalesce(grace_ends > ?2, true)
         ORDER BY key_id",
    )?;
    let keys = keys.query_map(params![project, now.as_millisecond()], |row| row.get(0))?;
    let keys: Vec<String> = keys.collect::<Result<_, _>>()?;
    let more = keys.len().saturating_sub(MAX_NAMED_KEYS);
    let named = keys.iter().take(MAX_NAMED_KEYS).map(String::as_str);
    let mut named = named.collect::<Vec<_>>().join(", ");
    if more > 0 {
        named = format!("{named} and {more} more");
    }
    match keys.len() {
        0 => Ok(()),
        1 => Err(StoreError::conflict(format!(
            "API key {named} is limited to certain projects, and this is one of them; revoke the key first"
        ))),
        _ => Err(StoreError::conflict(format!(
            "API keys {named} are limited to certain projects, and this is one of them; revoke the keys first"
        ))),
    }
}

/// Finds an event by its id.
fn find_event(
    connection: &Connection,
    project: i64,
    id: Uuid,
) -> Result<rows::EventKey, StoreError> {
    if let Some(key) = rows::find_event(connection, project, id)? {
        return Ok(key);
    }
    let is_session = rows::find_session(connection, project, id)?.is_some();
    Err(StoreError::NotFound(if is_session {
        format!("event {id} is a session; delete the session instead")
    } else {
        format!("event {id} not found")
    }))
}

fn find_session(connection: &Connection, project: i64, id: Uuid) -> Result<i64, StoreError> {
    rows::find_session(connection, project, id)?
        .ok_or_else(|| StoreError::NotFound(format!("session {id} not found")))
}

#[cfg(test)]
mod tests;
