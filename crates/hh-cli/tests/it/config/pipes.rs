//! Files that the user names can be named pipes. Each command reads a pipe once.

use std::time::{Duration, Instant};

use super::{KEY, OTHER_KEY};
use crate::support::{Loopback, TestEnv};

/// A second read of a pipe would take 10 s.
const SHORT: Duration = Duration::from_secs(8);

/// Creates a named pipe that is written once.
fn pipe(env: &TestEnv, name: &str, text: &str) {
    env.make_fifo(name);
    let (path, text) = (env.path(name), text.to_owned());
    std::thread::spawn(move || hh_testing::write(path, text));
}

/// Runs a command with a new pipe `pipe.env`; it must succeed without a second read.
fn run_with_pipe(env: &TestEnv, text: &str, command: &[&str]) -> String {
    pipe(env, "pipe.env", text);
    let start = Instant::now();
    let done = env.run(&[command, &["--env-file", "pipe.env"]].concat());
    assert_eq!(done.code, 0, "{command:?}: {done:?}");
    assert!(start.elapsed() < SHORT, "{command:?}");
    std::fs::remove_file(env.path("pipe.env")).unwrap();
    done.stdout
}

#[test]
fn commands_read_an_env_file_that_is_a_pipe() {
    let server = Loopback::start();
    let env = TestEnv::new();
    let text = format!(
        "HH_PROJECT=docs\nHH_API_KEY={KEY}\nHH_BASE_URL={}\n",
        server.url()
    );
    let run = |command: &[&str]| run_with_pipe(&env, &text, command);
    assert_eq!(run(&["config", "get", "project"]), "docs\n");
    run(&["project", "list"]);
    run(&["config", "list"]);
    run(&["config", "validate"]);
    run(&["config", "set", "timeout", "20"]);
    run(&["auth", "whoami"]);
    run(&["auth", "status"]);
    run(&["doctor"]);
    assert!(run(&["config", "path"]).contains("pipe.env"));
    let requests = server.requests();
    let mut keys = requests.iter().filter_map(|request| request.bearer());
    assert!(keys.all(|key| key == KEY), "{requests:?}");
}

#[test]
fn the_variable_of_an_env_file_can_name_a_pipe() {
    let mut env = TestEnv::new();
    env.set("HH_ENV_FILE", "pipe.env");
    pipe(&env, "pipe.env", "HH_PROJECT=docs\n");
    let done = env.run(&["config", "get", "project"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, "docs\n"), "{done:?}");
}

#[test]
fn a_configuration_file_can_be_a_pipe() {
    let server = Loopback::start();
    let env = TestEnv::new();
    for (name, text) in [
        ("a.yaml", format!("api_key: {KEY}\nproject: docs\n")),
        ("a.json", format!("\u{feff}{{\"api_key\": \"{KEY}\"}}")),
        ("a.toml", format!("api_key = \"{KEY}\"\n")),
    ] {
        pipe(&env, name, &text);
        let flags = ["--config-file", name, "--base-url", &server.url()];
        let done = env.run_with(&["project", "list"], &flags);
        assert_eq!(done.code, 0, "{name}: {done:?}");
    }
    pipe(&env, "b.yaml", "projct: docs\n");
    insta::assert_snapshot!(env.seen(&["config", "validate", "b.yaml"]), @"
    ! error: b.yaml:1:1: unknown setting projct
    ! | hint: did you mean project?
    exit 5
    ");
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.bearer() == Some(KEY)));
    assert_eq!(requests.len(), 3);
}

/// The rejected key is loaded again, which must not wait for the pipe.
#[test]
fn a_key_file_can_be_a_pipe() {
    for (answer, code) in [("200 OK", 0), ("401 Unauthorized", 3)] {
        let body = "{\"projects\": [], \"message\": \"no\"}";
        let answer = format!("{answer}\r\nContent-Type: application/json\r\n\r\n{body}");
        let server = Loopback::always(&answer);
        let mut env = TestEnv::new();
        env.set("HH_API_KEY_FILE", "key");
        pipe(&env, "key", &format!("{OTHER_KEY}\n"));
        let start = Instant::now();
        let done = env.run(&["project", "list", "--base-url", &server.url()]);
        assert_eq!(done.code, code, "{done:?}");
        assert!(start.elapsed() < SHORT, "{done:?}");
        let requests = server.requests();
        let mut keys = requests.iter().map(|request| request.bearer());
        assert!(keys.all(|key| key == Some(OTHER_KEY)), "{requests:?}");
    }
}

#[test]
fn standard_input_can_be_the_env_file() {
    let env = TestEnv::new();
    let get = ["config", "get", "project", "--env-file", "/dev/stdin"];
    let done = env.run_with_input(&get, "HH_PROJECT=docs\n");
    assert_eq!((done.code, done.stdout.as_str()), (0, "docs\n"), "{done:?}");
}

#[test]
fn a_pipe_that_no_program_writes_is_an_error_after_10_seconds() {
    let env = TestEnv::new();
    env.make_fifo("pipe.env");
    insta::assert_snapshot!(env.seen(&["project", "list", "--env-file", "pipe.env"]), @"
    ! error: the .env file pipe.env (--env-file) cannot be read: timed out after 10 s while reading the named pipe
    ! | hint: check that a program writes to the named pipe and then closes it
    exit 5
    ");
}
