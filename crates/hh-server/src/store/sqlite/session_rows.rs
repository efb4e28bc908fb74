//! Reads and writes rows of sessions and of their events.

use hh_api::types::EventKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::large_bodies;
use super::rollups::{Counted, Rollups, day_of};
use crate::auth::ProjectAccess;
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::{IdScheme, ids_of_trace};
use crate::domain::sessions::{Extent, UNNAMED};
use crate::domain::usage::Usage;
use crate::store::commands::{NewEvent, NewSession};
use crate::store::page::StoredEvent;
use crate::store::port::StoreError;

/// Returns a row of either table as a borrowed event.
pub(super) fn stored_event<'a>(row: &'a Row<'_>) -> Result<StoredEvent<'a>, rusqlite::Error> {
    let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
    Ok(StoredEvent {
        kind: kind_of(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        session: Uuid::from_bytes(row.get(2)?),
        parent: row.get::<_, Option<_>>(3)?.map(Uuid::from_bytes),
        name: text(4)?,
        started: row.get(5)?,
        ended: row.get(6)?,
        body: row.get_ref(7)?.as_blob()?,
    })
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

/// A session without its name and body. Times are nanoseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct SessionRow {
    pub(super) sid: i64,
    pub(super) id: Uuid,
    pub(super) id_scheme: IdScheme,
    is_implicit: bool,
    /// Whether spans created it, and none of them has named it yet.
    is_unnamed: bool,
    project: i64,
    day: i64,
    started: i64,
    ended: i64,
}

/// The columns of a [`SessionRow`], except its project. The first parameter is the name of a session without a name.
const COLUMNS: &str =
    "s.sid, s.id, s.id_scheme, s.implicit, s.implicit AND s.name = ?1, s.day, s.started, s.ended";

impl SessionRow {
    fn read(project: i64, row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            sid: row.get(0)?,
            id: Uuid::from_bytes(row.get(1)?),
            id_scheme: IdScheme::of_number(row.get(2)?),
            is_implicit: row.get(3)?,
            is_unnamed: row.get(4)?,
            project,
            day: row.get(5)?,
            started: row.get(6)?,
            ended: row.get(7)?,
        })
    }

    /// Returns the session that an event creates, with the number that its row will have. It is valid until the next
    /// session is inserted.
    pub(super) fn reserve(
        connection: &Connection,
        project: &ProjectAccess,
        event: &NewEvent,
    ) -> Result<Self, StoreError> {
        let sid = connection
            .prepare_cached("SELECT coalesce(max(sid), 0) + 1 FROM sessions")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            sid,
            id: event.session,
            id_scheme: IdScheme::TracePrefix,
            is_implicit: true,
            is_unnamed: false,
            project: project.number(),
            day: day_of(event.started),
            started: event.started,
            ended: event.ended,
        })
    }

    /// Returns the session with the times of its events.
    pub(super) fn with_extent(self, extent: Extent) -> Self {
        Self {
            day: day_of(extent.started),
            started: extent.started,
            ended: extent.ended,
            ..self
        }
    }

    /// Returns the session for the counts, without its usage.
    pub(super) fn counted(&self) -> Counted {
        Counted {
            project: self.project,
            kind: kind_number(EventKind::Session),
            day: self.day,
            started: self.started,
            ended: self.ended,
            usage: Usage::default(),
        }
    }
}

/// Finds the session of an event.
///
/// The spans of a trace may arrive in several exports, and not each of them names the session. A span that does not has
/// the session of earlier spans of its trace. Their ids are adjacent in the index.
pub(super) fn find_session(
    connection: &Connection,
    project: &ProjectAccess,
    event: &NewEvent,
) -> Result<Option<SessionRow>, StoreError> {
    let number = project.number();
    let trace = event.identity.trace_session();
    let Some(trace) = trace.filter(|_| event.joins_trace) else {
        return session_with_id(connection, number, event.session);
    };
    if let Some(found) = session_with_id(connection, number, trace)? {
        return Ok(Some(found));
    }
    let ids = ids_of_trace(trace);
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events e INDEXED BY events_id JOIN sessions s ON s.sid = e.sid
             WHERE e.project = ?2 AND e.id BETWEEN ?3 AND ?4 LIMIT 1"
        ))?
        .query_row(
            params![
                UNNAMED,
                number,
                ids.start().as_bytes(),
                ids.end().as_bytes()
            ],
            |row| SessionRow::read(number, row),
        )
        .optional()?;
    if found.is_some() || event.session == trace {
        return Ok(found);
    }
    session_with_id(connection, number, event.session)
}

