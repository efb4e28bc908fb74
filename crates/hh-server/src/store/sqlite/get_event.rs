//! Reads one event or session by its id.

use rusqlite::{Connection, params};

use super::engine::Sqlite;
use super::large_bodies;
use super::reader::BODY_WAIT;
use super::session_rows::stored_event;
use crate::auth::ProjectAccess;
use crate::store::commands::GetEvent;
use crate::store::page::render;
use crate::store::port::{Read, StoreError};

/// Finds an event by the unique index on project and id.
pub(super) const GET: &str =
    "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
  FROM events e JOIN sessions s USING (sid) WHERE e.project = ?1 AND e.id = ?2
    AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1)";

impl Read<GetEvent> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: GetEvent) -> Result<Vec<u8>, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let live = self.check_live(project.key());
        let _turn = self.body_turns.wait(project.family(), BODY_WAIT).await?;
        self.readers
            .read_body(move |connection| {
                // All tables are read from one snapshot.
                let snapshot = connection.unchecked_transaction()?;
                live(&snapshot)?;
                find(&snapshot, number, &public, query)
            })
            .await
    }
}

/// Finds an event, or else a session. A client can choose the id of a session, even the id of an existing event.
fn find(
    connection: &Connection,
    project: i64,
    public: &str,
    query: GetEvent,
) -> Result<Vec<u8>, StoreError> {
    let session = format!(
        "SELECT 0, id, id, NULL, name, started, ended, {} FROM sessions WHERE project = ?1 AND id = ?2
           AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1)",
        large_bodies::BODY
    );
    for sql in [GET, &session] {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![project, query.id.as_bytes()])?;
        if let Some(row) = rows.next()? {
            return render(&stored_event(row)?, public);
        }
    }
    Err(query.missing())
}
