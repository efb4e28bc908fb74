use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use hh_api::types::EventKind;
use hh_auth::ProjectId;
use hh_config::Env;
use rusqlite::params;
use rusqlite::types::Value;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::rollups::check_counts;
use super::*;
use crate::auth::{Access, ProjectAccess};
use crate::domain::event_ids::{EventIdentity, IdScheme, SpanIdentity, SpanParent};
use crate::domain::keys::KeyRecord;
use crate::domain::usage::Usage;
use crate::store::commands::GetEvent;
use crate::store::tests::runtime;
use crate::store::{Hold, InsertEvents, NewEvent, Store};
use crate::testing::{log, repetitions};

const SESSIONS: u8 = 12;
const EVENTS: u8 = 250;
/// The time between two events, in nanoseconds.
const STEP: i64 = 100_000_000_000;

fn session(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

/// Returns the identity of a span. The parent of each span is the one before it.
fn span(session: u8, number: u8) -> EventIdentity {
    let parent = match number {
        0 => SpanParent::Session,
        _ => SpanParent::Span([number - 1; 8]),
    };
    let (project, trace) = (ProjectId::new(1), [session; 16]);
    EventIdentity::Span(SpanIdentity::new(project, trace, [number; 8], parent))
}

/// Returns the body of an event.
fn body(number: u8) -> Vec<u8> {
    let mut body =
        json!({"source": "s", "metadata": {"gen_ai": {"usage": {"input_tokens": number}}}});
    if number.is_multiple_of(5) {
        body["error"] = json!("failed");
    }
    if number.is_multiple_of(2) {
        body["metrics"] = json!({"cost": f64::from(number) / 10.0, "completion_tokens": 3});
    }
    body.to_string().into_bytes()
}

/// Creates the database that a server with an earlier version of the schema stored.
fn stored_by(version: i64) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    hh_auth::private_file::write_private(&path, b"", hh_auth::private_file::Replace::No).unwrap();
    let mut connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    schema::migrate_to(&mut connection, version).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction
        .execute("INSERT INTO meta VALUES ('a', 'b')", [])
        .unwrap();
    for sid in 1..=SESSIONS {
        let large = format!(r#"{{"source": "{}"}}"#, "x".repeat(70_000));
        let is_large = sid == 3;
        let inline = if is_large && version < 4 { &large } else { "" };
        transaction
            .execute(
                "INSERT INTO sessions (sid, project, id, name, started, ended, implicit, body)
                 VALUES (?1, 1, ?2, 'session', ?3, ?4, ?5, ?6)",
                params![
                    sid,
                    session(sid).as_bytes(),
                    i64::from(sid) * STEP,
                    i64::from(sid) * STEP * 2,
                    sid % 2,
                    if is_large {
                        inline.as_bytes().to_vec()
                    } else {
                        body(sid)
                    },
                ],
            )
            .unwrap();
        if is_large && version >= 4 {
            let sql = "INSERT INTO large_bodies VALUES (?1, ?2)";
            transaction
                .execute(sql, params![sid, large.as_bytes()])
                .unwrap();
        }
        for number in 0..EVENTS {
            let (id, parent) = span(sid, number).ids(IdScheme::Digest, session(sid));
            let started = i64::from(number) * STEP * i64::from(sid);
            transaction
                .prepare_cached(
                    "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body)
                     VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8)",
                )
                .unwrap()
                .execute(params![
                    sid,
                    started,
                    id.as_bytes(),
                    parent.as_bytes(),
                    1 + number % 3,
                    format!("event {number}"),
                    started + i64::from(number) * 1_000_000,
                    body(number),
                ])
                .unwrap();
        }
    }
    if version >= 3 {
        transaction
            .execute("UPDATE events SET family = 5 WHERE sid = 2", [])
            .unwrap();
    }
    transaction.commit().unwrap();
    (dir, path)
}

