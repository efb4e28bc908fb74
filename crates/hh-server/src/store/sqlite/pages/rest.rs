//! Reads the events of a page that did not fit into its JSON.

use rusqlite::{CachedStatement, Connection, params};

use super::super::engine::Sqlite;
use super::super::session_rows::stored_event;
use super::MAX_WAIT;
use super::scan::RowReader;
use crate::auth::ProjectAccess;
use crate::store::commands::{ReadRest, TIME_LIMIT};
use crate::store::page::{Page, PageBuilder, PageEnd, Position};
use crate::store::port::{Read, StoreError};

impl Read<ReadRest> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: ReadRest) -> Result<Page, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let live = self.check_live(project.key());
        let _turn = self.event_turns.wait(project.family(), MAX_WAIT).await?;
        self.limit_log().await?;
        self.readers
            .read_events(TIME_LIMIT, move |connection, _| {
                let snapshot = connection.unchecked_transaction()?;
                live(&snapshot)?;
                let mut rows = RowReader::new(&snapshot)?;
                let mut sessions = SessionCheck::new(&snapshot, number)?;
                let mut page = PageBuilder::new(&public);
                let mut positions = query.positions.into_iter();
                for position in positions.by_ref() {
                    if !sessions.is_same(position)? {
                        continue;
                    }
                    let mut found = rows.read(position)?;
                    let Some(row) = found.next()? else {
                        continue;
                    };
                    if !page.push(&stored_event(row)?)? {
                        let rest = std::iter::once(position).chain(positions);
                        return Ok(page.finish(PageEnd::default(), rest.collect()));
                    }
                }
                Ok(page.finish(PageEnd::default(), Vec::new()))
            })
            .await
    }
}

/// A check of the sessions of positions. After a session was deleted, a new session, even of another project, can have
/// its number.
struct SessionCheck<'a> {
    project: i64,
    statement: CachedStatement<'a>,
}

impl<'a> SessionCheck<'a> {
    fn new(connection: &'a Connection, project: i64) -> Result<Self, StoreError> {
        // The start of a session can only move to an earlier time.
        let statement = connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE sid = ?1 AND project = ?2
               AND (?3 OR ?4 BETWEEN started AND listed))
             AND NOT EXISTS (SELECT 1 FROM deleted_sessions WHERE sid = ?1 AND project = ?2)",
        )?;
        Ok(Self { project, statement })
    }

    /// Returns whether the session of a position belongs to the project and is not being deleted. For the position of
    /// a session, it must also have been at the position.
    fn is_same(&mut self, position: Position) -> Result<bool, StoreError> {
        let is_event = position.id.is_some();
        let values = params![position.sid, self.project, is_event, position.started];
        Ok(self.statement.query_row(values, |row| row.get(0))?)
    }
}
