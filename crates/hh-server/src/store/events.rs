//! Sessions and events. A session is an event whose id is the session id.

use hh_api::types::{Event, EventKind, EventPatch, Object};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::access::InProject;

/// What is stored of an event as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) config: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) inputs: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) outputs: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) metadata: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) metrics: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) feedback: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) user_properties: Object,
}

impl Body {
    fn to_bytes(&self) -> Vec<u8> {
        // Maps with text keys can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A session to start, or to fill in if a span of it came first.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) body: Body,
}

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
    pub(crate) body: Body,
}

/// Which events to read; the page starts at 0.
#[derive(Clone, Debug)]
pub(crate) struct EventQuery {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) limit: u32,
    pub(crate) page: u32,
}

const NANOS_PER_MILLI: i64 = 1_000_000;

/// The name of a session that nobody named.
pub(crate) const UNNAMED: &str = "unknown";

impl Store {
    /// Starts a session; a second start merges metadata and user properties into the first.
    pub(crate) async fn start_session(
        &self,
        project: &InProject,
        session: NewSession,
    ) -> Result<Event, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        self.writer
            .submit(move |connection| {
                start_session(connection, number, &session)?;
                let mut statement = connection.prepare_cached(ONE_SESSION)?;
                let row = statement.query_row(params![number, session.id.as_bytes()], raw_event)?;
                row.into_event(&public)
            })
            .wait()
            .await
    }

    /// Stores events; those that are there already are left as they are.
    pub(crate) async fn insert_events(
        &self,
        batches: Vec<(InProject, Vec<NewEvent>)>,
    ) -> Result<(), StoreError> {
        self.writer
            .submit(move |connection| {
                for (project, events) in &batches {
                    insert_events(connection, project.number(), events)?;
                }
                Ok(())
            })
            .wait()
            .await
    }

    /// Merges into an event or a session.
    pub(crate) async fn update_event(
        &self,
        project: &InProject,
        patch: EventPatch,
    ) -> Result<(), StoreError> {
        let number = project.number();
        self.writer
            .submit(move |connection| update(connection, number, &patch))
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
        self.readers
            .read(move |connection| select(connection, number, &public, &query))
            .await
    }
}

const ONE_SESSION: &str = "SELECT 0, id, id, NULL, name, started, ended, body FROM sessions WHERE project = ?1 AND id = ?2";

fn start_session(
    connection: &Connection,
    project: i64,
    session: &NewSession,
) -> Result<(), StoreError> {
    let found = connection
        .prepare_cached("SELECT sid, implicit, body FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project, session.id.as_bytes()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, bool>(1)?,
                row.get::<_, Vec<u8>>(2)?,
            ))
        })
        .optional()?;
    let Some((sid, implicit, stored)) = found else {
        connection
            .prepare_cached(
                "INSERT INTO sessions (project, id, name, started, ended, implicit, body) VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5)",
            )?
            .execute(params![
                project,
                session.id.as_bytes(),
                session.name,
                session.started,
                session.body.to_bytes(),
            ])?;
        return Ok(());
    };
    let mut body = parse_body(&stored)?;
    body.metadata.extend(session.body.metadata.clone());
    body.user_properties
        .extend(session.body.user_properties.clone());
    if implicit {
        body.source.clone_from(&session.body.source);
        body.inputs.clone_from(&session.body.inputs);
        body.config.clone_from(&session.body.config);
        connection
            .prepare_cached(
                "UPDATE sessions SET name = ?2, started = min(started, ?3), implicit = 0 WHERE sid = ?1",
            )?
            .execute(params![sid, session.name, session.started])?;
    }
    connection
        .prepare_cached("UPDATE sessions SET body = ?2 WHERE sid = ?1")?
        .execute(params![sid, body.to_bytes()])?;
    Ok(())
}

fn insert_events(
    connection: &Connection,
    project: i64,
    events: &[NewEvent],
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    // Events come in runs of one session.
    let mut session: Option<(Uuid, i64)> = None;
    for event in events {
        let sid = match session {
            Some((id, sid)) if id == event.session => sid,
            _ => session_of(connection, project, event)?,
        };
        session = Some((event.session, sid));
        let inserted = insert.execute(params![
            sid,
            event.started,
            event.id.as_bytes(),
            event.parent.as_bytes(),
            project,
            kind_number(event.kind),
            event.name,
            event.ended,
            event.body.to_bytes(),
        ])?;
        if inserted == 0 {
            // Sent again: the session has had its times, and may have been given others since.
            continue;
        }
        connection
            .prepare_cached(
                "UPDATE sessions SET ended = max(ended, ?2),
                   started = CASE implicit WHEN 1 THEN min(started, ?3) ELSE started END
                 WHERE sid = ?1 AND (ended < ?2 OR implicit = 1)",
            )?
            .execute(params![sid, event.ended, event.started])?;
    }
    Ok(())
}

