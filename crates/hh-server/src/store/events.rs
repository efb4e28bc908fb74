//! Events below sessions, and reading both.

use hh_api::types::{Event, EventKind};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::body::{parse_body, to_millis};
use super::sessions::{Extent, UNNAMED, session_of, stretch};
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

/// Which events to read; the page starts at 0.
#[derive(Clone, Debug)]
pub(crate) struct EventQuery {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) limit: u32,
    pub(crate) page: u32,
}

impl Store {
    /// Stores events; those that are there already are left as they are.
    pub(crate) async fn insert_events(
        &self,
        batches: Vec<(InProject, Vec<NewEvent>)>,
        hold: Reservation,
    ) -> Result<(), StoreError> {
        let still = batches
            .first()
            .map(|(project, _)| self.still(project.key()));
        self.writer
            .submit(Some(hold), move |connection| {
                still.map_or(Ok(()), |still| still(connection))?;
                for (project, events) in &batches {
                    insert_events(connection, project, events)?;
                }
                Ok(())
            })
            .wait()
            .await
    }

    /// Reads a page of events, the latest start first, and counts all that match.
    pub(crate) async fn events(
        &self,
        project: &InProject,
        query: EventQuery,
    ) -> Result<(Vec<Event>, u64), StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let still = self.still(project.key());
        self.readers
            .read(move |connection| {
                still(connection)?;
                select(connection, number, &public, &query)
            })
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

/// The stored bytes of a page with more than one event.
const MAX_PAGE: usize = 8 * 1024 * 1024;

fn select(
    connection: &Connection,
    project: i64,
    public: &str,
    query: &EventQuery,
) -> Result<(Vec<Event>, u64), StoreError> {
    const SESSIONS: &str =
        "SELECT 0 AS kind, id, id AS session, NULL AS parent, name, started, ended, body
        FROM sessions WHERE project = ?1 AND (?2 IS NULL OR id = ?2) AND ?3 IS NULL";
    const EVENTS: &str = "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
        FROM events e JOIN sessions s USING (sid) WHERE e.project = ?1 AND (?3 IS NULL OR e.kind = ?3)";
    const EVENTS_OF_ONE: &str =
        "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
        FROM sessions s CROSS JOIN events e USING (sid)
        WHERE s.project = ?1 AND s.id = ?2 AND (?3 IS NULL OR e.kind = ?3)";
    let below = match query.session {
        Some(_) => EVENTS_OF_ONE,
        None => EVENTS,
    };
    let rows = match query.kind {
        Some(EventKind::Session) => SESSIONS.to_owned(),
        Some(_) => below.to_owned(),
        None => format!("{SESSIONS} UNION ALL {below}"),
    };
    let session = query.session.map(|id| *id.as_bytes());
    // The sessions' half takes no kind: when it is asked for, there is no other half to narrow.
    let kind = query
        .kind
        .filter(|kind| *kind != EventKind::Session)
        .map(kind_number);
    // One snapshot for both, whatever is written meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let total: i64 = snapshot
        .prepare_cached(&format!("SELECT count(*) FROM ({rows})"))?
        .query_row(params![project, session, kind], |row| row.get(0))?;
    let offset = u64::from(query.page) * u64::from(query.limit);
    let mut statement = snapshot.prepare_cached(&format!(
        "{rows} ORDER BY 6 DESC, 2 DESC LIMIT ?4 OFFSET ?5"
    ))?;
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let rows = statement.query_map(
        params![project, session, kind, query.limit, offset],
        raw_event,
    )?;
    let mut events = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let row = row?;
        bytes += row.body.len();
        // One event is answered however large; more than one only as far as it is read at one time.
        if bytes > MAX_PAGE && !events.is_empty() {
            return Err(StoreError::TooLarge(format!(
                "this page is larger than 8 MiB; ask for fewer events: set limit below {}",
                query.limit
            )));
        }
        events.push(row.into_event(public)?);
    }
    Ok((events, u64::try_from(total).unwrap_or(0)))
}

/// A row of either table, still without its JSON read.
pub(super) struct RawEvent {
    kind: i64,
    id: [u8; 16],
    session: [u8; 16],
    parent: Option<[u8; 16]>,
    name: String,
    started: i64,
    ended: i64,
    body: Vec<u8>,
}

pub(super) fn raw_event(row: &Row<'_>) -> Result<RawEvent, rusqlite::Error> {
    Ok(RawEvent {
        kind: row.get(0)?,
        id: row.get(1)?,
        session: row.get(2)?,
        parent: row.get(3)?,
        name: row.get(4)?,
        started: row.get(5)?,
        ended: row.get(6)?,
        body: row.get(7)?,
    })
}

impl RawEvent {
    pub(super) fn into_event(self, project: &str) -> Result<Event, StoreError> {
        let body = parse_body(&self.body)?;
        Ok(Event {
            event_id: Uuid::from_bytes(self.id),
            session_id: Uuid::from_bytes(self.session),
            parent_id: self.parent.map(Uuid::from_bytes),
            event_type: kind_of(self.kind),
            event_name: self.name,
            source: if body.source.is_empty() {
                UNNAMED.to_owned()
            } else {
                body.source
            },
            project_id: project.to_owned(),
            config: body.config,
            inputs: body.inputs,
            outputs: body.outputs,
            error: body.error,
            start_time: to_millis(self.started),
            end_time: to_millis(self.ended),
            duration: to_millis(self.ended.saturating_sub(self.started)),
            metadata: body.metadata,
            metrics: body.metrics,
            feedback: body.feedback,
            user_properties: body.user_properties,
        })
    }
}

fn kind_number(kind: EventKind) -> i64 {
    EventKind::ALL
        .iter()
        .position(|other| *other == kind)
        .and_then(|at| i64::try_from(at).ok())
        .unwrap_or(0)
}

fn kind_of(number: i64) -> EventKind {
    usize::try_from(number)
        .ok()
        .and_then(|at| EventKind::ALL.get(at).copied())
        .unwrap_or(EventKind::Tool)
}
