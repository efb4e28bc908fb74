//! Searches the events and sessions of a user in the order of their keys, in parts.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::large_bodies;
use super::rows::{EventKey, count_events};
use crate::domain::user_property::UserProperty;
use crate::store::port::StoreError;

/// What a part of a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The sessions, which are deleted with all their events.
    pub(super) sessions: Vec<i64>,
    /// The number of events of these sessions.
    pub(super) session_events: u64,
    /// The events of other sessions.
    pub(super) events: Vec<EventKey>,
    /// Whether all rows were searched.
    pub(super) is_complete: bool,
}

/// Returns the position before all rows.
pub(super) fn first_position() -> EventKey {
    EventKey {
        sid: i64::MIN,
        started: i64::MIN,
        id: Vec::new(),
    }
}

/// Searches rows after a position and moves the position, until a number of rows was found or a time is reached.
pub(super) fn search(
    connection: &Connection,
    project: i64,
    property: &UserProperty,
    position: &mut EventKey,
    (limit, end): (usize, Instant),
) -> Result<Found, StoreError> {
    let mut next_session = connection.prepare_cached(&format!(
        "SELECT sid, {} FROM sessions WHERE sid > ?1 AND +project = ?2
           AND NOT EXISTS (SELECT 1 FROM deleted_sessions d WHERE d.project = ?2 AND d.sid = sessions.sid)
         ORDER BY sid LIMIT 1",
        large_bodies::BODY
    ))?;
    let mut next_events = connection.prepare_cached(
        "SELECT started, id, body FROM events WHERE sid = ?1 AND (started, id) > (?2, ?3)
         ORDER BY started, id",
    )?;
    let mut found = Found::default();
    let is_over =
        |found: &Found| found.events.len() + found.sessions.len() >= limit || Instant::now() >= end;
    loop {
        let mut events = next_events.query(params![position.sid, position.started, position.id])?;
        while let Some(event) = events.next()? {
            (position.started, position.id) = (event.get(0)?, event.get(1)?);
            if matches(event, 2, property)? {
                found.events.push(position.clone());
            }
            if is_over(&found) {
                return Ok(found);
            }
        }
        drop(events);
        let session = next_session
            .query_row([position.sid, project], |row| {
                Ok((row.get(0)?, matches(row, 1, property)?))
            })
            .optional()?;
        let Some((sid, is_found)) = session else {
            found.is_complete = true;
            return Ok(found);
        };
        *position = EventKey {
            sid,
            ..first_position()
        };
        if is_found {
            found.sessions.push(sid);
            found.session_events += count_events(connection, sid)?;
            // The events of the session are not searched.
            position.started = i64::MAX;
            position.id = vec![u8::MAX; 17];
        }
        if is_over(&found) {
            return Ok(found);
        }
    }
}

/// Returns whether the body in a column of a row has the property.
fn matches(row: &Row<'_>, body: usize, property: &UserProperty) -> Result<bool, rusqlite::Error> {
    Ok(property.matches(row.get_ref(body)?.as_blob()?))
}
