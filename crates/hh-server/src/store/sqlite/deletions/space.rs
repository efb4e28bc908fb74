//! Returns the pages of deleted rows to the file system.

use rusqlite::Connection;

use crate::store::port::StoreError;

/// The number of free pages up to which they stay in the file for new rows, 1 MiB.
const KEPT: i64 = 256;
/// The part of all pages up to which free pages stay in the file.
const SHARE: i64 = 20;
/// The maximum number of pages that one command moves. A page takes about as long as a row.
const PAGES: usize = 500;

/// Returns whether the file has more free pages than it keeps.
pub(super) fn is_free(connection: &Connection) -> Result<bool, StoreError> {
    let count = |pragma: &str| -> Result<i64, StoreError> {
        Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
    };
    Ok(count("freelist_count")? > KEPT.max(count("page_count")? / SHARE))
}

/// Returns some free pages to the file system; returns false if no page can be returned.
pub(super) fn free(connection: &Connection, pages: usize) -> Result<bool, StoreError> {
    let sql = format!("PRAGMA incremental_vacuum({})", pages.min(PAGES));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    // Each step moves one page.
    let mut has_freed = false;
    while rows.next()?.is_some() {
        has_freed = true;
    }
    Ok(has_freed)
}
