//! Finds sessions by the beginning of their ids.

use hh_api::to_millis;
use hh_api::types::FoundSession;
use rusqlite::params;
use uuid::Uuid;

use super::engine::Sqlite;
use super::reader::BODY_WAIT;
use crate::auth::ProjectAccess;
use crate::store::commands::FindSessions;
use crate::store::port::{Read, StoreError};

/// Reads sessions in the order of the unique index on project and id, so that the query stops at its limit.
pub(super) const FIND: &str = "SELECT id, name, started FROM sessions
  WHERE project = ?1 AND id BETWEEN ?2 AND ?3
    AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1) ORDER BY id LIMIT ?4";

impl Read<FindSessions> for Sqlite {
    async fn read(
        &self,
        project: &ProjectAccess,
        query: FindSessions,
    ) -> Result<Vec<FoundSession>, StoreError> {
        let number = project.number();
        let live = self.check_live(project.key());
        let _turn = self.body_turns.wait(project.family(), BODY_WAIT).await?;
        self.readers
            .read_body(move |connection| {
                live(connection)?;
                let (first, last) = (query.ids.start(), query.ids.end());
                let values = params![number, first.as_bytes(), last.as_bytes(), query.limit];
                let mut statement = connection.prepare_cached(FIND)?;
                let sessions = statement.query_map(values, |row| {
                    Ok(FoundSession {
                        session_id: Uuid::from_bytes(row.get(0)?),
                        session_name: row.get(1)?,
                        start_time: to_millis(row.get(2)?),
                    })
                })?;
                Ok(sessions.collect::<Result<_, _>>()?)
            })
            .await
    }
}
