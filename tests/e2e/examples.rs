//! The examples of the libraries, run against a server.

use std::process::Command;

use hh_testing::run;

use super::http::{export, spans};
use super::support::{PROJECT, TestDir, key_in, profile_dir};

/// Returns a command of an example; `cargo build --workspace --examples` builds them.
fn example(place: &TestDir, name: &str) -> Command {
    let path = profile_dir().join("examples").join(name);
    assert!(
        path.is_file(),
        "{} is missing: run cargo build --workspace --examples first",
        path.display()
    );
    place.command_of(path)
}

fn output(command: &mut Command) -> String {
    let done = run(command);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.stderr, "", "{done:?}");
    done.stdout
}

#[test]
fn the_client_prints_projects_and_events() {
    let place = TestDir::new();
    let server = place.start();
    let key = place.make_key(&server, "read_write");
    export(server.address(), &key_in(&key), &spans("tool", 1, 2)).unwrap();
    let printed = output(
        example(&place, "client")
            .env("HH_BASE_URL", server.url())
            .env("HH_API_KEY_FILE", &key),
    );
    insta::assert_snapshot!(printed, @"
    project demo
      tool span
      tool span
      session span
    ");
}

#[test]
fn the_tracer_records_a_session() {
    let place = TestDir::new();
    let server = place.start();
    let key = place.make_key(&server, "read_write");
    let printed = output(
        example(&place, "tracer")
            .env("HH_BASE_URL", server.url())
            .env("HH_API_KEY_FILE", &key)
            .env("HH_PROJECT", PROJECT),
    );
    let session = printed.trim().strip_prefix("session ").unwrap();
    let list = ["event", "list", "--session-id", session];
    let events = place.list(&server, &key, &list);
    let events = events.as_array().unwrap().iter();
    let mut names: Vec<_> = events
        .map(|event| format!("{} {}", event["event_type"], event["event_name"]))
        .collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"), @r#"
    "chain" "answer"
    "model" "complete"
    "session" "answer a question"
    "tool" "search"
    "#);
}

/// A rejected key is loaded again, which must not read the pipe again.
#[test]
fn a_program_reads_a_named_pipe_once() {
    let place = TestDir::new();
    let server = place.start();
    let key = place.make_key(&server, "read_write");
    let pipe = key.with_extension("env");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let write = |key: &str| {
        let text = format!("HH_BASE_URL={}\nHH_API_KEY={key}\n", server.url());
        let pipe = pipe.clone();
        std::thread::spawn(move || hh_testing::write(pipe, text));
    };
    write(&key_in(&key));
    let mut command = example(&place, "client");
    command.env("HH_ENV_FILE", &pipe);
    assert!(output(&mut command).starts_with("project "));
    write("hh_1234567890abcdef1234567890abcdef");
    let start = std::time::Instant::now();
    let done = run(&mut command);
    assert!(done.code != 0 && done.stderr.contains("401"), "{done:?}");
    assert!(start.elapsed() < std::time::Duration::from_secs(8));
}

#[test]
fn a_custom_provider_supplies_the_key() {
    let place = TestDir::new();
    let server = place.start();
    let key = place.make_key(&server, "read_only");
    let run = |key: &std::path::Path| {
        let mut command = example(&place, "custom_provider");
        run(command.arg(server.url()).arg(key))
    };
    let done = run(&key);
    assert_eq!((done.code, done.stdout.as_str()), (0, "project demo\n"));
    // A missing key file causes an error.
    let done = run(&place.path("missing.key"));
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stderr.contains("the vault cannot be read"), "{done:?}");
}

#[test]
fn a_custom_service_sees_each_attempt() {
    let place = TestDir::new();
    let server = place.start();
    let printed = output(example(&place, "custom_service").arg(server.url()));
    assert!(
        printed.starts_with("GET /api/v1/health: 200 OK\n"),
        "{printed}"
    );
}
