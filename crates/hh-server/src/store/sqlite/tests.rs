use super::writer::Pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hh_auth::KeyDigest;
use rusqlite::Connection;

use super::{Sqlite, large_bodies, schema};
use crate::http::error::ApiError;
use crate::store::port::Changed;
use crate::store::{KeyChanges, KeyObserver, Store, StoreError};
use crate::testing::{InProcess, line_of, log};

impl Sqlite {
    /// Keeps the writer busy until the returned sender is dropped.
    pub(in crate::store) fn block_writer(&self) -> std::sync::mpsc::Sender<()> {
        let (go, gate) = std::sync::mpsc::channel();
        drop(self.writer.submit(move |_| {
            // This returns an error when the sender is dropped.
            Ok(gate.recv().is_ok())
        }));
        go
    }
}

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Arc::new(()), Arc::default())
}

#[test]
fn the_writer_answers_after_its_last_command_and_then_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let store = open(&path).unwrap();
    assert!(store.is_new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let pending = store
        .engine
        .writer
        .submit(|connection| Ok(connection.execute("INSERT INTO meta VALUES ('a', 'b')", [])?));
    runtime.block_on(store.close());
    assert_eq!(pending.wait_blocking().unwrap(), 1);
    let late = store.engine.writer.submit(|_| Ok(())).wait_blocking();
    assert!(matches!(late, Err(StoreError::Stopped)));
}

/// Records at each call whether a reader sees the row of the change.
struct Watch {
    path: PathBuf,
    calls: Mutex<Vec<(&'static str, bool)>>,
}

impl Watch {
    fn note(&self, call: &'static str) {
        let reader = schema::open_reader(&self.path).unwrap();
        let sql = "SELECT count(*) FROM meta WHERE name = 'change'";
        let count: i64 = reader.query_row(sql, [], |row| row.get(0)).unwrap();
        self.calls.lock().unwrap().push((call, count > 0));
    }
}

impl KeyObserver for Watch {
    fn exists(&self, _: &KeyDigest) {}

    fn changing(&self, _: &KeyChanges) {
        self.note("changing");
    }

    fn settled(&self, _: &KeyChanges) {
        self.note("settled");
    }

    fn committed(&self, _: &KeyChanges) {
        self.note("committed");
    }

    fn unsaved(&self, _: &[KeyDigest]) {}
}

#[test]
fn a_key_change_is_announced_before_readers_can_see_it() {
    const COMMITS: &str = "INSERT INTO meta VALUES ('change', '')";
    const FAILS_TO_COMMIT: &str = "PRAGMA defer_foreign_keys = ON;
        INSERT INTO meta VALUES ('change', ''); INSERT INTO key_projects VALUES (12345, 12345);";

    let calls_of = |change: &'static str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("honeyhive.db");
        let watch = Arc::new(Watch {
            path: path.clone(),
            calls: Mutex::default(),
        });
        let keys: Arc<dyn KeyObserver> = Arc::clone(&watch) as _;
        let store = Store::open(&path, Arc::clone(&keys), Arc::default()).unwrap();
        let changed = store.engine.writer.submit_key_change(
            &keys,
            move |connection| {
                connection.execute_batch(change)?;
                Ok(Changed::<()>::default())
            },
            |_| StoreError::Unsaved,
        );
        let is_stored = changed.wait_blocking().is_ok();
        // The last call may come after the answer.
        store
            .engine
            .writer
            .submit(|_| Ok(()))
            .wait_blocking()
            .unwrap();
        let calls = std::mem::take(&mut *watch.calls.lock().unwrap());
        (is_stored, calls)
    };
    let all = vec![("changing", false), ("committed", true), ("settled", true)];
    assert_eq!(calls_of(COMMITS), (true, all));
    let undone = vec![("changing", false), ("settled", false)];
    assert_eq!(calls_of(FAILS_TO_COMMIT), (false, undone));
}

#[test]
fn a_command_that_fails_or_panics_does_not_affect_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("honeyhive.db")).unwrap();
    let insert = |name: &'static str| {
        store.engine.writer.submit(move |connection| {
            let count = connection.execute("INSERT INTO meta VALUES (?1, '')", [name])?;
            assert_ne!(name, "panics");
            if name == "fails" {
                return Err(StoreError::conflict("no"));
            }
            Ok(count)
        })
    };
    let all: Vec<_> = ["one", "fails", "panics", "two"]
        .into_iter()
        .map(insert)
        .collect();
    let kept = all
        .into_iter()
        .filter_map(|p| p.wait_blocking().ok())
        .count();
    assert_eq!(kept, 2);
    let names = store.engine.writer.submit(|connection| {
        let sql = "SELECT group_concat(name ORDER BY name) FROM meta";
        Ok(connection.query_row(sql, [], |row| row.get::<_, String>(0))?)
    });
    assert_eq!(names.wait_blocking().unwrap(), "one,two");
}

