//! Stores the searches for the data of users, and deletes what they find.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::rollups::Rollups;
use super::rows::{self, EventKey};
use super::search::{Found, first_position};
use super::sessions;
use crate::domain::user_property::UserProperty;
use crate::store::deletions::DeletedRows;
use crate::store::port::StoreError;

/// Whether a search is not complete.
pub(super) const HAS_SEARCHES: &str = "SELECT EXISTS (SELECT 1 FROM user_deletions)";

/// A search that is not complete.
pub(super) struct UserDeletion {
    pub(super) number: i64,
    pub(super) project: i64,
    pub(super) property: UserProperty,
    /// The last row that was searched.
    pub(super) position: EventKey,
}

/// Stores a search, and returns its number. A search for the same value begins again.
pub(super) fn begin(
    connection: &Connection,
    project: i64,
    property: &UserProperty,
) -> Result<i64, StoreError> {
    let first = first_position();
    let number = connection
        .prepare_cached(
            "INSERT INTO user_deletions (project, property, value, sid, started, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET sid = excluded.sid, started = excluded.started, id = excluded.id
             RETURNING search",
        )?
        .query_row(
            params![
                project,
                property.name(),
                property.value().to_string(),
                first.sid,
                first.started,
                first.id
            ],
            |row| row.get(0),
        )?;
    Ok(number)
}

/// Returns the first search.
pub(super) fn first(connection: &Connection) -> Result<Option<UserDeletion>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT search, project, property, value, sid, started, id FROM user_deletions
             ORDER BY search LIMIT 1",
        )?
        .query_row([], |row| {
            let value: String = row.get(3)?;
            let number = row.get(0)?;
            let position = EventKey {
                sid: row.get(4)?,
                started: row.get(5)?,
                id: row.get(6)?,
            };
            Ok((number, row.get(1)?, row.get(2)?, value, position))
        })
        .optional()?;
    let Some((number, project, name, value, position)) = found else {
        return Ok(None);
    };
    let damaged = |_| StoreError::Damaged("a stored search for the data of a user".to_owned());
    Ok(Some(UserDeletion {
        number,
        project,
        property: UserProperty::parse(name, serde_json::from_str(&value).map_err(damaged)?)?,
        position,
    }))
}

/// Deletes what a part of a search found, and stores the position up to which the search is complete.
pub(super) fn delete_found(
    connection: &Connection,
    user: &UserDeletion,
    found: &Found,
    position: &EventKey,
) -> Result<DeletedRows, StoreError> {
    let (mut rollups, mut deleted) = (Rollups::default(), DeletedRows::default());
    for sid in &found.sessions {
        deleted.sessions += u64::from(sessions::mark(connection, user.project, *sid)?);
    }
    deleted.events = found.session_events;
    for key in &found.events {
        let is_deleted = rows::delete_event(connection, user.project, key, &mut rollups)?;
        deleted.events += u64::from(is_deleted);
    }
    rollups.save(connection)?;
    // A request for the same value may have begun the search again in the meantime.
    let before = &user.position;
    let is_same = "search = ?1 AND sid = ?2 AND started = ?3 AND id = ?4";
    if found.is_complete {
        let sql = format!("DELETE FROM user_deletions WHERE {is_same}");
        connection.prepare_cached(&sql)?.execute(params![
            user.number,
            before.sid,
            before.started,
            before.id
        ])?;
    } else {
        let sql =
            format!("UPDATE user_deletions SET sid = ?5, started = ?6, id = ?7 WHERE {is_same}");
        connection.prepare_cached(&sql)?.execute(params![
            user.number,
            before.sid,
            before.started,
            before.id,
            position.sid,
            position.started,
            position.id
        ])?;
    }
    Ok(deleted)
}
