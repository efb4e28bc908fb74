use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hh_auth::ProjectId;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::super::schema::CHECKPOINT;
use super::*;
use crate::auth::ProjectAccess;
use crate::domain::keys::KeyRecord;
use crate::store::page::EventPredicate;
use crate::store::tests::{first_key, runtime};
use crate::store::{NewSession, ReadEvents, Store};

const MIB: u32 = 1 << 20;
/// The size at which the log is copied, in bytes.
const LONG: u64 = CHECKPOINT.unsigned_abs() * 4096;

/// Returns a new store, and the path of its log.
fn open() -> (TempDir, Arc<Store>, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let store = Store::open(&path, Arc::new(()), Arc::default()).unwrap();
    store.first_start("o".to_owned(), first_key()).unwrap();
    (dir, Arc::new(store), path.with_extension("db-wal"))
}

fn size(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// Writes a number of mebibytes in one transaction each.
async fn write(store: &Store, count: usize) {
    for _ in 0..count {
        let written = store.engine.writer.submit(|connection| {
            let sql = "INSERT INTO meta VALUES (hex(randomblob(16)), printf('%.*c', ?1, 'x'))";
            Ok(connection.execute(sql, [MIB])?)
        });
        written.wait().await.unwrap();
    }
}

#[test]
fn the_log_is_reused_while_the_writer_is_busy_and_removed_at_the_end() {
    let (_dir, store, log) = open();
    let mut most = 0;
    runtime().block_on(async {
        for _ in 0..150 {
            write(&store, 1).await;
            most = most.max(size(&log));
        }
        store.close().await;
    });
    assert!(most > LONG, "{most}");
    assert!(most < 5 * LONG, "{most}");
    assert_eq!(size(&log), 0);
    let database = Connection::open(log.with_extension("db")).unwrap();
    let sql = "SELECT sum(length(value)) FROM meta WHERE length(value) > 1000";
    let stored: u32 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 150 * MIB);
}

#[test]
fn the_log_is_reused_while_commands_wait_for_the_writer_without_a_pause() {
    let (_dir, store, log) = open();
    let mut most = 0;
    runtime().block_on(async {
        // Commits and copies overlap, because the next commands are in the queue already.
        let mut writing: Vec<_> = (0..16)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { write(&store, 40).await })
            })
            .collect();
        while !writing.is_empty() {
            most = most.max(size(&log));
            writing.retain(|task| !task.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.close().await;
    });
    // The limit of the log, and one group of commands.
    assert!(most < 6 * LONG, "{most}");
}

#[test]
fn a_reader_of_another_process_delays_neither_commits_nor_queries() {
    let (_dir, store, log) = open();
    let access = ProjectAccess::of(ProjectId::new(1), "p", &KeyRecord::of_admin(1));
    let reader = Connection::open(log.with_extension("db")).unwrap();
    runtime().block_on(async {
        write(&store, 1).await;
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM meta;")
            .unwrap();
        write(&store, 40).await;
        assert!(size(&log) > 2 * LONG);
        let started = Instant::now();
        for _ in 0..20 {
            store.read(&access, ReadEvents::default()).await.unwrap();
            write(&store, 1).await;
        }
        // One attempt to empty the log would wait for 5 s, the usual time of SQLite.
        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{took:?}");
        reader.execute_batch("COMMIT").unwrap();
        // The log is reused and its file shrinks.
        let mut written = 0;
        while size(&log) > 2 * LONG {
            write(&store, 1).await;
            written += 1;
            assert!(written < 200, "{}", size(&log));
        }
        store.close().await;
    });
    drop(reader);
}

/// A query over events that runs until its gate is opened.
struct Reader {
    gate: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Reader {
    /// Starts a query. The receiver gets a message when the query has begun.
    fn start(store: &Arc<Store>, access: &ProjectAccess) -> (Self, mpsc::Receiver<()>) {
        let (gate, closed) = mpsc::channel();
        let (begun, has_begun) = mpsc::channel();
        let closed = Mutex::new(closed);
        let predicate = EventPredicate::new(move |_| {
            begun.send(()).unwrap();
            closed.lock().unwrap().recv().is_ok()
        });
        let (store, access) = (Arc::clone(store), access.clone());
        let task = tokio::spawn(async move {
            let query = ReadEvents {
                predicate: Some(predicate),
                ..ReadEvents::default()
            };
            store.read(&access, query).await.unwrap();
        });
        (Self { gate, task }, has_begun)
    }

    async fn finish(self) {
        self.gate.send(()).unwrap();
        self.task.await.unwrap();
    }
}

#[test]
fn the_log_is_emptied_between_queries_that_overlap() {
    let (_dir, store, log) = open();
    let access = ProjectAccess::of(ProjectId::new(1), "p", &KeyRecord::of_admin(1));
    let started = async |reader: &mpsc::Receiver<()>| {
        while reader.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    };
    runtime().block_on(async {
        let session = NewSession {
            id: uuid::Uuid::from_u128(1),
            name: "s".to_owned(),
            started: 1,
            ended: 1,
            body: crate::store::Body::default(),
            encoded: b"{}".to_vec(),
        };
        let rights = crate::domain::events::Rights::new(hh_auth::Level::Admin, 1);
        let start = crate::store::StartSession { rights, session };
        store.write(&access, start).await.unwrap();
        let (mut reader, begun) = Reader::start(&store, &access);
        started(&begun).await;
        for _ in 0..3 {
            // The reader uses an old snapshot, so the log grows.
            write(&store, 60).await;
            assert!(size(&log) >= 60 * u64::from(MIB));
            let (next, begun) = Reader::start(&store, &access);
            tokio::task::yield_now().await;
            reader.finish().await;
            started(&begun).await;
            assert!(size(&log) < LONG, "{}", size(&log));
            reader = next;
        }
        reader.finish().await;
        store.close().await;
    });
    assert_eq!(size(&log), 0);
}