fn session_with_id(
    connection: &Connection,
    project: i64,
    id: Uuid,
) -> Result<Option<SessionRow>, StoreError> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM sessions s WHERE s.project = ?2 AND s.id = ?3"
        ))?
        .query_row(params![UNNAMED, project, id.as_bytes()], |row| {
            SessionRow::read(project, row)
        })
        .optional()?;
    Ok(found)
}

/// Inserts the row of a session that events create, with a name and a source.
pub(super) fn create_session(
    connection: &Connection,
    project: &ProjectAccess,
    session: &SessionRow,
    (name, source): (Option<&str>, &str),
) -> Result<(), StoreError> {
    let body = EventBody {
        source: source.to_owned(),
        ..EventBody::default()
    };
    let columns = Columns {
        id: session.id,
        name: name.unwrap_or(UNNAMED),
        usage: Usage::default(),
        family: project.family(),
        body: &body.encode()?,
    };
    insert_session(connection, Some(session.sid), session, &columns)
}

/// Names a session that has no name yet. The root span of a trace usually arrives last.
pub(super) fn name_session(
    connection: &Connection,
    session: &SessionRow,
    name: Option<&str>,
) -> Result<(), StoreError> {
    if let Some(name) = name.filter(|_| session.is_unnamed) {
        connection
            .prepare_cached("UPDATE sessions SET name = ?2 WHERE sid = ?1")?
            .execute(params![session.sid, name])?;
    }
    Ok(())
}

/// The columns of a new session that [`SessionRow`] does not contain.
struct Columns<'a> {
    id: Uuid,
    name: &'a str,
    usage: Usage,
    family: i64,
    body: &'a [u8],
}

/// Inserts the row of a session, with its number or with the next one.
fn insert_session(
    connection: &Connection,
    sid: Option<i64>,
    session: &SessionRow,
    columns: &Columns<'_>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (project, id, name, started, ended, implicit, id_scheme, day, listed, error,
               input_tokens, output_tokens, cost, family, body, sid)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            session.project,
            columns.id.as_bytes(),
            columns.name,
            session.started,
            session.ended,
            session.is_implicit,
            session.id_scheme.number(),
            session.day,
            columns.usage.has_error,
            columns.usage.input_tokens,
            columns.usage.output_tokens,
            columns.usage.cost,
            columns.family,
            columns.body,
            sid,
        ])?;
    Ok(())
}

/// Inserts a session that a request starts. A large body is stored separately.
pub(super) fn insert_started(
    connection: &Connection,
    project: i64,
    family: i64,
    session: &NewSession,
    usage: Usage,
) -> Result<(), StoreError> {
    let row = SessionRow {
        sid: 0,
        id: session.id,
        id_scheme: IdScheme::TracePrefix,
        is_implicit: false,
        is_unnamed: false,
        project,
        day: day_of(session.started),
        started: session.started,
        ended: session.ended,
    };
    let columns = Columns {
        id: session.id,
        name: &session.name,
        usage,
        family,
        body: large_bodies::in_row(&session.encoded),
    };
    let is_large = columns.body.is_empty();
    insert_session(connection, None, &row, &columns)?;
    if is_large {
        large_bodies::save(connection, project, session.id, &session.encoded)?;
    }
    let mut rollups = Rollups::default();
    rollups.add(&Counted {
        usage,
        ..row.counted()
    });
    rollups.save(connection)
}

/// Moves the end of a session to the end of its events if they end later. The start of a session that spans created
/// without a start request is moved to the start of its events if they start earlier.
pub(super) fn extend_session(
    connection: &Connection,
    session: &SessionRow,
    extent: Extent,
    rollups: &mut Rollups,
) -> Result<(), StoreError> {
    let ended = session.ended.max(extent.ended);
    let started = if session.is_implicit {
        session.started.min(extent.started)
    } else {
        session.started
    };
    if (started, ended) == (session.started, session.ended) {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE sessions SET started = ?2, ended = ?3 WHERE sid = ?1")?
        .execute([session.sid, started, ended])?;
    let before = session.counted();
    rollups.remove(&before);
    rollups.add(&Counted {
        started,
        ended,
        ..before
    });
    Ok(())
}
