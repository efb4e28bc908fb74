//! The security log of a long-running program.

#![expect(
    deprecated,
    reason = "`with_reporter` works until it is removed, and collects the lines here"
)]

use std::path::Path;

use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHive, Options, SecurityEvent, SecurityEventKind, SecurityLog};
use hh_testing::{HttpServer, write};
use serde_json::Value;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// The events of a log with their keys and details.
fn events(log: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(log).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let fact = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        ["event", "key", "detail"].map(fact).join(" | ")
    };
    log.lines().map(line).collect()
}

/// Sends a request whose key the server rejects; the server first writes the next key, if there is one, to the key
/// file.
async fn rejected(folder: &Path, next: Option<&'static str>) -> Result<(), hh_sdk::Error> {
    let file = folder.join("key");
    write(&file, KEY);
    let at_server = file.clone();
    let server = HttpServer::with(move |request| {
        if request.header("authorization") == Some(&format!("Bearer {OTHER_KEY}")) {
            return ("200 OK", br#"{"projects": []}"#.to_vec());
        }
        if let Some(next) = next {
            write(&at_server, next);
        }
        ("401 Unauthorized", Vec::new())
    });
    let client = HoneyHive::builder()
        .with_env(Env::from_pairs([
            ("HH_API_KEY_FILE", file.to_str().unwrap()),
            ("HH_SECURITY_LOG", folder.join("log").to_str().unwrap()),
        ]))
        .with_base_url(server.url())
        .build()?;
    client.list_projects().await.map(drop)
}

// Feature S94.
#[tokio::test]
async fn a_rejected_and_renewed_key_is_logged_twice() {
    let folder = tempfile::tempdir().unwrap();
    rejected(folder.path(), Some(OTHER_KEY)).await.unwrap();
    assert_eq!(
        events(&folder.path().join("log")),
        [
            "client_start | hh_12345*** | -",
            "key_rejected | hh_12345*** | /v1/projects returned 401",
            "key_renewed | hh_abcde*** | -",
        ]
    );
}

// Feature S94.
#[tokio::test]
async fn a_rejection_is_recorded_once() {
    for next in [None, Some("hh_fedcba0987654321fedcba0987654321")] {
        let folder = tempfile::tempdir().unwrap();
        let error = rejected(folder.path(), next).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let events = events(&folder.path().join("log"));
        let names: Vec<_> = events
            .iter()
            .map(|line| line.rsplit_once(" | ").unwrap().0)
            .collect();
        let wanted = [
            "client_start | hh_12345***",
            "key_rejected | hh_12345***",
            "key_renewed | hh_fedcb***",
            "key_rejected | hh_fedcb***",
        ];
        let count = if next.is_some() { 4 } else { 2 };
        assert_eq!(names, wanted[..count]);
    }
}

#[test]
fn a_log_that_is_rotated_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, old) = (folder.path().join("log"), folder.path().join("log.1"));
    let env = Env::from_pairs([("HH_SECURITY_LOG", log.to_str().unwrap())]);
    let security = SecurityLog::open(&Options::new().with_env(env)).unwrap();
    security.record(&SecurityEvent::new(SecurityEventKind::Login));
    std::fs::rename(&log, &old).unwrap();
    security.record(&SecurityEvent::new(SecurityEventKind::Logout));
    assert_eq!(events(&old), ["login | - | -"]);
    assert_eq!(events(&log), ["logout | - | -"]);
}

#[test]
fn text_of_a_server_is_escaped_in_the_log_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let env = Env::from_pairs([("HH_SECURITY_LOG", log.to_str().unwrap())]);
    let security = SecurityLog::open(&Options::new().with_env(env)).unwrap();
    let hostile = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{200b}\u{e0041}\nb";
    let event = SecurityEvent::new(SecurityEventKind::Login).with_detail(hostile);
    let id = format!("k\u{202e}{}", "y".repeat(5_000));
    security.record(&event.with_key_id(Some(id)));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.trim_end().contains(hh_sdk::is_unsafe), "{text:?}");
    assert!(text.len() < 1_000, "{text}");
    assert_eq!(events(&log), [format!("login | - | {hostile}")]);
}

#[test]
fn a_fifo_as_security_log_does_not_block_the_program() {
    for has_reader in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let env = Env::from_pairs([("HH_SECURITY_LOG", log.to_str().unwrap())]);
        let (sender, warnings) = std::sync::mpsc::channel();
        let options = Options::new().with_env(env);
        let options = options.with_reporter(move |line| sender.send(line.to_owned()).unwrap());
        let security = SecurityLog::open(&options).unwrap();
        security.record(&SecurityEvent::new(SecurityEventKind::Login));
        assert_eq!(events(&log), ["login | - | -"]);
        // The file is replaced while the program runs.
        std::fs::remove_file(&log).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&log).status();
        assert!(made.unwrap().success());
        let mut reader = std::fs::File::options();
        let _reader = has_reader.then(|| reader.read(true).write(true).open(&log).unwrap());
        // More than the capacity of a FIFO.
        let detail = "x".repeat(1000);
        for _ in 0..200 {
            security.record(&SecurityEvent::new(SecurityEventKind::Logout).with_detail(&*detail));
            assert_eq!(
                warnings.recv().unwrap(),
                "warning: cannot write to the security log: not a regular file"
            );
        }
        let error = SecurityLog::open(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        // The log continues after the file exists again.
        std::fs::remove_file(&log).unwrap();
        security.record(&SecurityEvent::new(SecurityEventKind::Logout));
        assert_eq!(events(&log), ["logout | - | -"]);
    }
}
