//! Stores the events of sessions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec;

use rusqlite::{Connection, params};

use super::deletions::discards_events;
use super::engine::Sqlite;
use super::rollups::{Counted, Rollups, day_of};
use super::session_rows::{extend_session, kind_number, session_of};
use crate::auth::{Access, ProjectAccess};
use crate::domain::events::by_session;
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
                let mut rollups = Rollups::default();
                for (project, events) in &part {
                    insert_events(connection, project, events, &mut rollups)?;
                }
                rollups.save(connection)
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
    rollups: &mut Rollups,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, error, input_tokens, output_tokens,
           cost, family, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING",
    )?;
    for group in by_session(events, |event| event.session) {
        let Some(first) = group.first() else {
            continue;
        };
        if discards_events(connection, project.number(), first.session)? {
            continue;
        }
        let session = session_of(connection, project, first, rollups)?;
        let mut extent: Option<Extent> = None;
        for event in group {
            let (id, parent) = event.identity.ids(session.id_scheme);
            let counted = Counted {
                project: project.number(),
                kind: kind_number(event.kind),
                day: day_of(event.started),
                started: event.started,
                ended: event.ended,
                usage: event.usage,
            };
            let inserted = insert.execute(params![
                session.sid,
                event.started,
                id.as_bytes(),
                parent.as_bytes(),
                counted.project,
                counted.kind,
                event.name,
                event.ended,
                event.usage.has_error,
                event.usage.input_tokens,
                event.usage.output_tokens,
                event.usage.cost,
                project.family(),
                event.body,
            ])?;
            // An event that is stored already must not change the times of its session again, because an update may
            // have changed them in the meantime.
            if inserted > 0 {
                rollups.add(&counted);
                let times = Extent {
                    started: event.started,
                    ended: event.ended,
                };
                extent = Some(extent.unwrap_or(times).join(times));
            }
        }
        if let Some(extent) = extent {
            extend_session(connection, &session, extent, rollups)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
