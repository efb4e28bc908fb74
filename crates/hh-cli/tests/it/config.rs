//! Tests of `honeyhive config`.

mod bad_input;
mod canary;
mod edit;
mod locations;
mod other_users;
mod pipes;
mod show;
mod trust;
mod validate;

use crate::support::TestEnv;

/// A valid key without unusual properties.
const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

#[test]
fn config_list_opens_no_socket_and_starts_no_thread() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("honeyhive.yaml", "project: docs\n");
    let Some((done, calls)) = env.run_traced(&["config", "list"]) else {
        return;
    };
    assert!(done.code == 0 && done.stdout.contains("docs"), "{done:?}");
    let mut ends = calls
        .lines()
        .map(|line| line.contains("+++ exited with 0 +++"));
    assert!(
        ends.next() == Some(true) && ends.all(|is_end| is_end),
        "{calls}"
    );
    // The trace of a command that sends a request contains the connection, so the check above can fail.
    let asks = ["project", "list", "--base-url", "http://127.0.0.1:9"];
    let (_, calls) = env.run_traced(&asks).unwrap();
    assert!(
        calls.contains("connect(") && calls.contains("sin_port=htons(9)"),
        "{calls}"
    );
}