/// Finds the session of an event, or makes it: spans may come before the session's own start.
fn session_of(connection: &Connection, project: i64, event: &NewEvent) -> Result<i64, StoreError> {
    let found = connection
        .prepare_cached("SELECT sid FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project, event.session.as_bytes()], |row| row.get(0))
        .optional()?;
    if let Some(sid) = found {
        return Ok(sid);
    }
    let body = Body {
        source: event.body.source.clone(),
        ..Body::default()
    };
    connection
        .prepare_cached(
            "INSERT INTO sessions (project, id, name, started, ended, implicit, body) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
        )?
        .execute(params![
            project,
            event.session.as_bytes(),
            event.session_name.as_deref().unwrap_or(UNNAMED),
            event.started,
            event.ended,
            body.to_bytes(),
        ])?;
    Ok(connection.last_insert_rowid())
}

fn update(connection: &Connection, project: i64, patch: &EventPatch) -> Result<(), StoreError> {
    let id = patch.event_id;
    // The first table that has the id is the one: ids of both are from one space.
    for table in ["sessions", "events"] {
        let found = connection
            .prepare_cached(&format!(
                "SELECT body, started, ended FROM {table} WHERE project = ?1 AND id = ?2"
            ))?
            .query_row(params![project, id.as_bytes()], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((stored, started, ended)) = found else {
            continue;
        };
        let mut body = parse_body(&stored)?;
        for (member, change) in [
            (&mut body.metadata, &patch.metadata),
            (&mut body.feedback, &patch.feedback),
            (&mut body.metrics, &patch.metrics),
            (&mut body.config, &patch.config),
            (&mut body.user_properties, &patch.user_properties),
        ] {
            member.extend(change.clone().unwrap_or_default());
        }
        if let Some(outputs) = &patch.outputs {
            body.outputs.clone_from(outputs);
        }
        let ended = new_end(patch, started, ended);
        connection
            .prepare_cached(&format!(
                "UPDATE {table} SET body = ?3, ended = ?4 WHERE project = ?1 AND id = ?2"
            ))?
            .execute(params![project, id.as_bytes(), body.to_bytes(), ended])?;
        return Ok(());
    }
    Err(StoreError::NotFound(format!("there is no event {id}")))
}

/// Turns the wire's milliseconds into nanoseconds. The whole ones apart: as one float they would be off by up to
/// 128 ns, and a time would come back as another.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and such a time means nothing"
)]
pub(crate) fn from_millis(millis: f64) -> i64 {
    let whole = millis.floor();
    let rest = ((millis - whole) * 1e6).round();
    (whole as i64)
        .saturating_mul(NANOS_PER_MILLI)
        .saturating_add(rest as i64)
}

/// The reverse of [`from_millis`].
#[expect(
    clippy::cast_precision_loss,
    reason = "the wire's times are floating milliseconds: exact to a microsecond in this century"
)]
fn to_millis(nanos: i64) -> f64 {
    let whole = nanos.div_euclid(NANOS_PER_MILLI) as f64;
    whole + nanos.rem_euclid(NANOS_PER_MILLI) as f64 / 1e6
}

/// The end that a patch sets: by its time, else by its duration, else none.
fn new_end(patch: &EventPatch, started: i64, ended: i64) -> i64 {
    match (patch.end_time, patch.duration) {
        (Some(time), _) => from_millis(time).max(started),
        (None, Some(duration)) => started.saturating_add(from_millis(duration).max(0)),
        (None, None) => ended,
    }
}

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
    let events = statement
        .query_map(
            params![
                project,
                session,
                kind,
                query.limit,
                i64::try_from(offset).unwrap_or(i64::MAX)
            ],
            raw_event,
        )?
        .map(|row| row?.into_event(public))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok((events, u64::try_from(total).unwrap_or(0)))
}

/// A row of either table, still without its JSON read.
struct RawEvent {
    kind: i64,
    id: [u8; 16],
    session: [u8; 16],
    parent: Option<[u8; 16]>,
    name: String,
    started: i64,
    ended: i64,
    body: Vec<u8>,
}

fn raw_event(row: &Row<'_>) -> Result<RawEvent, rusqlite::Error> {
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
    fn into_event(self, project: &str) -> Result<Event, StoreError> {
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

fn parse_body(stored: &[u8]) -> Result<Body, StoreError> {
    serde_json::from_slice(stored).map_err(|_| rusqlite::Error::InvalidQuery.into())
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
