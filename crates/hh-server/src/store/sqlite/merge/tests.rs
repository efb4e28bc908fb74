use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::app::App;
use crate::domain::event_body::EventBody as Body;
use crate::testing::InProcess;

const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const SMALL_SESSION: &str = "01234567-89ab-4def-8123-456789abcdef";

/// Starts a server with a session of a size, in bytes, and a small session.
fn with_sessions(bytes: usize) -> InProcess {
    let server = InProcess::start();
    // The session has many members, as traces of programs have. One long string would be read and written much faster.
    let members: Vec<_> = (0..bytes / 16)
        .map(|number| json!(format!("{number:013}")))
        .collect();
    for (id, inputs) in [
        (SESSION, json!({"members": members})),
        (SMALL_SESSION, json!({})),
    ] {
        let session = json!({"session_id": id, "inputs": inputs});
        let (status, _) = start(&server, &session);
        assert_eq!(status, 200);
    }
    server
}

fn start(server: &InProcess, session: &Value) -> (u16, Value) {
    let body = json!({"session": session});
    server.call(&server.admin, "POST", "/session/start", &body)
}

fn patch(server: &InProcess, id: &str, metadata: &Value) -> u16 {
    let body = json!({"event_id": id, "metadata": metadata});
    server.call(&server.admin, "PUT", "/events", &body).0
}

fn parse(body: &[u8]) -> Body {
    serde_json::from_slice(body).unwrap()
}

/// Returns the CPU time of the calling thread, in nanoseconds.
#[cfg(target_os = "linux")]
fn cpu_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
fn cpu_time_of_writer(server: &InProcess) -> u64 {
    let time = server.app.store.engine.writer.submit(|_| Ok(cpu_time()));
    time.wait_blocking().unwrap()
}

/// The writer only compares and stores bytes. It does not parse or render the JSON of a large session.
#[cfg(target_os = "linux")]
#[test]
fn a_patch_of_a_large_session_uses_little_writer_time() {
    const PATCHES: u64 = 20;

    let server = with_sessions(900 * 1024);
    let before = cpu_time_of_writer(&server);
    for number in 0..PATCHES {
        assert_eq!(patch(&server, SESSION, &json!({"number": number})), 200);
    }
    let writer = (cpu_time_of_writer(&server) - before) / PATCHES;
    let body = server.app.store.engine.writer.submit(|connection| {
        let sql = "SELECT body FROM large_bodies WHERE length(body) > 800000";
        Ok(connection.query_row(sql, [], |row| row.get::<_, Vec<u8>>(0))?)
    });
    let body = body.wait_blocking().unwrap();
    let before = cpu_time();
    let encoded = parse(&body).encode().unwrap();
    let merge = cpu_time() - before;
    assert_eq!(encoded.len(), body.len());
    assert!(
        writer < merge / 2,
        "the writer used {writer} ns, and the JSON needs {merge} ns"
    );
}

#[test]
fn small_writes_do_not_wait_for_merges_of_large_sessions() {
    let server = with_sessions(500 * 1024);
    // This simulates another large merge in progress.
    let permit = Arc::clone(&server.app.store.engine.merges).try_acquire_owned();
    let key = server.admin.clone();
    let large = [
        (
            "PUT",
            "/events",
            json!({"event_id": SESSION, "metadata": {"a": 1}}),
        ),
        (
            "POST",
            "/session/start",
            json!({"session": {"session_id": SESSION, "metadata": {"b": 1}}}),
        ),
    ];
    server.runtime.block_on(async {
        let waiting = large
            .iter()
            .map(|(method, path, body)| server.send(&key, method, path, body));
        let mut waiting = futures_util::future::join_all(waiting);
        for number in 0..100 {
            let small = async {
                let metadata = json!({number.to_string(): number});
                let patch = json!({"event_id": SMALL_SESSION, "metadata": metadata});
                let (status, _) = server.send(&key, "PUT", "/events", &patch).await;
                assert_eq!(status, 200);
                let session = json!({"session": {"session_name": "small"}});
                let (status, _) = server.send(&key, "POST", "/session/start", &session).await;
                assert_eq!(status, 200);
            };
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("a large merge did not wait for its turn"),
                done = tokio::time::timeout(Duration::from_mins(1), small) => done.unwrap(),
            }
        }
        drop(permit);
        for (status, _) in waiting.await {
            assert_eq!(status, 200);
        }
    });
    let (_, stored) = start(&server, &json!({"session_id": SESSION}));
    assert_eq!(stored["metadata"], json!({"a": 1, "b": 1}));
    let (_, stored) = start(&server, &json!({"session_id": SMALL_SESSION}));
    assert_eq!(stored["metadata"].as_object().unwrap().len(), 100);
}

/// A large change of the small session. Each time it is merged outside the writer, a small change is stored first.
struct ConcurrentChange {
    app: Arc<App>,
    merges: AtomicUsize,
}

impl ConcurrentChange {
    fn location() -> Location {
        Location {
            table: Table::Sessions,
            project: 1,
            id: SMALL_SESSION.parse().unwrap(),
        }
    }

    fn store(connection: &Connection, body: &[u8]) -> Result<(), StoreError> {
        let location = Self::location();
        let sql = "UPDATE sessions SET body = ?3 WHERE project = ?1 AND id = ?2";
        connection.execute(sql, params![location.project, location.id.as_bytes(), body])?;
        Ok(())
    }
}

impl Change for ConcurrentChange {
    fn is_small(&self) -> bool {
        false
    }

    fn find(
        &self,
        connection: &Connection,
    ) -> Result<ControlFlow<ChangeOutcome, Target>, StoreError> {
        let target = Self::location().find(connection)?;
        Ok(ControlFlow::Continue(target.unwrap()))
    }

    fn merge(&self, _: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut body = parse(stored);
        let number = self.merges.fetch_add(1, Ordering::Relaxed);
        if number < ATTEMPTS {
            let overtakes = self.app.store.engine.writer.submit(move |connection| {
                let mut body = parse(&Self::location().body(connection)?);
                body.metadata.insert(number.to_string(), json!(number));
                Self::store(connection, &body.encode()?)
            });
            overtakes.wait_blocking()?;
        }
        body.metadata.insert("large".to_owned(), json!(1));
        Ok(Some(body.encode()?))
    }

    fn save(
        &self,
        connection: &Connection,
        _: &Target,
        body: &MergedBody,
    ) -> Result<(), StoreError> {
        Self::store(connection, &body.encoded)
    }
}

#[test]
fn a_large_change_that_small_ones_overtake_is_merged_inside_the_writer_in_the_end() {
    let server = with_sessions(0);
    let change = Arc::new(ConcurrentChange {
        app: Arc::clone(&server.app),
        merges: AtomicUsize::new(0),
    });
    let first_key = 1;
    let merged = server
        .app
        .store
        .engine
        .merge(first_key, 1, Arc::clone(&change), Hold::default());
    let done = server.runtime.block_on(merged).unwrap();
    assert_eq!(done, ChangeOutcome::Existed);
    assert_eq!(change.merges.load(Ordering::Relaxed), ATTEMPTS + 1);
    let (_, stored) = start(&server, &json!({"session_id": SMALL_SESSION}));
    let expected = json!({"0": 0, "1": 1, "2": 2, "3": 3, "large": 1});
    assert_eq!(stored["metadata"], expected);
}
