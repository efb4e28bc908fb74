//! Reads the events of a page that did not fit into its JSON.

use super::super::engine::Sqlite;
use super::super::session_rows::stored_event;
use super::MAX_WAIT;
use super::scan::RowReader;
use crate::auth::ProjectAccess;
use crate::store::commands::{ReadRest, TIME_LIMIT};
use crate::store::page::{Page, PageBuilder, PageEnd};
use crate::store::port::{Read, StoreError};

impl Read<ReadRest> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: ReadRest) -> Result<Page, StoreError> {
        let public = project.public().to_owned();
        let live = self.check_live(project.key());
        let _turn = self.event_turns.wait(project.family(), MAX_WAIT).await?;
        self.limit_log().await?;
        self.readers
            .read_events(TIME_LIMIT, move |connection, _| {
                live(connection)?;
                let snapshot = connection.unchecked_transaction()?;
                let mut rows = RowReader::new(&snapshot)?;
                let mut page = PageBuilder::new();
                let mut positions = query.positions.into_iter();
                for position in positions.by_ref() {
                    let mut found = rows.read(position)?;
                    let Some(row) = found.next()? else {
                        continue;
                    };
                    if !page.push(&stored_event(row)?, &public)? {
                        let rest = std::iter::once(position).chain(positions);
                        return Ok(page.finish(PageEnd::default(), rest.collect()));
                    }
                }
                Ok(page.finish(PageEnd::default(), Vec::new()))
            })
            .await
    }
}
