//! Finds and deletes events and sessions that are older than the retention of their project.

use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::super::rollups::Rollups;
use super::rows::{self, EventKey};
use crate::store::deletions::{DeletedRows, RetentionRule};
use crate::store::port::StoreError;

/// A rule that is being applied.
pub(super) struct Expiry {
    rule: RetentionRule,
    /// The start and the number of the last session that was found.
    after: (i64, i64),
    progress: watch::Sender<DeletedRows>,
}

/// Expired rows of a project.
pub(super) struct Expired {
    rule: RetentionRule,
    events: Vec<EventKey>,
    sessions: Vec<i64>,
}

impl Expiry {
    pub(super) fn new(rule: RetentionRule, progress: watch::Sender<DeletedRows>) -> Self {
        Self {
            rule,
            after: (i64::MIN, i64::MIN),
            progress,
        }
    }

    /// Returns whether all rows are deleted.
    pub(super) fn is_complete(&self) -> bool {
        !self.progress.borrow().is_pending
    }

    /// Counts deleted rows.
    pub(super) fn add(&self, rows: DeletedRows) {
        self.progress.send_modify(|all| all.add(rows));
    }

    /// Finds the next expired rows; `None` if there are no more.
    pub(super) fn find(
        &mut self,
        reader: &Connection,
        limit: usize,
    ) -> Result<Option<Expired>, StoreError> {
        let (rule, limit) = (self.rule, i64::try_from(limit).unwrap_or(i64::MAX));
        let events = find_events(reader, rule, limit)?;
        let sessions = if events.is_empty() {
            find_sessions(reader, rule, &mut self.after, limit)?
        } else {
            Vec::new()
        };
        if events.is_empty() && sessions.is_empty() {
            self.progress.send_modify(|all| all.is_pending = false);
            return Ok(None);
        }
        Ok(Some(Expired {
            rule,
            events,
            sessions,
        }))
    }
}

fn find_events(
    reader: &Connection,
    rule: RetentionRule,
    limit: i64,
) -> Result<Vec<EventKey>, StoreError> {
    let mut events = reader.prepare_cached(
        "SELECT sid, started, id FROM events WHERE project = ?1 AND started < ?2
         ORDER BY started LIMIT ?3",
    )?;
    let events = events.query_map(params![rule.project, rule.before, limit], |row| {
        Ok(EventKey {
            sid: row.get(0)?,
            started: row.get(1)?,
            id: row.get(2)?,
        })
    })?;
    Ok(events.collect::<Result<_, _>>()?)
}

/// The condition for a session that expired, with the first time that is kept as the second parameter.
const HAS_EXPIRED: &str =
    "ended < ?2 AND NOT EXISTS (SELECT 1 FROM events WHERE events.sid = sessions.sid)";

fn find_sessions(
    reader: &Connection,
    rule: RetentionRule,
    after: &mut (i64, i64),
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let mut sessions = reader.prepare_cached(&format!(
        "SELECT started, sid FROM sessions WHERE project = ?1 AND started < ?2
           AND (started, sid) > (?3, ?4) AND {HAS_EXPIRED} ORDER BY started, sid LIMIT ?5"
    ))?;
    let values = params![rule.project, rule.before, after.0, after.1, limit];
    let mut rows = sessions.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        *after = (row.get(0)?, row.get(1)?);
        found.push(after.1);
    }
    Ok(found)
}

impl Expired {
    /// Deletes the rows.
    pub(super) fn delete(self, connection: &Connection) -> Result<DeletedRows, StoreError> {
        let (mut rollups, mut deleted) = (Rollups::default(), DeletedRows::default());
        let RetentionRule { project, before } = self.rule;
        for key in &self.events {
            let is_deleted = rows::delete_event(connection, project, key, &mut rollups)?;
            deleted.events += u64::from(is_deleted);
        }
        let mut has_expired = connection.prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE sid = ?1 AND {HAS_EXPIRED})"
        ))?;
        for sid in self.sessions {
            // The session may have a new event.
            if has_expired.query_row([sid, before], |row| row.get(0))? {
                rows::delete_session(connection, project, sid, &mut rollups)?;
                deleted.sessions += 1;
            }
        }
        rollups.save(connection)?;
        Ok(deleted)
    }
}