/// Creates a database with the schema after a number of migrations.
fn made_by(path: &Path, migrations: usize) -> Connection {
    let connection = Connection::open(path).unwrap();
    for (number, sql) in (1_i64..).zip(schema::MIGRATIONS).take(migrations) {
        connection.execute_batch(sql).unwrap();
        connection
            .pragma_update(None, "user_version", number)
            .unwrap();
    }
    connection
}

#[test]
fn a_database_of_the_version_before_owners_gets_them_from_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let before = made_by(&path, 1);
    before
        .execute_batch(
            "INSERT INTO meta VALUES ('organization', 'o');
             INSERT INTO api_keys VALUES
               (1, 'a', x'01', 1, 'first', 'hh_***', 'admin', 1, 'me@example.com', 5, NULL, NULL),
               (2, 'b', x'02', 1, 'second', 'hh_***', 'admin', 1, 'me@example.com', 6, NULL, 7),
               (3, 'c', x'03', 1, 'third', 'hh_***', 'read_only', 0, 'ci', 8, 9, NULL);",
        )
        .unwrap();
    drop(before);
    let store = open(&path).unwrap();
    assert!(!store.is_new());
    let shown = store.engine.writer.submit(|connection| {
        let sql = "SELECT group_concat(name || ' ' || created || ' ' || coalesce(disabled, '-') || ' '
            || length(id), ', ' ORDER BY name) FROM owners";
        let owners = connection.query_row(sql, [], |row| row.get::<_, String>(0))?;
        let sql = "SELECT group_concat(id || coalesce(note, last_used, replaced_by, grace, grace_ends, ''), ', ')
            FROM api_keys";
        let keys = connection.query_row(sql, [], |row| row.get::<_, String>(0))?;
        Ok((owners, keys))
    });
    let (owners, keys) = shown.wait_blocking().unwrap();
    assert_eq!(owners, "ci 8 - 32, me@example.com 5 - 32");
    assert_eq!(keys, "a, b, c");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    drop(open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Newer)));
}

/// Limits the database to its current number of pages plus `more`.
fn limit(store: &Store, more: i64) {
    let limit = store.engine.writer.submit(move |connection| {
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let sql = format!("PRAGMA max_page_count = {}", pages + more);
        Ok(connection.query_row(&sql, [], |_| Ok(()))?)
    });
    limit.wait_blocking().unwrap();
}

/// Stores a value of a size, in bytes.
fn store_bytes(store: &Store, name: &str, bytes: usize) -> Pending<usize> {
    let name = name.to_owned();
    store.engine.writer.submit(move |connection| {
        let filler = "x".repeat(bytes);
        Ok(connection.execute("INSERT INTO meta VALUES (?1, ?2)", [name, filler])?)
    })
}

fn count(store: &Store) -> u32 {
    let count = store.engine.writer.submit(|connection| {
        Ok(connection.query_row("SELECT count(*) FROM meta", [], |row| row.get::<_, u32>(0))?)
    });
    count.wait_blocking().unwrap()
}

#[test]
fn a_full_disk_is_reported_and_stored_data_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("honeyhive.db")).unwrap();
    limit(&store, 2);
    let all: Vec<_> = (0..50)
        .map(|number| store_bytes(&store, &number.to_string(), 2000))
        .collect();
    let results: Vec<_> = all.into_iter().map(Pending::wait_blocking).collect();
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(StoreError::DiskFull(_))))
    );
    let stored: u32 = results.iter().map(|result| u32::from(result.is_ok())).sum();
    assert_eq!(
        count(&store),
        stored,
        "exactly the commands that succeeded are stored"
    );
    // Commands succeed again when the disk has space.
    limit(&store, 1000);
    store_bytes(&store, "later", 2000).wait_blocking().unwrap();
    assert_eq!(count(&store), stored + 1);
}

#[test]
fn commands_in_a_transaction_that_fills_the_disk_fail_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("honeyhive.db")).unwrap();
    limit(&store, 2);
    // The writer waits in the first command until all are queued, so that they form one group.
    let (go, gate) = std::sync::mpsc::channel();
    let first = store.engine.writer.submit(move |connection| {
        gate.recv().unwrap();
        Ok(connection.execute("INSERT INTO meta VALUES ('first', '')", [])?)
    });
    let huge = store_bytes(&store, "huge", 1_000_000);
    let next = store_bytes(&store, "next", 10);
    go.send(()).unwrap();
    assert!(matches!(
        first.wait_blocking(),
        Err(StoreError::DiskFull(_))
    ));
    assert!(matches!(huge.wait_blocking(), Err(StoreError::DiskFull(_))));
    assert_eq!(next.wait_blocking().unwrap(), 1, "it fits alone");
    assert_eq!(count(&store), 1);
}

