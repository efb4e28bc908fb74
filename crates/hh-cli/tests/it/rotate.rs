//! Rotation of the saved key: its output, and that an interruption never leaves the user without a key.

mod gate;

use std::process::{Child, Stdio};

use hh_testing::poll_until;

use self::gate::{Gate, Stop};
use crate::support::{RunOutput, STORE, TestEnv, undated};

const LOGIN: &[&str] = &["auth", "login", "--storage", "file", "--api-key-stdin"];
const ROTATE: &[&str] = &["auth", "rotate", "--grace", "0s"];

/// Logs in with a new key, and returns it.
fn log_in(env: &mut TestEnv, level: &str) -> String {
    env.be_admin();
    let create = ["auth", "keys", "create", "--name", "mine", "--level", level];
    let key = env.run(&[&create[..], &["--project", "default"]].concat());
    env.unset("HH_API_KEY_FILE");
    let key = key.stdout.trim().to_owned();
    let done = env.run_with_input(LOGIN, &key);
    assert_eq!(done.code, 0, "{done:?}");
    key
}

fn saved(env: &TestEnv) -> String {
    let store = env.read(STORE);
    let line = store
        .lines()
        .find_map(|line| line.strip_prefix("api_key = "));
    line.unwrap().trim_matches('"').to_owned()
}

// Feature S33.
#[test]
fn a_rotation_creates_saves_and_uses_a_new_key() {
    for level in ["read_only", "read_write"] {
        let mut env = TestEnv::with_server();
        let old = log_in(&mut env, level);
        let done = env.run(&["auth", "rotate"]);
        assert_eq!(done.code, 0, "{done:?}");
        let new = saved(&env);
        assert!(!done.stderr.contains(&old) && !done.stderr.contains(&new));
        let printed = done
            .stderr
            .replace(&old[..8], "[old]")
            .replace(&new[..8], "[new]");
        let printed = undated(&printed.replace(['(', ')'], " "));
        insta::allow_duplicates! {
            insta::assert_snapshot!(printed, @"Replaced key [old]*** with [new]***  [key id] ; the old key works for another 24h");
        }
        assert_eq!(
            (env.mode(STORE), env.run(&["auth", "whoami"]).code),
            (0o600, 0)
        );
        // The grace period has just begun.
        assert_eq!(env.run(&["auth", "whoami", "--api-key", &old]).code, 0);
    }
}

#[test]
fn without_grace_the_old_key_is_revoked_by_the_rotation() {
    let mut env = TestEnv::with_server();
    let old = log_in(&mut env, "ingest_only");
    let log = env.at("security.log");
    let done = env.run_with(ROTATE, &["--security-log", &log]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stderr.contains("no longer works"), "{done:?}");
    let done = env.run(&["auth", "whoami", "--api-key", &old]);
    assert_eq!(done.code, 3, "{done:?}");
    let log = env.read("security.log");
    assert!(
        log.contains("\"event\":\"rotation\"") && !log.contains(&saved(&env)),
        "{log}"
    );
}

#[test]
fn a_key_from_another_source_is_not_rotated() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let done = env.run(&["auth", "rotate"]);
    assert_eq!(done.code, 2, "{done:?}");
    insta::assert_snapshot!(env.filtered(&done.stderr), @"
    error: the active key comes from HH_API_KEY_FILE -> [home]/admin.key (environment), not from a saved profile
      hint: run `honeyhive auth keys rotate ID` with the ID that `honeyhive auth whoami --jq .key.id` prints, then replace the key where it is configured
    ");
    assert_eq!(env.run(&["auth", "rotate", "--grace", "8d"]).code, 2);
}

#[test]
fn a_server_that_does_not_rotate_leaves_it_to_people() {
    let env = TestEnv::new();
    let key = "hh_1234567890abcdef1234567890abcdef";
    let server = crate::support::Loopback::answering([
        "404 Not Found\r\nContent-Type: application/json\r\n\r\n{}",
    ]);
    env.store_key("default", &server.url(), key);
    let done = env.run(&["auth", "rotate"]);
    assert_eq!(done.code, 1, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    error: this server does not support key rotation
      hint: create a new key in the dashboard under Settings > API Keys, save it with `honeyhive auth login`, then delete the old key in the dashboard
    ");
    assert_eq!(saved(&env), key);
}

/// The event that ends a rotation.
#[derive(Clone, Copy, Debug)]
enum Kill {
    At(Stop),
    /// A kill while it has this response and waits for the store.
    Saving(usize),
}

fn start(env: &TestEnv) -> Child {
    env.program(env!("CARGO_BIN_EXE_honeyhive"), ROTATE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the process has opened the lock of the store, which another process holds.
fn wait_for_lock(child: &Child) {
    let files = format!("/proc/{}/fd", child.id());
    let has_it = || {
        let mut files = std::fs::read_dir(&files).unwrap().flatten();
        files.any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|path| path.ends_with("credentials.lock"))
        })
    };
    poll_until("the lock is open", has_it);
}

