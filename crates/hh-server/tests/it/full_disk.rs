//! Tests that keys can be revoked on a full disk. Each test runs itself again in a process with a small disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hh_auth::Level;
use hh_auth::private_file::{Replace, write_private};
use hh_config::Env;
use hh_server::{Server, ServerOptions, StartErrorKind};
use rusqlite::Connection as Database;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};

use super::support::{Client, TestServer, text};

const WHOAMI: &str = "/v1/auth/whoami";
/// The number of keys, more than can be revoked without the reserve.
const KEYS: usize = 60;

/// Returns the directory and the name of the job, in a process that a test has started.
fn job() -> Option<(PathBuf, String)> {
    let env = Env::from_process();
    let dir = env.get("HH_TEST_DIR")?.into();
    Some((dir, env.get("HH_TEST_JOB")?.to_str()?.to_owned()))
}

/// Runs a script in which `job NAME` runs one test of this program with the name of a job.
fn run(script: &str, test: &str, dir: &Path) {
    let job = r#"job() { HH_TEST_JOB=$1 "$exe" "$test" --exact --nocapture; }"#;
    let output = Command::new("sh")
        // A script that runs itself again reads its text from `$0`.
        .args(["-c", r#"eval "$0""#, &format!("{job}\n{script}")])
        .env("HH_TEST_DIR", dir)
        .env("exe", std::env::current_exe().unwrap())
        .env("test", format!("full_disk::{test}"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs a script in its own mount namespace, in which `dir` is a disk of 8 MiB. Returns false if the process is not
/// allowed to mount.
fn on_small_disk(script: &str, test: &str, dir: &Path) -> bool {
    const UNSHARE: &str = "unshare --user --map-root-user --mount";
    let mount = "mount -t tmpfs -o size=8m,mode=700 none \"$HH_TEST_DIR\"";
    let tried = Command::new("sh")
        .args(["-c", &format!("{UNSHARE} sh -c '{mount}'")])
        .env("HH_TEST_DIR", dir)
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: the process is not allowed to mount a disk");
        return false;
    }
    let again = format!(r#"[ "$inside" ] || inside=1 exec {UNSHARE} sh -c 'eval "$0"' "$0""#);
    run(&format!("{again}\n{mount} || exit 1\n{script}"), test, dir);
    true
}

fn options(dir: &Path) -> ServerOptions {
    ServerOptions::new(dir.join("data"))
        .with_bind("127.0.0.1:0".parse().unwrap())
        .with_admin_key_file(dir.join("admin.key"))
}

/// Starts a server in the directory of a job.
async fn start(dir: &Path) -> TestServer {
    let server = Server::start(options(dir)).await.unwrap();
    let key = fs::read_to_string(dir.join("admin.key")).unwrap();
    // The server stores its data in a different directory than this one.
    let unused = tempfile::tempdir_in(dir).unwrap();
    TestServer::run(server, unused, key.trim().to_owned())
}

async fn store(client: &Client, bytes: usize) -> u16 {
    let session = json!({"session_name": "s", "inputs": {"text": "x".repeat(bytes)}});
    let body = json!({"session": session});
    client.post("/session/start", &body).await.status
}

/// Fills the disk completely, so that no event can be stored.
async fn fill(dir: &Path, admin: &Client) {
    let mut filler = File::options()
        .create(true)
        .append(true)
        .open(dir.join("filler"))
        .unwrap();
    filler.write_all(&vec![0; 3 * 1024 * 1024]).unwrap();
    while store(admin, 100_000).await == 200 {}
    for size in [4096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
    // The log may contain free space from transactions that were not committed.
    while store(admin, 1).await == 200 {}
}

/// Creates keys, and returns their ids and texts.
async fn keys(server: &TestServer, count: usize) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(server.mint(Level::ReadWrite, "all").await);
    }
    keys
}

async fn revoke(admin: &Client, id: &str) -> Value {
    admin
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok()
}

/// Polls until the server stores events again.
async fn stores_again(admin: &Client, dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while store(admin, 1).await != 200 {
        assert!(
            Instant::now() < deadline,
            "the server does not store events again"
        );
    }
    assert!(dir.join("data/reserve").exists());
}

#[test]
fn keys_are_revoked_replaced_and_disabled_on_a_full_disk() {
    if let Some((dir, _)) = job() {
        runtime().block_on(changes_on_a_full_disk(&dir));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    on_small_disk(
        "job changes",
        "keys_are_revoked_replaced_and_disabled_on_a_full_disk",
        dir.path(),
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

async fn changes_on_a_full_disk(dir: &Path) {
    let server = start(dir).await;
    let admin = server.admin();
    let keys = keys(&server, 40).await;
    let owner = json!({"name": "leaver@example.com"});
    let owner = admin.post("/v1/owners", &owner).await.assert_ok();
    let wanted = json!({"name": "k", "level": "read_only", "projects": "all", "owner": "leaver@example.com"});
    let leaver = text(&admin.post("/v1/api_keys", &wanted).await.assert_ok()["key"]);
    fill(dir, &admin).await;
    let reserve = dir.join("data/reserve");
    assert!(reserve.exists(), "events must not use the reserve");

    let (rotated, old) = keys.last().unwrap();
    let path = format!("/v1/api_keys/{rotated}/rotate");
    let new = admin
        .post(&path, &json!({"grace_seconds": 0}))
        .await
        .assert_ok();
    let new = server.client(&text(&new["key"]));
    new.get(WHOAMI).await.assert_ok();
    server.client(old).get(WHOAMI).await.assert_problem(401);
    let path = format!("/v1/owners/{}/disable", text(&owner["id"]));
    admin.send("POST", &path, &[], b"").await.assert_ok();
    server.client(&leaver).get(WHOAMI).await.assert_problem(401);
    for (id, key) in &keys[..39] {
        // Events must not use the space of the reserve.
        assert_eq!(store(&admin, 1).await, 503);
        revoke(&admin, id).await;
        server.client(key).get(WHOAMI).await.assert_problem(401);
    }
    assert!(!reserve.exists(), "only the reserve can have freed space");

    // The keys stay invalid after a restart on the full disk.
    drop(server.stop().await);
    let server = start(dir).await;
    for (_, key) in &keys {
        server.client(key).get(WHOAMI).await.assert_problem(401);
    }
    let admin = server.admin();
    assert_eq!(store(&admin, 1).await, 503);
    fs::remove_file(dir.join("filler")).unwrap();
    stores_again(&admin, dir).await;
}

#[test]
fn a_crash_between_the_reserve_and_the_revocation_costs_neither() {
    const TEST: &str = "a_crash_between_the_reserve_and_the_revocation_costs_neither";
    if let Some((dir, job)) = job() {
        let part = async {
            if job == "revoke" {
                is_killed_without_the_reserve(&dir).await;
            } else {
                goes_on_after_the_kill(&dir).await;
            }
        };
        runtime().block_on(part);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        // 137 is SIGKILL.
        let script = "job revoke; [ $? = 137 ] && job restart";
        if !on_small_disk(script, TEST, dir.path()) {
            return;
        }
    }
}

/// Fills the disk and revokes keys. The process is killed as soon as the reserve is deleted.
async fn is_killed_without_the_reserve(dir: &Path) {
    let server = start(dir).await;
    let keys = keys(&server, KEYS).await;
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .open(dir.join("keys"))
        .unwrap();
    // Overwriting these bytes later needs no disk space.
    writeln!(file, "{}", "-".repeat(KEYS)).unwrap();
    for (id, key) in &keys {
        writeln!(file, "{id} {key}").unwrap();
    }
    fill(dir, &server.admin()).await;
    let reserve = dir.join("data/reserve");
    assert!(reserve.exists());
    std::thread::spawn(move || {
        while reserve.exists() {
            std::thread::yield_now();
        }
        kill_process(getpid(), Signal::KILL).unwrap();
    });
    for (number, (id, _)) in keys.iter().enumerate() {
        revoke(&server.admin(), id).await;
        file.write_at(b"r", number as u64).unwrap();
    }
}

/// Starts on the disk that is still full, and checks that answered revocations are stored and every key can be revoked.
async fn goes_on_after_the_kill(dir: &Path) {
    let server = start(dir).await;
    let admin = server.admin();
    let lines = fs::read_to_string(dir.join("keys")).unwrap();
    let mut lines = lines.lines();
    let answered = lines.next().unwrap();
    let keys = lines.map(|line| line.split_once(' ').unwrap());
    for ((id, key), answered) in keys.zip(answered.chars()) {
        let client = server.client(key);
        let status = client.get(WHOAMI).await.status;
        assert!(
            status == 401 || status == 200 && answered == '-',
            "{status}"
        );
        revoke(&admin, id).await;
        client.get(WHOAMI).await.assert_problem(401);
    }
    println!("answered before the kill: {answered}");
    fs::remove_file(dir.join("filler")).unwrap();
    stores_again(&admin, dir).await;
}

/// The log cannot grow even after the reserve is deleted, because the size of files is limited to a few megabytes.
#[test]
fn a_revocation_that_no_space_is_left_for_holds_in_memory_and_is_not_a_success() {
    const TEST: &str =
        "a_revocation_that_no_space_is_left_for_holds_in_memory_and_is_not_a_success";
    if let Some((dir, job)) = job() {
        let part = async {
            if job == "revoke" {
                revokes_in_memory(&dir).await;
            } else {
                revokes_after_a_restart(&dir).await;
            }
        };
        runtime().block_on(part);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // The signal would terminate the process before the server receives the error.
    let script = "trap '' XFSZ; (ulimit -f 4096; job revoke) && job restart";
    run(script, TEST, dir.path());
}

async fn revokes_in_memory(dir: &Path) {
    let server = start(dir).await;
    let admin = server.admin();
    let keys = keys(&server, KEYS).await;
    while store(&admin, 100_000).await == 200 {}
    while store(&admin, 1).await == 200 {}
    let mut unsaved = File::options()
        .create_new(true)
        .write(true)
        .open(dir.join("unsaved"))
        .unwrap();
    let mut count = 0;
    for (id, key) in &keys {
        let client = server.client(key);
        client.get(WHOAMI).await.assert_ok();
        let answer = admin.delete(&format!("/v1/api_keys/{id}")).await;
        if answer.status == 503 {
            count += 1;
            let message = answer.assert_problem(503);
            assert_eq!(
                message,
                "the revocation could not be stored because the disk is full or failing, so the keys are rejected only until the server restarts; free disk space and retry the request"
            );
            writeln!(unsaved, "{id} {key}").unwrap();
        } else {
            answer.assert_ok();
        }
        client.get(WHOAMI).await.assert_problem(401);
        client.get(WHOAMI).await.assert_problem(401);
    }
    assert!(count > 0, "all {} revocations were stored", keys.len());
    println!("{count} revocations could not be stored");
}

async fn revokes_after_a_restart(dir: &Path) {
    let server = start(dir).await;
    for line in fs::read_to_string(dir.join("unsaved")).unwrap().lines() {
        let (id, key) = line.split_once(' ').unwrap();
        server.client(key).get(WHOAMI).await.assert_ok();
        revoke(&server.admin(), id).await;
        server.client(key).get(WHOAMI).await.assert_problem(401);
    }
}

/// Replaces the database of a stopped server by one of schema version 4 with the same keys and more sessions.
fn downgrade(data: &Path) {
    let path = data.join("honeyhive.db");
    let old = data.join("old.db");
    write_private(&old, b"", Replace::No).unwrap();
    let database = Database::open(&old).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    for migration in [
        include_str!("../../migrations/0001_start.sql"),
        include_str!("../../migrations/0002_keys.sql"),
        include_str!("../../migrations/0003_families.sql"),
        include_str!("../../migrations/0004_large_bodies.sql"),
    ] {
        database.execute_batch(migration).unwrap();
    }
    let sql = "PRAGMA user_version = 4; PRAGMA foreign_keys = OFF; ATTACH ?1 AS new".to_owned();
    let sql = sql.replace("?1", &format!("'{}'", path.display()));
    database.execute_batch(&sql).unwrap();
    for table in ["meta", "projects", "api_keys", "key_projects", "owners"] {
        let columns = match table {
            // Later versions have more columns.
            "projects" => "project, id, name, description",
            _ => "*",
        };
        let sql = format!("INSERT INTO {table} SELECT {columns} FROM new.{table}");
        database.execute_batch(&sql).unwrap();
    }
    for number in 0..40_u8 {
        database
            .execute(
                "INSERT INTO sessions (project, id, name, started, ended, implicit, body)
                 VALUES (1, ?1, 's', 1, 1, 0, CAST('{\"inputs\": {\"text\": \"' || ?2 || '\"}}' AS BLOB))",
                rusqlite::params![[number; 16], "x".repeat(50_000)],
            )
            .unwrap();
    }
    drop(database);
    fs::rename(old, path).unwrap();
}

#[test]
fn an_upgrade_without_enough_space_changes_nothing_and_runs_later() {
    const TEST: &str = "an_upgrade_without_enough_space_changes_nothing_and_runs_later";
    if let Some((dir, job)) = job() {
        let path = dir.join("data/honeyhive.db");
        let part = async {
            if job == "refused" {
                drop(start(&dir).await.stop().await);
                downgrade(&dir.join("data"));
                let before = fs::read(&path).unwrap();
                File::options()
                    .create_new(true)
                    .write(true)
                    .open(dir.join("filler"))
                    .and_then(|mut filler| filler.write_all(&vec![0; 2 * 1024 * 1024]))
                    .unwrap();
                let Err(error) = Server::start(options(&dir)).await else {
                    panic!("the server started");
                };
                assert_eq!(error.kind(), StartErrorKind::DataDir);
                let message = error.to_string();
                let size = before.len() as u64;
                let needed = format!(
                    "needs {} bytes of free disk space",
                    size + size / 2 + 16 * 1024 * 1024
                );
                assert!(message.contains(&needed), "{message}");
                assert!(fs::read(&path).unwrap() == before);
                assert!(!path.with_extension("db.upgrade").exists());
            } else {
                let server = start(&dir).await;
                let list = server.admin().events(&json!({"limit": 5})).await;
                assert_eq!(list["totalEvents"], 40);
                server.stop().await;
            }
        };
        runtime().block_on(part);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "job refused && mount -o remount,size=64m \"$HH_TEST_DIR\" && job upgraded";
    on_small_disk(script, TEST, dir.path());
}
