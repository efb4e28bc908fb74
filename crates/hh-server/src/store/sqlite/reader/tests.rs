use std::fs;
use std::future::Future;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc;

use futures_util::poll;
use hh_auth::{Level, ProjectId};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::key_rows;
use super::*;
use crate::auth::ProjectAccess;
use crate::domain::events::Rights;
use crate::domain::keys::KeyRecord;
use crate::http::error::ApiError;
use crate::store::tests::{first_key, runtime};
use crate::store::{GetEvent, NewSession, StartSession, Store};

/// A query that runs until it is stopped.
const ENDLESS: &str =
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

fn database() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    drop(Store::open(&path, Arc::new(()), Arc::default()).unwrap());
    (dir, path)
}

fn pool(path: &Path, limit: Duration) -> Pool {
    let config = Config {
        name: "test",
        threads: 1,
        opens_at_start: false,
        wait: limit,
        limit,
        too_slow: "too slow",
    };
    Pool::start(path, &config).unwrap()
}

fn run(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

fn one(connection: &Connection) -> Result<i64, StoreError> {
    run(connection, "SELECT 1")
}

fn endless(connection: &Connection) -> Result<i64, StoreError> {
    run(connection, ENDLESS)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    let minute = Duration::from_mins(1);
    timeout(minute, future).await.unwrap()
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_query_that_times_out_is_stopped_and_the_next_one_runs() {
    let (_dir, path) = database();
    let pool = pool(&path, Duration::from_millis(50));
    for _ in 0..3 {
        let error = within(pool.read(endless)).await.unwrap_err();
        assert!(matches!(error, StoreError::TooSlow("too slow")), "{error}");
    }
    assert_eq!(within(pool.read(one)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_query_stops_when_its_caller_is_gone() {
    let (_dir, path) = database();
    let pool = pool(&path, HOUR);
    let (begun, has_begun) = oneshot::channel();
    {
        let query = pool.read(move |connection| {
            begun.send(()).unwrap();
            endless(connection)
        });
        tokio::select! {
            _ = query => panic!("an endless query returned"),
            begun = within(has_begun) => begun.unwrap(),
        }
    }
    assert_eq!(within(pool.read(one)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_query_that_waits_longer_than_the_limit_is_refused() {
    let (_dir, path) = database();
    let pool = Arc::new(pool(&path, Duration::from_millis(50)));
    let (go, gate) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let holder = Arc::clone(&pool);
    let held = tokio::spawn(async move {
        let query = move |connection: &Connection| {
            begun.send(()).unwrap();
            gate.recv().unwrap();
            one(connection)
        };
        holder.read(query).await
    });
    within(has_begun).await.unwrap();
    let error = within(pool.read(one)).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error}");
    go.send(()).unwrap();
    drop(within(held).await);
    assert_eq!(within(pool.read(one)).await.unwrap(), 1);
}

/// Returns a query that runs until its gate opens or is dropped.
fn gated() -> (
    mpsc::Sender<()>,
    impl FnOnce(&Connection) -> Result<i64, StoreError> + Send + 'static,
) {
    let (go, gate) = mpsc::channel();
    let query = move |connection: &Connection| {
        let _ = gate.recv();
        one(connection)
    };
    (go, query)
}

/// A request is not polled while the thread that serves it is busy with others.
#[tokio::test]
async fn a_query_does_not_wait_for_requests_that_wait_for_earlier_queries() {
    let (_dir, path) = database();
    let pool = pool(&path, HOUR);
    let (go, held) = gated();
    let mut first = std::pin::pin!(pool.read(held));
    assert!(poll!(&mut first).is_pending());
    let mut second = std::pin::pin!(pool.read(one));
    assert!(poll!(&mut second).is_pending());
    let mut third = std::pin::pin!(pool.read(one));
    assert!(poll!(&mut third).is_pending());
    go.send(()).unwrap();
    // The other two are not polled during this time.
    assert_eq!(within(third).await.unwrap(), 1);
    assert_eq!(within(second).await.unwrap(), 1);
    assert_eq!(within(first).await.unwrap(), 1);
}

#[tokio::test]
async fn a_request_that_gives_up_releases_what_its_query_holds_before_earlier_queries_end() {
    let (_dir, path) = database();
    let pool = pool(&path, HOUR);
    let (go, held) = gated();
    let mut first = std::pin::pin!(pool.read(held));
    assert!(poll!(&mut first).is_pending());
    let memory = Arc::new(());
    {
        let memory = Arc::clone(&memory);
        let query = pool.read(move |connection| {
            drop(memory);
            one(connection)
        });
        let mut query = std::pin::pin!(query);
        assert!(poll!(&mut query).is_pending());
    }
    assert_eq!(Arc::strong_count(&memory), 1);
    go.send(()).unwrap();
    assert_eq!(within(first).await.unwrap(), 1);
}

#[tokio::test]
async fn closing_a_pool_rejects_the_queries_that_wait() {
    let (_dir, path) = database();
    let pool = pool(&path, HOUR);
    let (go, held) = gated();
    let (begun, has_begun) = oneshot::channel();
    let held = move |connection: &Connection| {
        begun.send(()).unwrap();
        held(connection)
    };
    let mut first = std::pin::pin!(pool.read(held));
    assert!(poll!(&mut first).is_pending());
    within(has_begun).await.unwrap();
    let mut second = std::pin::pin!(pool.read(one));
    assert!(poll!(&mut second).is_pending());
    pool.queue.close();
    let error = within(second).await.unwrap_err();
    assert!(matches!(error, StoreError::Stopped), "{error}");
    go.send(()).unwrap();
    assert_eq!(within(first).await.unwrap(), 1);
    pool.close();
    let error = within(pool.read(one)).await.unwrap_err();
    assert!(matches!(error, StoreError::Stopped), "{error}");
}

#[tokio::test]
async fn a_pause_waits_for_queries_over_events_and_starts_none() {
    let (_dir, path) = database();
    let readers = Readers::start(&path).unwrap();
    let (go, held) = gated();
    let mut running = std::pin::pin!(readers.read_events(HOUR, |connection, _| held(connection)));
    assert!(poll!(&mut running).is_pending());
    let mut pause = std::pin::pin!(readers.pause_events());
    assert!(poll!(&mut pause).is_pending());
    let (begun, mut has_begun) = oneshot::channel();
    let mut later = std::pin::pin!(readers.read_events(HOUR, move |connection, _| {
        begun.send(()).unwrap();
        one(connection)
    }));
    assert!(poll!(&mut later).is_pending());
    go.send(()).unwrap();
    let paused = within(pause).await.unwrap();
    assert!(poll!(&mut later).is_pending());
    assert!(has_begun.try_recv().is_err());
    drop(paused);
    assert_eq!(within(later).await.unwrap(), 1);
    assert_eq!(within(running).await.unwrap(), 1);
}

#[tokio::test]
async fn a_query_that_panics_or_leaves_a_transaction_open_does_not_affect_the_next_one() {
    let (_dir, path) = database();
    let pool = pool(&path, HOUR);
    let panics = |_: &Connection| -> Result<i64, StoreError> { panic!("a bug") };
    let error = within(pool.read(panics)).await.unwrap_err();
    assert!(matches!(error, StoreError::Panicked(_)), "{error}");
    let leaves = |connection: &Connection| {
        connection.execute_batch("BEGIN")?;
        run(connection, "SELECT count(*) FROM meta")
    };
    assert_eq!(within(pool.read(leaves)).await.unwrap(), 0);
    let writer = Connection::open(&path).unwrap();
    writer
        .execute("INSERT INTO meta VALUES ('a', 'b')", [])
        .unwrap();
    let count = |connection: &Connection| run(connection, "SELECT count(*) FROM meta");
    assert_eq!(within(pool.read(count)).await.unwrap(), 1);
}

/// A pool that has more queries than threads does not delay other pools.
#[tokio::test]
async fn no_pool_waits_for_another() {
    let (_dir, path) = database();
    let readers = Arc::new(Readers::start(&path).unwrap());
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..EVENTS.threads + 3 {
        let (readers, begun) = (Arc::clone(&readers), begun.clone());
        tasks.spawn(async move {
            let query = move |connection: &Connection, _: &Stop| {
                begun.send(()).unwrap();
                endless(connection)
            };
            drop(readers.read_events(HOUR, query).await);
        });
    }
    for _ in 0..EVENTS.threads {
        within(has_begun.recv()).await.unwrap();
    }
    assert_eq!(within(readers.read(one)).await.unwrap(), 1);
    let (readers_of_admin, begun) = (Arc::clone(&readers), begun.clone());
    tasks.spawn(async move {
        let query = move |connection: &Connection| {
            begun.send(()).unwrap();
            endless(connection)
        };
        drop(readers_of_admin.read(query).await);
    });
    within(has_begun.recv()).await.unwrap();
    for _ in 0..100 {
        assert_eq!(within(readers.look_up(one)).await.unwrap(), 1);
    }
}

/// Returns the number of SQLite instructions to find a key.
fn cost(connection: &mut Connection, digest: &[u8]) -> u32 {
    let steps = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    let find = |connection: &Connection| {
        let found = key_rows::find(connection, "k.digest", digest).unwrap();
        assert!(found.unwrap().replaces.is_some());
    };
    // The first call compiles the statements.
    find(connection);
    connection.progress_handler(1, Some(count)).unwrap();
    find(connection);
    let none = None::<fn() -> bool>;
    connection.progress_handler(0, none).unwrap();
    steps.load(Ordering::Relaxed)
}

#[test]
fn finding_a_key_costs_the_same_for_any_number_of_keys() {
    let (_dir, path) = database();
    let mut connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    let mut costs = Vec::new();
    for (first, last) in [(1, 10), (11, 10_000)] {
        let sql = "WITH RECURSIVE n(x) AS (SELECT ?1 UNION ALL SELECT x + 1 FROM n WHERE x < ?2)
          INSERT INTO api_keys (key_id, id, digest, pepper, name, shown, level, all_projects, owner, created, replaced_by)
          SELECT x, 'id' || x, CAST(printf('%032d', x) AS BLOB), 1, 'name', 'shown', 'admin', 0, 'owner', 1, x + 1 FROM n";
        connection.execute(sql, [first, last]).unwrap();
        let sql = "INSERT INTO key_projects SELECT key_id, 1 FROM api_keys WHERE key_id >= ?1";
        connection.execute(sql, [first]).unwrap();
        costs.push(cost(&mut connection, format!("{:032}", 4).as_bytes()));
    }
    assert!(costs[0] > 0);
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn a_database_that_temporarily_cannot_be_opened_is_503_with_retry_after() {
    for code in [
        rusqlite::ffi::SQLITE_CANTOPEN,
        rusqlite::ffi::SQLITE_CANTOPEN_ISDIR,
        rusqlite::ffi::SQLITE_CANTOPEN_FULLPATH,
        rusqlite::ffi::SQLITE_CANTOPEN_DIRTYWAL,
    ] {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let response = ApiError::from(StoreError::from(error)).into_response("id");
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key(http::header::RETRY_AFTER));
    }
}

/// Counts the temporary files of SQLite: open files that are deleted, and that were directly in a directory of the
/// system for temporary files.
fn temporary_files() -> usize {
    let system = [
        std::env::temp_dir(),
        "/var/tmp".into(),
        "/usr/tmp".into(),
        "/tmp".into(),
    ];
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let targets = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let is_temporary = |target: &PathBuf| {
        target.to_string_lossy().ends_with(" (deleted)")
            && target
                .parent()
                .is_some_and(|parent| system.iter().any(|dir| dir == parent))
    };
    targets.filter(is_temporary).count()
}

const SORT: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60000)
  SELECT hex(randomblob(100)) || x AS value FROM n ORDER BY value";
const CHANGE: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
  INSERT INTO meta SELECT 'row' || x, hex(randomblob(1000)) FROM n;
  BEGIN; SAVEPOINT command; UPDATE meta SET value = hex(randomblob(1000));";

/// Sorts more data than fits into the cache of SQLite, and counts the temporary files.
fn files_of_a_sort(connection: &Connection) -> usize {
    let mut sort = connection.prepare(SORT).unwrap();
    let mut rows = sort.query([]).unwrap();
    rows.next().unwrap().unwrap();
    temporary_files()
}

/// Changes more pages in a savepoint than SQLite keeps in memory by default, and counts the temporary files.
fn files_of_a_savepoint(connection: &Connection) -> usize {
    connection.execute_batch(CHANGE).unwrap();
    let found = temporary_files();
    let undo = "ROLLBACK; DELETE FROM meta WHERE name LIKE 'row%'";
    connection.execute_batch(undo).unwrap();
    found
}

#[test]
fn sorting_and_savepoints_make_no_file_outside_the_data_directory() {
    let (_dir, path) = database();
    let usual = Connection::open(&path).unwrap();
    let of_usual = [files_of_a_sort(&usual), files_of_a_savepoint(&usual)];
    assert!(of_usual.iter().all(|files| *files > 0), "{of_usual:?}");
    drop(usual);
    let writer = schema::open(&path).unwrap();
    assert_eq!(files_of_a_sort(&writer), 0);
    assert_eq!(files_of_a_savepoint(&writer), 0);
    let reader = schema::open_reader(&path).unwrap();
    assert_eq!(files_of_a_sort(&reader), 0);
}

/// Returns a session to start.
fn start() -> StartSession {
    StartSession {
        rights: Rights::new(Level::Admin, 1),
        session: NewSession {
            id: Uuid::from_u128(1),
            name: "s".to_owned(),
            started: 1,
            ended: 1,
            body: crate::store::Body::default(),
            encoded: b"{}".to_vec(),
        },
    }
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let store = Store::open(&path, Arc::new(()), Arc::default()).unwrap();
    store.first_start("o".to_owned(), first_key()).unwrap();
    (dir, store)
}

#[test]
fn a_session_start_does_not_wait_for_reads_of_single_events() {
    let (_dir, store) = store();
    runtime().block_on(async {
        let access = ProjectAccess::of(ProjectId::new(1), "p", &KeyRecord::of_admin(1));
        store.write(&access, start()).await.unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (mut gates, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..BODIES.threads {
            let ((gate, closed), begun) = (mpsc::channel::<()>(), begun.clone());
            let readers = Arc::clone(&store.engine.readers);
            gates.push(gate);
            reads.push(tokio::spawn(async move {
                let read = readers.read_body(move |_| {
                    begun.send(()).unwrap();
                    Ok(closed.recv().is_err())
                });
                read.await
            }));
        }
        let mut running = 0;
        while running < BODIES.threads {
            tokio::task::yield_now().await;
            running += has_begun.try_iter().count();
        }
        // The session exists, so the answer is read from the database.
        within(store.write(&access, start())).await.unwrap();
        drop(gates);
        for read in reads {
            assert!(read.await.unwrap().unwrap());
        }
        store.close().await;
    });
}

#[test]
fn a_key_waits_for_its_own_reads_of_single_events_and_for_no_others() {
    let (_dir, store) = store();
    runtime().block_on(async {
        let record = KeyRecord::of_admin(1);
        let other = KeyRecord {
            family: record.family + 1,
            ..record.clone()
        };
        let [own, other] =
            [record, other].map(|record| ProjectAccess::of(ProjectId::new(1), "p", &record));
        store.write(&own, start()).await.unwrap();
        let id = Uuid::from_u128(1);
        let turn = store
            .engine
            .body_turns
            .wait(own.family(), BODY_WAIT)
            .await
            .unwrap();
        let mut waiting = Box::pin(store.read(&own, GetEvent { id }));
        assert!(poll!(&mut waiting).is_pending());
        within(store.read(&other, GetEvent { id })).await.unwrap();
        assert!(poll!(&mut waiting).is_pending());
        drop(turn);
        within(waiting).await.unwrap();
        store.close().await;
    });
}
