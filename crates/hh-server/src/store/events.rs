//! Events below sessions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec;

use hh_api::types::EventKind;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::sessions::{Extent, session_of, stretch};
use super::{Store, StoreError};
use crate::access::InProject;
use crate::body::Reservation;

/// An event below a session. Times are nanoseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) session: Uuid,
    /// The name that the span gives to a session that is not there yet.
    pub(crate) session_name: Option<String>,
    pub(crate) parent: Uuid,
    pub(crate) kind: EventKind,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) source: String,
    /// A [`Body`](super::Body), encoded before it is queued: the writer has enough to do.
    pub(crate) body: Vec<u8>,
}

/// The most events of one command of the writer. A key change waits for the command that is running, and each event may
/// create a session too.
const MAX_PART: usize = 500;

/// Events that are not stored yet, by project.
struct Unstored(VecDeque<(Arc<InProject>, vec::IntoIter<NewEvent>)>);

/// Events of one command of the writer.
type Part = Vec<(Arc<InProject>, Vec<NewEvent>)>;

impl Unstored {
    fn new(batches: Vec<(InProject, Vec<NewEvent>)>) -> Self {
        let batches = batches.into_iter();
        Self(
            batches
                .map(|(project, events)| (Arc::new(project), events.into_iter()))
                .collect(),
        )
    }

    fn take_part(&mut self) -> Part {
        let (mut part, mut free) = (Part::new(), MAX_PART);
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

impl Store {
    /// Stores events; those that are there already are left as they are.
    ///
    /// Many events are stored in parts, each in a transaction of its own, so that other commands run in between.
    ///
    /// # Errors
    /// `Partial` if some parts were stored before the error.
    pub(crate) async fn insert_events(
        &self,
        batches: Vec<(InProject, Vec<NewEvent>)>,
        hold: Reservation,
    ) -> Result<(), StoreError> {
        let (mut unstored, hold) = (Unstored::new(batches), Arc::new(hold));
        let mut stored = 0;
        loop {
            let part = unstored.take_part();
            let count: usize = part.iter().map(|(_, events)| events.len()).sum();
            let done = self.insert_part(part, Arc::clone(&hold)).await;
            done.map_err(|error| error.after(stored))?;
            stored += count;
            if unstored.is_empty() {
                return Ok(());
            }
        }
    }

    async fn insert_part(&self, part: Part, hold: Arc<Reservation>) -> Result<(), StoreError> {
        let key = part.first().map(|(project, _)| project.key());
        let still = key.map(|key| self.still(key));
        self.writer
            .submit(Some(hold), move |connection| {
                still.map_or(Ok(()), |still| still(connection))?;
                for (project, events) in &part {
                    insert_events(connection, project, events)?;
                }
                Ok(())
            })
            .wait()
            .await
    }
}

fn insert_events(
    connection: &Connection,
    project: &InProject,
    events: &[NewEvent],
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body, family)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    )?;
    // Events come in runs of one session, which is looked up and stretched once a run.
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
            // One that was sent again changes nothing: the session may have been given other times since.
            if inserted > 0 {
                let times = Extent {
                    sid,
                    started: event.started,
                    ended: event.ended,
                };
                extent = Some(extent.unwrap_or(times).join(event));
            }
        }
        if let Some(extent) = extent {
            stretch(connection, extent)?;
        }
    }
    Ok(())
}

pub(super) fn kind_number(kind: EventKind) -> i64 {
    EventKind::ALL
        .iter()
        .position(|other| *other == kind)
        .and_then(|at| i64::try_from(at).ok())
        .unwrap_or(0)
}

pub(super) fn kind_of(number: i64) -> EventKind {
    usize::try_from(number)
        .ok()
        .and_then(|at| EventKind::ALL.get(at).copied())
        .unwrap_or(EventKind::Tool)
}

#[cfg(test)]
mod tests;
