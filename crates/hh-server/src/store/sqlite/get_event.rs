//! Reads one event or session.

use rusqlite::params;

use super::engine::Sqlite;
use super::large_bodies;
use super::session_rows::stored_event;
use crate::auth::ProjectAccess;
use crate::store::commands::GetEvent;
use crate::store::page::render;
use crate::store::port::{Read, StoreError};

impl Read<GetEvent> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: GetEvent) -> Result<Vec<u8>, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let live = self.check_live(project.key());
        self.readers
            .read_body(move |connection| {
                live(connection)?;
                let session = format!(
                    "SELECT 0, id, id, NULL, name, started, ended, {} FROM sessions WHERE project = ?1 AND id = ?2",
                    large_bodies::BODY
                );
                let event = "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
                    FROM events e JOIN sessions s USING (sid) WHERE e.project = ?1 AND e.id = ?2";
                // Events are searched first, as in updates.
                for sql in [event, session.as_str()] {
                    let mut statement = connection.prepare_cached(sql)?;
                    let mut rows = statement.query(params![number, query.id.as_bytes()])?;
                    if let Some(row) = rows.next()? {
                        return render(&stored_event(row)?, &public);
                    }
                }
                Err(query.missing())
            })
            .await
    }
}