#[test]
fn a_concurrent_switch_does_not_change_the_profile_of_a_rotation() {
    let mut env = TestEnv::with_server();
    let gate = Gate::before(&env.url());
    env.unset("HH_BASE_URL");
    env.set("HH_BASE_URL", &gate.url);
    let old = log_in(&mut env, "read_write");
    let other = ["--profile", "other"];
    let done = env.run_with_input(&[LOGIN, &other].concat(), &env.read("admin.key"));
    assert_eq!(done.code, 0, "{done:?}");
    let switch = |name| assert_eq!(env.run(&["auth", "switch", name]).code, 0);
    switch("default");
    // The server has created the new key, which is not saved yet.
    gate.plan(Stop::Until(2));
    let mut child = start(&env);
    gate.wait();
    switch("other");
    gate.go_on();
    assert!(child.wait().unwrap().success());

    assert!(!env.read(STORE).contains("replaces"));
    assert_ne!(saved(&env), old);
    // The old key is revoked, so the new key was used.
    let done = env.run(&["auth", "whoami", "--api-key", &old]);
    assert_eq!(done.code, 3, "{done:?}");
    switch("default");
    assert_eq!(env.run(&["auth", "whoami"]).code, 0);
}

#[test]
fn a_login_meanwhile_is_not_overwritten() {
    for at in [1, 2, 3] {
        let mut env = TestEnv::with_server();
        let gate = Gate::before(&env.url());
        let server = env.url();
        env.unset("HH_BASE_URL");
        env.set("HH_BASE_URL", &gate.url);
        log_in(&mut env, "read_write");
        gate.plan(Stop::Until(at));
        let mut rotate = env.command(ROTATE);
        let child = rotate.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        gate.wait();
        // The gate is busy with the rotation, so the login uses the server directly.
        let other = ["--profile", "default", "--base-url", &server];
        let key = env.read("admin.key");
        let done = env.run_with_input(&[LOGIN, &other].concat(), &key);
        assert_eq!(done.code, 0, "{done:?}");
        gate.go_on();
        let done = RunOutput::from(child.unwrap().wait_with_output().unwrap());
        assert_eq!(
            (done.code, &*done.stderr),
            (
                1,
                "error: the saved key changed during the rotation\n  hint: run `honeyhive auth rotate` again\n"
            ),
            "at {at}"
        );
        assert_eq!(saved(&env), key.trim(), "at {at}");
    }
}

#[test]
fn a_working_key_is_saved_when_a_rotation_is_interrupted_and_the_next_one_completes() {
    // The requests: read the owner of the key, create the new key, and use the new key for the first time.
    let kills = [
        Kill::At(Stop::Before(1)),
        Kill::At(Stop::After(1)),
        Kill::At(Stop::Before(2)),
        Kill::At(Stop::After(2)),
        Kill::Saving(2),
        Kill::At(Stop::Before(3)),
        Kill::At(Stop::After(3)),
        Kill::Saving(3),
    ];
    for kill in kills {
        let mut env = TestEnv::with_server();
        let gate = Gate::before(&env.url());
        env.unset("HH_BASE_URL");
        env.set("HH_BASE_URL", &gate.url);
        let old = log_in(&mut env, "read_write");
        let stop = match kill {
            Kill::At(stop) => stop,
            Kill::Saving(at) => Stop::Until(at),
        };
        gate.plan(stop);
        let mut child = start(&env);
        gate.wait();
        let mut lock = None;
        if let Kill::Saving(_) = kill {
            lock = Some(hh_sdk::auth::private_file::lock(&env.path(STORE)).unwrap());
            gate.go_on();
            wait_for_lock(&child);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(lock);

        let done = env.run(&["auth", "whoami"]);
        assert_eq!(done.code, 0, "{kill:?}: {done:?}");
        // A rotation that was interrupted prints the same data when it is finished.
        let key = env.json(ROTATE);
        let shown = env.json(&["auth", "whoami"]);
        assert_eq!(key["id"], shown["key"]["id"], "{kill:?}: {key}");
        assert!(key["id"].is_string(), "{kill:?}: {shown}");
        let done = env.run(&["auth", "whoami"]);
        assert_eq!(done.code, 0, "{kill:?}: {done:?}");
        assert!(!env.read(STORE).contains("replaces"), "{kill:?}");
        assert_ne!(saved(&env), old, "{kill:?}");
        let done = env.run(&["auth", "whoami", "--api-key", &old]);
        assert_eq!(done.code, 3, "{kill:?}: {done:?}");
        // No other key that was created in the meantime is valid.
        env.be_admin();
        let keys = env.items(&["auth", "keys", "list"]);
        let live = keys.as_array().unwrap().iter();
        let live = live.filter(|key| key["name"] == "mine" && key["state"] == "active");
        assert_eq!(live.count(), 1, "{kill:?}: {keys}");
    }
}

#[test]
fn a_replaced_key_shows_when_it_stops_working() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let create = [
        "auth",
        "keys",
        "create",
        "--name=old",
        "--level=read_only",
        "--all-projects",
        "--expires-in=90d",
    ];
    let old = env.json(&[&create[..], &["--key-file", "old.key"]].concat());
    let id = old["id"].as_str().unwrap();
    let rotate = ["auth", "keys", "rotate", id, "--grace", "1h"];
    let new = env.json(&[&rotate[..], &["--key-file", "new.key"]].concat());
    let new = new["id"].as_str().unwrap();
    let expires = || {
        let shown = env.run(&["auth", "keys", "show", id, "--utc"]).stdout;
        let line = shown
            .lines()
            .find_map(|line| line.strip_prefix("Expires: "));
        line.unwrap().to_owned()
    };
    assert_eq!(expires(), format!("1h after first use of {}", &new[..8]));
    let whoami = env.run(&["auth", "whoami", "--api-key", env.read("new.key").trim()]);
    assert_eq!(whoami.code, 0, "{whoami:?}");
    let end = env.json(&["auth", "keys", "show", id]);
    let end = end["grace_ends_at"].as_str().unwrap();
    // Both have the same time up to the second.
    assert_eq!(expires()[..19], end[..19]);
}