/// Returns the stored values that an upgrade must not change.
fn contents(path: &Path) -> Vec<Vec<Value>> {
    let connection = Connection::open(path).unwrap();
    let sessions =
        "SELECT sid, project, id, name, started, ended, implicit, body FROM sessions ORDER BY sid";
    let events = "SELECT sid, started, id, parent, project, kind, name, ended, body FROM events ORDER BY 1, 2, 3";
    let mut rows = Vec::new();
    for sql in [sessions, events, "SELECT * FROM meta"] {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let found = statement
            .query_map([], |row| {
                (0..columns).map(|column| row.get(column)).collect()
            })
            .unwrap();
        rows.extend(found.map(Result::unwrap));
    }
    rows
}

/// Checks that the schema is the one of a new database, and that the place of each session is its start.
fn check_schema(connection: &Connection) {
    let mut new = Connection::open_in_memory().unwrap();
    schema::migrate_to(&mut new, schema::newest()).unwrap();
    let names = |connection: &Connection| -> Vec<String> {
        let sql = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
        let mut statement = connection.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(names(connection), names(&new));
    let moved: i64 = connection
        .query_row(
            "SELECT count(*) FROM sessions WHERE listed <> started",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(moved, 0);
}

/// Checks that the database has the newest schema, and that nothing else is left in its directory.
fn check_upgraded(path: &Path) {
    check_counts(path);
    let connection = Connection::open(path).unwrap();
    let value = |sql: &str| -> String {
        connection
            .query_row(sql, [], |row| Ok(format!("{:?}", row.get::<_, Value>(0)?)))
            .unwrap()
    };
    assert_eq!(
        value("PRAGMA user_version"),
        format!("Integer({})", schema::newest())
    );
    assert_eq!(value("PRAGMA auto_vacuum"), "Integer(2)");
    assert_eq!(value("PRAGMA integrity_check"), "Text(\"ok\")");
    let large = "SELECT length(body) FROM large_bodies WHERE sid = 3";
    assert_eq!(value(large), "Integer(70014)");
    let schemes = "SELECT group_concat(DISTINCT id_scheme) FROM sessions";
    assert_eq!(value(schemes), "Text(\"0\")");
    check_schema(&connection);
    drop(connection);
    let left: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("upgrade"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// Upgrades a database, and returns the percentages that were reported.
fn run(path: &Path) -> Vec<u64> {
    let mut reported = Vec::new();
    let connection = schema::open(path).unwrap();
    let upgraded = upgrade_with(connection, path, &mut |percent| reported.push(percent));
    drop(upgraded.unwrap());
    reported
}

#[test]
fn a_database_of_each_earlier_version_keeps_its_rows() {
    for version in 1..=4 {
        let (_dir, path) = stored_by(version);
        let sizes = |path: &Path| {
            let connection = Connection::open(path).unwrap();
            let sql = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM events)";
            let counts: (u32, u32) = connection.query_row(sql, [], |row| row.try_into()).unwrap();
            counts
        };
        // Migration 4 moves a large body, so that the contents are compared after it.
        let mut connection = Connection::open(&path).unwrap();
        schema::migrate_to(&mut connection, COPIED).unwrap();
        drop(connection);
        let (before, counts) = (contents(&path), sizes(&path));
        assert_eq!(
            counts,
            (u32::from(SESSIONS), u32::from(SESSIONS) * u32::from(EVENTS))
        );
        let reported = run(&path);
        assert!(reported.is_sorted(), "{reported:?}");
        assert_eq!(reported.last(), Some(&100));
        assert_eq!(contents(&path), before, "{version}");
        check_upgraded(&path);
        assert_eq!(run(&path), Vec::<u64>::new(), "it is upgraded once");
    }
}

#[test]
fn a_database_of_a_version_that_is_not_copied_keeps_its_rows() {
    for version in COPIED + 1..schema::newest() {
        let (_dir, path) = stored_by(version);
        let before = contents(&path);
        assert_eq!(run(&path), Vec::<u64>::new(), "{version}");
        assert_eq!(contents(&path), before, "{version}");
        check_schema(&Connection::open(&path).unwrap());
    }
}

#[test]
fn the_progress_of_an_upgrade_is_logged() {
    let (_dir, path) = stored_by(4);
    let (lines, _guard) = log();
    drop(upgrade(schema::open(&path).unwrap(), &path).unwrap());
    let lines = lines.take();
    assert!(lines.len() >= 2, "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "INFO");
    assert_eq!(last["message"], "upgrading the database: 100 %");
}

#[test]
fn a_new_database_is_created_with_incremental_vacuum() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    assert_eq!(run(&path), Vec::<u64>::new());
    // An interrupted first start of an earlier version leaves a database without content.
    let old = dir.path().join("old.db");
    let connection = Connection::open(&old).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    drop(connection);
    assert_eq!(run(&old), Vec::<u64>::new());
    for path in [path, old] {
        let connection = Connection::open(path).unwrap();
        let vacuum: i64 = connection
            .query_row("PRAGMA auto_vacuum", [], |row| row.get(0))
            .unwrap();
        assert_eq!(vacuum, INCREMENTAL);
        let free: i64 = connection
            .query_row("PRAGMA freelist_count", [], |row| row.get(0))
            .unwrap();
        assert_eq!(free, 0);
    }
}

/// Each run of the upgrade is killed after one transaction, until one of them is complete.
#[test]
fn an_upgrade_that_is_killed_after_each_transaction_continues() {
    const TEST: &str =
        "store::sqlite::upgrade::tests::an_upgrade_that_is_killed_after_each_transaction_continues";
    if let Some(path) = Env::from_process().get("HH_TEST_DIR") {
        let path = Path::new(path);
        let connection = schema::open(path).unwrap();
        upgrade_with(connection, path, &mut |percent| {
            // Before the replacement, the run has nothing more to store, so it is killed there once.
            let marker = path.with_extension("killed");
            if percent < 99 || percent == 99 && fs::create_dir(marker).is_ok() {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
        })
        .unwrap();
        return;
    }
    for version in 1..=repetitions("HH_SOAK_ROUNDS", 4).min(4) {
        let (_dir, path) = stored_by(version.into());
        let (_other, whole) = stored_by(version.into());
        let steps = run(&whole).len();
        let mut kills = 0;
        loop {
            let child = Command::new(std::env::current_exe().unwrap())
                .args([TEST, "--exact", "--nocapture"])
                .env("HH_TEST_DIR", &path)
                .output()
                .unwrap();
            if child.status.success() {
                break;
            }
            kills += 1;
            let version = Connection::open(&path).and_then(|connection| {
                schema::version(&connection).map_err(|_| rusqlite::Error::InvalidQuery)
            });
            assert_eq!(
                version.unwrap(),
                COPIED,
                "the database is unchanged until the end"
            );
            assert!(
                kills < 2 * steps,
                "{}",
                String::from_utf8_lossy(&child.stderr)
            );
        }
        // The last report comes after the replacement.
        assert_eq!(kills, steps - 1, "each run continues after the one before");
        assert_eq!(contents(&path), contents(&whole));
        check_upgraded(&path);
    }
}

/// Begins an upgrade, and stops it after a number of transactions.
fn interrupt(path: &Path, after: usize) {
    let connection = schema::open(path).unwrap();
    let mut count = 0;
    let upgraded = catch_unwind(AssertUnwindSafe(|| {
        drop(upgrade_with(connection, path, &mut |_| {
            count += 1;
            assert!(count < after, "interrupted");
        }));
    }));
    assert!(upgraded.is_err());
}

#[test]
fn what_the_earlier_version_stores_after_an_interrupted_upgrade_is_kept() {
    for after in [1, 3, 9] {
        let (_dir, path) = stored_by(4);
        interrupt(&path, after);
        let earlier = Connection::open(&path).unwrap();
        earlier
            .execute("UPDATE events SET name = 'changed' WHERE sid = 1", [])
            .unwrap();
        drop(earlier);
        let before = contents(&path);
        run(&path);
        assert_eq!(contents(&path), before);
        check_upgraded(&path);
    }
}

#[test]
fn a_new_file_whose_log_is_in_use_does_not_replace_the_database() {
    let (_dir, path) = stored_by(4);
    let before = contents(&path);
    let new = path.with_extension("db.upgrade");
    let mut reader = None;
    let connection = schema::open(&path).unwrap();
    let upgraded = upgrade_with(connection, &path, &mut |_| {
        // A snapshot of the new file keeps SQLite from copying its log completely.
        reader.get_or_insert_with(|| {
            let reader = Connection::open(&new).unwrap();
            reader
                .execute_batch("BEGIN; SELECT * FROM sessions")
                .unwrap();
            reader
        });
    });
    assert!(matches!(upgraded, Err(StoreError::Busy)), "{upgraded:?}");
    drop(reader);
    assert_eq!(contents(&path), before);
    run(&path);
    assert_eq!(contents(&path), before);
    check_upgraded(&path);
}

#[test]
fn a_damaged_file_of_an_interrupted_upgrade_is_replaced() {
    let (_dir, path) = stored_by(4);
    let before = contents(&path);
    interrupt(&path, 3);
    let new = path.with_extension("db.upgrade");
    assert!(new.exists());
    discard(&new);
    hh_auth::private_file::write_private(&new, b"no database", hh_auth::private_file::Replace::No)
        .unwrap();
    run(&path);
    assert_eq!(contents(&path), before);
    check_upgraded(&path);
}

#[test]
fn spans_of_earlier_sessions_keep_the_earlier_ids() {
    let (_dir, path) = stored_by(4);
    let store = Store::open(&path, Arc::new(()), Arc::default()).unwrap();
    let key = crate::store::tests::first_key();
    store.first_start("o".to_owned(), key).unwrap();
    let record = KeyRecord::of_admin(1);
    let project = ProjectAccess::of(ProjectId::new(1), "p", &record);
    let access = Access::of(record, jiff::Timestamp::UNIX_EPOCH);
    let event = |session: u8, number: u8| NewEvent {
        identity: span(session, number),
        session: self::session(session),
        joins_trace: false,
        session_name: None,
        kind: EventKind::Tool,
        name: "new".to_owned(),
        started: i64::from(number),
        ended: i64::from(number),
        source: "s".to_owned(),
        usage: Usage::default(),
        body: b"{}".to_vec(),
    };
    let (stored, added, in_new) = (event(1, 7), event(1, EVENTS), event(99, 7));
    runtime().block_on(async {
        let insert = InsertEvents {
            batches: vec![(
                project.clone(),
                vec![stored.clone(), added.clone(), in_new.clone()],
            )],
        };
        store
            .write_holding(&access, insert, Hold::default())
            .await
            .unwrap();
        let get = async |event: &NewEvent, scheme| {
            let (id, parent) = event.identity.ids(scheme, event.session);
            let found = store.read(&project, GetEvent { id }).await.ok()?;
            let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
            assert_eq!(found["parent_id"], json!(parent));
            Some(found["event_name"].as_str().unwrap().to_owned())
        };
        let names = async |scheme| {
            let (stored, added) = (get(&stored, scheme).await, get(&added, scheme).await);
            (stored, added, get(&in_new, scheme).await)
        };
        let new = || Some("new".to_owned());
        // A span that was sent again is the stored event.
        let stored = Some("event 7".to_owned());
        assert_eq!(names(IdScheme::Digest).await, (stored, new(), None));
        assert_eq!(names(IdScheme::TracePrefix).await, (None, None, new()));
        store.close().await;
    });
    check_counts(&path);
}

#[test]
fn too_little_space_is_an_error_that_names_it() {
    let error = StoreError::NoSpace {
        needed: needed_space(1000),
        available: 5,
    };
    insta::assert_snapshot!(error, @"the upgrade of the database needs 16778716 bytes of free disk space, but only 5 are available");
}
