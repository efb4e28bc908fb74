//! Checks a database for damage before it is used.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::port::StoreError;

/// The maximum size of a database that is checked completely, in bytes. A check reads the whole database, so a larger
/// database is checked in part to keep the startup at a few seconds.
const WHOLE: u64 = 1024 * 1024 * 1024;

/// The tables that are needed to verify and revoke keys.
const KEY_TABLES: &[&str] = &[
    "sqlite_schema",
    "meta",
    "projects",
    "api_keys",
    "key_projects",
    "owners",
    "creations",
];

/// Reads a database that will be checked completely into the page cache of the system.
///
/// SQLite reads the pages in the order of its trees, which takes about five times longer from a disk: 24 s per GiB, and
/// 4 s after this. Call it only before SQLite opens the file, because closing any descriptor of the file releases the
/// locks of SQLite.
pub(super) fn prefetch(path: &Path) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() <= WHOLE)
        && let Ok(mut file) = File::open(path)
    {
        // The check reports read errors.
        drop(io::copy(&mut file, &mut io::sink()));
    }
}

/// Runs the quick check of SQLite, on the whole database up to 1 GiB, and on [`KEY_TABLES`] above that size.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let size = fs::metadata(path).map_or(0, |metadata| metadata.len());
    check_up_to(connection, size, WHOLE)
}

pub(super) fn check_up_to(
    connection: &Connection,
    size: u64,
    whole: u64,
) -> Result<(), StoreError> {
    if size <= whole {
        return run(connection, "PRAGMA quick_check(1)");
    }
    for table in KEY_TABLES {
        let exists = connection
            .query_row(
                "SELECT 1 FROM sqlite_schema WHERE name = ?1 UNION SELECT 1 WHERE ?1 = 'sqlite_schema'",
                [table],
                |_| Ok(()),
            )
            .optional()?;
        if exists.is_some() {
            run(connection, &format!("PRAGMA quick_check({table})"))?;
        }
    }
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let found: String = connection.query_row(sql, [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    // SQLite reports the location in several lines.
    let found: Vec<_> = found.split_whitespace().collect();
    Err(StoreError::Damaged(found.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn of_a_database_above_the_limit_damage_to_keys_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("honeyhive.db");
        let mut connection = schema::open(&path).unwrap();
        check_up_to(&connection, 1, 0).unwrap();
        schema::migrate_to(&mut connection, schema::newest()).unwrap();
        let root = |table: &str| -> usize {
            let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
            let page = connection.query_row(sql, [table], |row| row.get::<_, u32>(0));
            page.unwrap() as usize
        };
        let (keys, events) = (root("api_keys"), root("events"));
        drop(connection);
        let whole = fs::read(&path).unwrap();
        for (page, is_found) in [(keys, true), (events, false)] {
            let mut damaged = whole.clone();
            damaged[(page - 1) * 4096..][..8].fill(0xff);
            hh_auth::private_file::write_private(
                &path,
                &damaged,
                hh_auth::private_file::Replace::Yes,
            )
            .unwrap();
            let connection = schema::open(&path).unwrap();
            let found = check_up_to(&connection, 1, 0);
            assert_eq!(found.is_err(), is_found, "{found:?}");
            assert!(check_up_to(&connection, 1, 1).is_err());
        }
    }
}