#[test]
fn a_failed_commit_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("honeyhive.db")).unwrap();
    let broken = store.engine.writer.submit(|connection| {
        // The foreign keys are checked at the commit, which fails.
        connection.pragma_update(None, "defer_foreign_keys", true)?;
        Ok(connection.execute("INSERT INTO key_projects VALUES (1, 1)", [])?)
    });
    assert!(matches!(
        broken.wait_blocking(),
        Err(StoreError::NotCommitted(_))
    ));
    store_bytes(&store, "later", 10).wait_blocking().unwrap();
}

#[test]
fn each_request_that_fails_on_a_full_disk_leaves_one_line_with_the_cause() {
    let server = InProcess::start();
    limit(&server.app.store, 0);
    let (lines, _guard) = log();
    let long = "d".repeat(480);
    let mut failed = 0;
    for number in 0..40 {
        let project = serde_json::json!({"name": format!("project-{number}"), "description": long});
        let (status, response) = server.call(&server.admin, "POST", "/v1/projects", &project);
        if status < 300 {
            assert!(lines.take().is_empty());
            continue;
        }
        let line = line_of(&lines, &response, &server.admin);
        assert_eq!((status, &line["level"]), (503, &"ERROR".into()));
        let cause = line["cause"].as_str().unwrap();
        assert!(cause.starts_with("SQLite failed (code 13): "), "{cause}");
        failed += 1;
    }
    assert!(failed > 1);
}

#[test]
fn clients_get_a_disk_full_error_with_retry_after() {
    let failed = |code| {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let error = ApiError::from(StoreError::from(error).of_write());
        let response = error.into_response("id");
        let again = response.headers().get(http::header::RETRY_AFTER).cloned();
        (response.status().as_u16(), again, response.into_body())
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for code in [
        rusqlite::ffi::SQLITE_FULL,
        rusqlite::ffi::SQLITE_IOERR_WRITE,
        rusqlite::ffi::SQLITE_IOERR_FSYNC,
    ] {
        let (status, again, body) = failed(code);
        assert_eq!((status, again.unwrap().as_bytes()), (503, &b"1"[..]));
        let body = runtime.block_on(axum::body::to_bytes(body, 1000)).unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(std::str::from_utf8(&body).unwrap(), @r#"{"success":false,"statusCode":503,"message":"the server cannot write: its disk is full or failing; nothing was stored","errorCode":"UNAVAILABLE","request_id":"id"}"#);
        }
    }
    assert_eq!(failed(rusqlite::ffi::SQLITE_CORRUPT).0, 500);
}

#[test]
fn a_database_of_the_version_before_families_gets_one_family_per_rotation_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let before = made_by(&path, 2);
    before
        .execute_batch(
            "INSERT INTO api_keys (key_id, id, digest, pepper, name, shown, level, all_projects, owner, created, replaced_by)
             VALUES
               (5, 'e', x'05', 1, 'newest of a chain', 'hh_***', 'admin', 1, 'o', 5, NULL),
               (6, 'a', x'06', 1, 'first of a chain', 'hh_***', 'admin', 1, 'o', 5, 7),
               (7, 'b', x'07', 1, 'second of a chain', 'hh_***', 'admin', 1, 'o', 5, 5),
               (8, 'c', x'08', 1, 'alone', 'hh_***', 'admin', 1, 'o', 5, NULL);",
        )
        .unwrap();
    drop(before);
    let store = open(&path).unwrap();
    let families = store.engine.writer.submit(|connection| {
        let mut statement =
            connection.prepare("SELECT key_id, family FROM api_keys ORDER BY key_id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<(i64, i64)>, _>>()?)
    });
    let families = families.wait_blocking().unwrap();
    assert_eq!(families, [(5, 6), (6, 6), (7, 6), (8, 8)]);
}

#[test]
fn a_database_of_the_version_before_large_bodies_keeps_what_sessions_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let before = made_by(&path, 3);
    before
        .execute_batch(
            "INSERT INTO sessions (sid, project, id, name, started, ended, implicit, body) VALUES
               (1, 1, x'01', 'small', 1, 1, 0, CAST('{\"source\":\"a\"}' AS BLOB)),
               (2, 1, x'02', 'large', 1, 1, 0, zeroblob(65537));",
        )
        .unwrap();
    drop(before);
    let store = open(&path).unwrap();
    let lengths = store.engine.writer.submit(|connection| {
        let sql = format!(
            "SELECT {}, length({}), length(body) FROM sessions ORDER BY sid",
            large_bodies::LENGTH,
            large_bodies::BODY
        );
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<Vec<(i64, i64, i64)>, _>>()?)
    });
    let lengths = lengths.wait_blocking().unwrap();
    assert_eq!(lengths, [(14, 14, 14), (65_537, 65_537, 0)]);
}
