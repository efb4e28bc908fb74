//! Stores the events of sessions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec;

use rusqlite::{Connection, params};

use super::engine::Sqlite;
use super::session_rows::{extend_session, kind_number, session_of};
use crate::auth::{Access, ProjectAccess};
use crate::domain::sessions::Extent;
use crate::store::commands::{InsertEvents, NewEvent};
use crate::store::port::{Hold, StoreError, Write};

/// The maximum number of events in one command of the writer. A key change waits for the running command, so a command
/// must be short even if each of its events also creates a session.
const MAX_PART: usize = 500;

/// The events that are not stored yet, grouped by project.
struct PendingEvents(VecDeque<(Arc<ProjectAccess>, vec::IntoIter<NewEvent>)>);

/// The events that one command of the writer stores, grouped by project.
type EventBatch = Vec<(Arc<ProjectAccess>, Vec<NewEvent>)>;

impl PendingEvents {
    fn new(batches: Vec<(ProjectAccess, Vec<NewEvent>)>) -> Self {
        let batches = batches.into_iter();
        Self(
            batches
                .map(|(project, events)| (Arc::new(project), events.into_iter()))
                .collect(),
        )
    }

    fn take_part(&mut self) -> EventBatch {
        let (mut part, mut free) = (EventBatch::new(), MAX_PART);
        while free > 0
            && let Some((project, events)) = self.0.front_mut()
        {
            let taken: Vec<_> = events.take(free).collect();
            free -= taken.len();
            part.push((Arc::clone(project), taken));
            if events.len() == 0 {
                self.0.pop_front();
            }
        }
        part
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Write<InsertEvents> for Sqlite {
    /// Stores many events in parts, each in its own transaction, so that other commands can run between the parts.
    async fn write(
        &self,
        access: &Access,
        InsertEvents { batches }: InsertEvents,
        hold: Hold,
    ) -> Result<(), StoreError> {
        let (key, mut unstored) = (access.record().key_id, PendingEvents::new(batches));
        let mut stored = 0;
        loop {
            let part = unstored.take_part();
            let count: usize = part.iter().map(|(_, events)| events.len()).sum();
            let done = self.insert_part(key, part, hold.clone()).await;
            done.map_err(|error| error.after(stored))?;
            stored += count;
            if unstored.is_empty() {
                return Ok(());
            }
        }
    }
}

impl Sqlite {
    async fn insert_part(&self, key: i64, part: EventBatch, hold: Hold) -> Result<(), StoreError> {
        let live = self.check_live(key);
        let inserted = self.writer.submit_then(
            hold,
            move |connection| {
                live(connection)?;
                for (project, events) in &part {
                    insert_events(connection, project, events)?;
                }
                Ok(())
            },
            |()| (),
        );
        inserted.wait().await
    }
}

fn insert_events(
    connection: &Connection,
    project: &ProjectAccess,
    events: &[NewEvent],
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body, family)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    )?;
    // Consecutive events often belong to the same session. The session is looked up and its times are extended only
    // once for all of them.
    for run in events.chunk_by(|one, next| one.session == next.session) {
        let sid = session_of(connection, project, &run[0])?;
        let mut extent: Option<Extent> = None;
        for event in run {
            let inserted = insert.execute(params![
                sid,
                event.started,
                event.id.as_bytes(),
                event.parent.as_bytes(),
                project.number(),
                kind_number(event.kind),
                event.name,
                event.ended,
                event.body,
                project.family(),
            ])?;
            // An event that is stored already must not change the times of its session again, because an update may
            // have changed them in the meantime.
            if inserted > 0 {
                let times = Extent {
                    started: event.started,
                    ended: event.ended,
                };
                extent = Some(extent.unwrap_or(times).join(times));
            }
        }
        if let Some(extent) = extent {
            extend_session(connection, sid, extent)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
