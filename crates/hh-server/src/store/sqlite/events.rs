//! Stores the events of sessions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec;

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::deletions::discards_events;
use super::engine::Sqlite;
use super::rollups::{Counted, Rollups, day_of};
use super::session_rows::{
    SessionRow, create_session, extend_session, find_session, kind_number, name_session,
};
use crate::auth::{Access, ProjectAccess};
use crate::domain::event_ids::EventIdentity;
use crate::domain::events::by_session;
use crate::domain::sessions::Extent;
use crate::store::commands::{InsertEvents, NewEvent};
use crate::store::port::{Hold, StoreError, Write};

/// The maximum number of events in one command of the writer. A key change waits for the running command, so a command
/// must be short even if each of its events also creates a session.
pub(super) const MAX_PART: usize = 500;

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
    for group in by_session(events, group_key) {
        let Some(first) = group.first() else {
            continue;
        };
        let found = find_session(connection, project, first)?;
        let id = found.as_ref().map_or(first.session, |found| found.id);
        if discards_events(connection, project.number(), id)? {
            continue;
        }
        let is_new = found.is_none();
        let session = match found {
            Some(session) => session,
            // Its row is inserted only if one of the events is new.
            None => SessionRow::reserve(connection, project, first)?,
        };
        let mut extent: Option<Extent> = None;
        let mut creator = None;
        for event in &group {
            let (id, parent) = event.identity.ids(session.id_scheme, session.id);
            if has_session_of_its_id(connection, project, &event.identity)? {
                continue;
            }
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
                creator = creator.or(Some(*event));
                rollups.add(&counted);
                let times = Extent {
                    started: event.started,
                    ended: event.ended,
                };
                extent = Some(extent.unwrap_or(times).join(times));
            }
        }
        let (Some(extent), Some(creator)) = (extent, creator) else {
            continue;
        };
        let name = group.iter().find_map(|event| event.session_name.as_deref());
        if is_new {
            let session = session.with_extent(extent);
            create_session(connection, project, &session, (name, &creator.source))?;
            rollups.add(&session.counted());
        } else {
            name_session(connection, &session, name)?;
            extend_session(connection, &session, extent, rollups)?;
        }
    }
    Ok(())
}

/// Returns what events of the same session have in common. The session of a trace depends on the stored events.
fn group_key(event: &NewEvent) -> (bool, Uuid) {
    let trace = event.identity.trace_session();
    match trace.filter(|_| event.joins_trace) {
        Some(trace) => (true, trace),
        None => (false, event.session),
    }
}

/// Returns whether an event is not stored because a session has its id.
fn has_session_of_its_id(
    connection: &Connection,
    project: &ProjectAccess,
    identity: &EventIdentity,
) -> Result<bool, StoreError> {
    let EventIdentity::Given {
        id,
        yields_to_session: true,
        ..
    } = identity
    else {
        return Ok(false);
    };
    let found = connection
        .prepare_cached("SELECT 1 FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project.number(), id.as_bytes()], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests;
