//! The key in use is in no output of any command, whatever the server answers, however much is said.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

use crate::support::{Done, Loopback, STORE, TestEnv};

const KEY: &str = "hh_C4N4RY0123456789abcdefghijklmnopqrstuv";
/// The same in base64, without the last characters, which depend on what follows.
const BASE64: &str = "aGhfQzRONFJZMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dX";

/// Every command that uses the key or is told one; `token` and `env --reveal` are there to print it.
const COMMANDS: &[&[&str]] = &[
    &["auth", "login", "--api-key-stdin"],
    &["auth", "login", "--api-key-stdin", "--no-save"],
    &["auth", "whoami"],
    &["auth", "status"],
    &["auth", "check"],
    &["auth", "list"],
    &["auth", "switch", KEY],
    &["auth", "env", "--shell", "bash"],
    &["auth", "keys", "list"],
    &["auth", "keys", "create", "--name", KEY],
    &["auth", "keys", "show", KEY],
    &["auth", "keys", "revoke", KEY],
    &["auth", "scan", KEY],
    &["project", "list"],
    &["project", "create", KEY],
    &["session", "list"],
    &["event", "list", "--project", KEY],
    &["config", "list"],
    &["config", "explain", "api_key"],
    &["config", "get", "api_key"],
    &["config", "path"],
    &["config", "validate"],
    &["doctor"],
    &["auth", "logout"],
    &["auth", "logout", "--all"],
];

/// How much is said: flags and a variable.
const TALK: &[(&[&str], &str)] = &[
    (&[], "info"),
    (&["--verbose"], "info"),
    (&["--debug"], "info"),
    (&["--output", "json"], "trace"),
];

/// Runs every command against a server, with the key from each place, and looks for it in all that was written.
fn assert_hidden(base_url: &str, commands: &[&[&str]], talk: &[(&[&str], &str)]) {
    for (flags, level) in talk {
        for is_stored in [false, true] {
            let mut env = TestEnv::new();
            env.set("HH_BASE_URL", base_url);
            env.set("HH_TIMEOUT", "1");
            env.set("HH_LOG_LEVEL", level);
            if is_stored {
                env.store_key("work", base_url, KEY);
            } else {
                env.set("HH_API_KEY", KEY);
            }
            for command in commands {
                let done = env.run_with_input(&[command, *flags].concat(), KEY);
                assert_none(&format!("{command:?} {flags:?}"), &done);
            }
            assert_no_file(&env, env.path("").as_path());
        }
    }
}

fn assert_none(what: &str, done: &Done) {
    let mut hex = String::new();
    for byte in KEY.bytes() {
        write!(hex, "{byte:02x}").unwrap();
    }
    let all = format!("{}{}", done.stdout, done.stderr);
    for secret in [
        &KEY[8..],
        &KEY[..20],
        BASE64,
        &hex[..40],
        &hex.to_uppercase()[..40],
    ] {
        assert!(!all.contains(secret), "{what}: {done:?}");
    }
}

/// Nothing outside the store holds it.
fn assert_no_file(env: &TestEnv, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_file(env, &path);
        } else if path != env.path(STORE) {
            let text = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&KEY[8..]), "{}", path.display());
        }
    }
}

/// An answer that holds what a careless server or proxy would echo.
fn echo(status: &str) -> String {
    let (bearer, kind) = (format!("Bearer {KEY}"), "Content-Type: application/json");
    let body = format!(
        r#"{{"message": "authorization: {bearer}", "errorCode": "{KEY}", "request_id": "{KEY}", "detail": "{BASE64}"}}"#
    );
    assert!(body.contains(KEY), "it is there to be leaked");
    format!(
        "{status}\r\n{kind}\r\nX-Echo: {bearer}\r\nLocation: https://evil.invalid/{KEY}\r\n\r\n{body}"
    )
}

#[test]
fn s41_when_all_is_well() {
    let server = Loopback::start();
    assert_hidden(&server.url(), COMMANDS, TALK);
    let requests = server.requests();
    assert!(requests.iter().any(|request| request.key() == Some(KEY)));
}

#[test]
fn s41_when_the_server_echoes_it() {
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "302 Found",
    ] {
        let server = Loopback::always(&echo(status));
        assert_hidden(&server.url(), COMMANDS, &TALK[1..]);
        assert!(
            server
                .requests()
                .iter()
                .any(|request| request.key() == Some(KEY))
        );
    }
}

#[test]
fn s41_when_the_server_fails_with_it() {
    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "200 OK",
    ] {
        let server = Loopback::always(&echo(status));
        assert_hidden(&server.url(), COMMANDS, &TALK[1..]);
        drop(server.requests());
    }
    let page =
        format!("500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<pre>{KEY}</pre>");
    let server = Loopback::always(&page);
    assert_hidden(&server.url(), COMMANDS, &TALK[2..]);
    drop(server.requests());
}

#[test]
fn s41_when_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    // Each of these takes a second.
    let commands = [
        &["auth", "login", "--api-key-stdin"][..],
        &["auth", "whoami"],
        &["project", "list"],
    ];
    assert_hidden(&silent, &commands, &TALK[2..]);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_hidden(&format!("http://{closed}"), COMMANDS, &TALK[1..]);
}
