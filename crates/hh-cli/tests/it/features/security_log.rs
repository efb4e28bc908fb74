//! The log of key operations.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use serde_json::Value;

use super::KEY;
use crate::support::{Loopback, TestEnv};

/// Returns the events in the log, each with the facts of this name.
fn events(env: &TestEnv, facts: &[&str]) -> Vec<String> {
    let log = env.read("security.log");
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
        assert!(line["pid"].is_u64() && line["version"].is_string());
        let fact = |fact: &&str| line[*fact].as_str().unwrap_or("-").to_owned();
        let facts: Vec<_> = std::iter::once(&"event").chain(facts).map(fact).collect();
        env.filtered(&facts.join(" | "))
    };
    log.lines().map(line).collect()
}

// Feature S92.
#[test]
fn every_client_start_is_logged() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_SECURITY_LOG", &env.at("security.log"));
    let server = Loopback::start();
    env.set("HH_BASE_URL", &server.url());
    assert_eq!(env.run(&["project", "list"]).code, 0);
    let events = events(&env, &["key", "key_source", "host"]);
    insta::assert_snapshot!(events.join("\n"), @"client_start | hh_12345*** | HH_API_KEY (environment) | [server]");
    assert_eq!(env.mode("security.log"), 0o600);
    // An offline command starts no client.
    env.run(&["auth", "status"]);
    assert_eq!(env.read("security.log").lines().count(), 1);
}

// Feature S94.
#[test]
fn rejected_keys_and_logins_are_logged() {
    let mut env = TestEnv::with_server();
    env.set("HH_SECURITY_LOG", &env.at("security.log"));
    let admin = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, KEY).code, 3);
    assert_eq!(env.run_with_input(&login, &admin).code, 0);
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "k",
        "--level",
        "ingest_only",
    ];
    let key = env
        .run(&[&create[..], &["--project", "default"]].concat())
        .stdout;
    assert_eq!(
        env.run(&["project", "list", "--api-key", key.trim()]).code,
        6
    );
    assert_eq!(env.run(&["auth", "logout", "--yes"]).code, 0);
    env.write("honeyhive.yaml", "timeout: 5\n");
    assert_eq!(env.run(&["config", "trust"]).code, 0);
    let mut events = events(&env, &["detail"]);
    events.retain(|event| !event.starts_with("client_start"));
    insta::assert_snapshot!(events.join("\n"), @r#"
    key_rejected | GET /v1/auth/whoami returned 401 (request [id])
    login | profile default, stored in file
    key_rejected | GET /v1/projects returned 403 (request [id])
    logout | Removed the saved key of profile "default"
    config_trusted | [home]/honeyhive.yaml
    "#);
    // The log contains no complete key. Without redaction it would.
    let log = env.read("security.log");
    assert!(log.contains(&admin[..8]), "{log}");
    assert!(!log.contains(admin.trim()) && !log.contains(key.trim()) && !log.contains(KEY));
}

#[test]
fn a_line_stays_a_line_whatever_is_in_it() {
    let env = TestEnv::new();
    let dir = "a\nb";
    let key = "hh_canarycanarycanarycanarycanary00";
    env.write(&format!("{dir}/{key}"), KEY);
    env.write("c.yaml", format!("api_key_file: \"a\\nb/{key}\"\n"));
    let server = Loopback::start();
    let arguments = [
        "project",
        "list",
        "--config-file",
        "c.yaml",
        "--security-log",
        "security.log",
    ];
    let done = env.run(&[&arguments[..], &["--base-url", &server.url()]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    let log = env.read("security.log");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("c.yaml:1") && !log.contains(key), "{log}");
}

#[test]
fn a_log_that_cannot_be_written_stops_what_should_be_recorded() {
    let env = TestEnv::new();
    let done = env.run(&[
        "project",
        "list",
        "--api-key",
        KEY,
        "--security-log",
        "none/log",
    ]);
    assert_eq!(done.code, 5, "{done:?}");
    insta::assert_snapshot!(env.filtered(done.stderr.lines().last().unwrap()), @"error: cannot write to the security log [home]/none/log (security_log from --security-log): No such file or directory");
}

#[test]
fn a_fifo_a_device_or_a_directory_is_refused_at_once_as_security_log() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    env.make_fifo("fifo");
    env.make_fifo("read-fifo");
    // With a reader, opening the FIFO does not block, but writing to a full one does.
    let mut reader = std::fs::File::options();
    let _reader = reader
        .read(true)
        .write(true)
        .open(env.path("read-fifo"))
        .unwrap();
    let _socket = UnixListener::bind(env.path("socket")).unwrap();
    env.write("folder/file", "");
    symlink("fifo", env.path("link")).unwrap();
    symlink("folder", env.path("folder-link")).unwrap();
    for name in [
        "fifo",
        "read-fifo",
        "link",
        "socket",
        "folder",
        "folder-link",
        "/dev/null",
        "/dev/full",
        "/dev/stdin",
    ] {
        for command in [
            &["project", "list"][..],
            &["auth", "login", "--api-key", KEY],
            &["auth", "whoami"],
        ] {
            let done = env.run_with(command, &["--security-log", name]);
            assert_eq!(done.code, 5, "{name}: {done:?}");
            let why = "cannot write to the security log";
            assert!(done.stderr.contains(why), "{name}: {done:?}");
            assert!(
                done.stderr.contains(": not a regular file"),
                "{name}: {done:?}"
            );
        }
    }
    server.assert_untouched("a request that cannot be logged is not sent");
    // A link to a file is followed.
    env.write("file", "");
    symlink("file", env.path("file-link")).unwrap();
    let server = Loopback::start();
    let flags = ["--security-log", "file-link", "--base-url", &server.url()];
    assert_eq!(env.run_with(&["project", "list"], &flags).code, 0);
    assert_eq!(env.read("file").lines().count(), 1);
}

#[test]
fn unsafe_characters_in_the_security_log_are_escaped() {
    let env = TestEnv::new();
    let name = "a\u{9b}31m\u{202e}\u{e0001}.yaml";
    env.write(name, format!("api_key: {KEY}\n"));
    let server = Loopback::start();
    let flags = [
        "--security-log",
        "security.log",
        "--config-file",
        name,
        "--base-url",
        &server.url(),
    ];
    let done = env.run_with(&["project", "list"], &flags);
    assert_eq!(done.code, 0, "{done:?}");
    let log = env.read("security.log");
    assert!(log.contains(r"\u202e\udb40\udc01.yaml"), "{log}");
    assert!(log.bytes().all(|byte| byte.is_ascii()), "{log}");
    assert_eq!(log.lines().count(), 1);
}
