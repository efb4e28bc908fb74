//! Reads and writes rows of sessions and of their events.

use hh_api::types::EventKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::large_bodies;
use super::rollups::{Counted, Rollups, day_of};
use crate::auth::ProjectAccess;
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::IdScheme;
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

/// A stored session without its name and body. Times are nanoseconds since 1970.
pub(super) struct SessionRow {
    pub(super) sid: i64,
    pub(super) id_scheme: IdScheme,
    is_implicit: bool,
    project: i64,
    day: i64,
    started: i64,
    ended: i64,
}

impl SessionRow {
    /// Returns the session for the counts, without its usage.
    fn counted(&self) -> Counted {
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

/// Finds the session of an event, or creates it, because spans may arrive before the session is started.
pub(super) fn session_of(
    connection: &Connection,
    project: &ProjectAccess,
    event: &NewEvent,
    rollups: &mut Rollups,
) -> Result<SessionRow, StoreError> {
    let number = project.number();
    let found = connection
        .prepare_cached(
            "SELECT sid, id_scheme, implicit, day, started, ended FROM sessions WHERE project = ?1 AND id = ?2",
        )?
        .query_row(params![number, event.session.as_bytes()], |row| {
            Ok(SessionRow {
                sid: row.get(0)?,
                id_scheme: IdScheme::of_number(row.get(1)?),
                is_implicit: row.get(2)?,
                project: number,
                day: row.get(3)?,
                started: row.get(4)?,
                ended: row.get(5)?,
            })
        })
        .optional()?;
    if let Some(session) = found {
        return Ok(session);
    }
    let body = EventBody {
        source: event.source.clone(),
        ..EventBody::default()
    };
    let mut session = SessionRow {
        sid: 0,
        id_scheme: IdScheme::TracePrefix,
        is_implicit: true,
        project: number,
        day: day_of(event.started),
        started: event.started,
        ended: event.ended,
    };
    session.sid = insert_session(
        connection,
        &session,
        &Columns {
            id: event.session,
            name: event.session_name.as_deref().unwrap_or(UNNAMED),
            usage: Usage::default(),
            family: project.family(),
            body: &body.encode()?,
        },
    )?;
    rollups.add(&session.counted());
    Ok(session)
}

/// The columns of a new session that [`SessionRow`] does not contain.
struct Columns<'a> {
    id: Uuid,
    name: &'a str,
    usage: Usage,
    family: i64,
    body: &'a [u8],
}

/// Inserts the row of a session, and returns its number.
fn insert_session(
    connection: &Connection,
    session: &SessionRow,
    columns: &Columns<'_>,
) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (project, id, name, started, ended, implicit, id_scheme, day, listed, error,
               input_tokens, output_tokens, cost, family, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4, ?9, ?10, ?11, ?12, ?13, ?14)",
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
        ])?;
    Ok(connection.last_insert_rowid())
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
        id_scheme: IdScheme::TracePrefix,
        is_implicit: false,
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
    insert_session(connection, &row, &columns)?;
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
