use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;

use super::super::writer::Pending;
use crate::store::port::Changed;
use crate::store::{KeyChanges, Store, StoreError};

fn open(dir: &Path) -> Store {
    Store::open(&dir.join("honeyhive.db"), Arc::new(()), Arc::default()).unwrap()
}

fn insert(connection: &Connection, name: &str) -> Result<usize, StoreError> {
    Ok(connection.execute("INSERT INTO meta VALUES (?1, '')", [name])?)
}

fn event(store: &Store) -> Pending<usize> {
    store.engine.writer.submit(|connection| {
        Ok(connection.execute("INSERT OR REPLACE INTO meta VALUES ('event', '')", [])?)
    })
}

/// Submits a key change that fails `full` times because the disk is full, and then runs `at_last`.
fn key_change(
    store: &Store,
    full: usize,
    at_last: impl Fn() + Send + 'static,
) -> (Pending<Changed<usize>>, Arc<AtomicUsize>) {
    let (attempts, count) = <(Arc<AtomicUsize>, usize)>::default();
    let counted = Arc::clone(&attempts);
    let mut count = count;
    let pending = store.engine.writer.submit_key_change(
        &store.engine.keys,
        move |connection| {
            count += 1;
            counted.store(count, Ordering::SeqCst);
            let inserted = insert(connection, "change")?;
            if count <= full {
                return Err(StoreError::DiskFull(None));
            }
            at_last();
            Ok(Changed {
                value: inserted,
                changes: KeyChanges::default(),
            })
        },
        |_| StoreError::Unsaved,
    );
    (pending, attempts)
}

fn names(store: &Store) -> String {
    let names = store.engine.writer.submit(|connection| {
        let sql = "SELECT coalesce(group_concat(name ORDER BY name), '') FROM meta";
        Ok(connection.query_row(sql, [], |row| row.get::<_, String>(0))?)
    });
    names.wait_blocking().unwrap()
}

#[test]
fn a_key_change_that_fits_alone_leaves_the_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (change, attempts) = key_change(&store, 1, || ());
    change.wait_blocking().unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
    assert!(dir.path().join("reserve").exists());
    assert_eq!(names(&store), "change");
}

#[test]
fn nothing_else_is_stored_until_the_reserve_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let reserve = dir.path().join("reserve");
    // A directory with a file cannot be replaced by the reserve file, which has the same effect as a full disk.
    let taken = reserve.clone();
    let (change, _) = key_change(&store, 2, move || {
        assert!(!taken.exists());
        fs::create_dir_all(taken.join("taken")).unwrap();
    });
    change.wait_blocking().unwrap();
    for _ in 0..3 {
        let stored = event(&store).wait_blocking();
        assert!(matches!(stored, Err(StoreError::DiskFull(_))));
        let (change, _) = key_change(&store, 0, || ());
        // The name exists already, so that this fails for another reason.
        assert!(matches!(change.wait_blocking(), Err(StoreError::Engine(_))));
    }
    let (change, _) = key_change(&store, usize::MAX, || ());
    assert!(matches!(change.wait_blocking(), Err(StoreError::Engine(_))));
    fs::remove_dir_all(&reserve).unwrap();
    hh_testing::poll_until("events are stored again", || {
        event(&store).wait_blocking().is_ok()
    });
    assert!(reserve.is_file());
    assert_eq!(names(&store), "change,event");
}

#[test]
fn who_shares_a_transaction_with_a_key_change_cannot_undo_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // The writer waits in the first command until all are queued, so that they form one group.
    let (go, gate) = std::sync::mpsc::channel();
    let first = store.engine.writer.submit(move |connection| {
        gate.recv().unwrap();
        insert(connection, "first")
    });
    let (change, attempts) = key_change(&store, 0, || ());
    let fatal = store.engine.writer.submit(|connection| {
        // SQLite does the same when it cannot write.
        connection.execute_batch("ROLLBACK")?;
        Err::<(), _>(StoreError::DiskFull(None))
    });
    go.send(()).unwrap();
    assert!(matches!(
        first.wait_blocking(),
        Err(StoreError::DiskFull(_))
    ));
    assert!(matches!(
        fatal.wait_blocking(),
        Err(StoreError::DiskFull(_))
    ));
    change.wait_blocking().unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
    assert_eq!(names(&store), "change");
}

#[test]
fn a_crash_after_the_release_leaves_a_database_that_opens_with_or_without_the_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // A copy of the files at this moment is the state that a crash at this moment leaves.
    let crashed = Arc::new(tempfile::tempdir().unwrap());
    let (from, to) = (dir.path().to_owned(), Arc::clone(&crashed));
    let (change, _) = key_change(&store, 2, move || {
        assert!(!from.join("reserve").exists());
        for name in ["honeyhive.db", "honeyhive.db-wal"] {
            fs::copy(from.join(name), to.path().join(name)).unwrap();
        }
    });
    change.wait_blocking().unwrap();
    let later = tempfile::tempdir().unwrap();
    for name in ["honeyhive.db", "honeyhive.db-wal"] {
        fs::copy(dir.path().join(name), later.path().join(name)).unwrap();
    }
    for (crashed, found) in [(crashed.path(), ""), (later.path(), "change")] {
        let store = open(crashed);
        assert!(crashed.join("reserve").exists());
        assert_eq!(names(&store), found);
        if found.is_empty() {
            key_change(&store, 0, || ()).0.wait_blocking().unwrap();
        }
        event(&store).wait_blocking().unwrap();
        assert_eq!(names(&store), "change,event");
    }
}
