//! `honeyhive config`.

mod bad_input;
mod canary;
mod edit;
mod places;
mod show;
mod trust;
mod validate;

use std::process::Stdio;

use crate::support::TestEnv;

/// A key with which nothing is unusual.
const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

#[test]
fn config_list_opens_no_socket_and_starts_no_thread() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("honeyhive.yaml", "project: docs\n");
    let honeyhive = env!("CARGO_BIN_EXE_honeyhive");
    let calls = "trace=network,clone,clone3,fork,vfork";
    let traced = |arguments: &[&str]| {
        let strace = ["-f", "-e", calls, "-o", "calls", honeyhive];
        env.program("strace", &[&strace, arguments].concat())
            .stdin(Stdio::null())
            .output()
    };
    let output = match traced(&["config", "list"]) {
        Ok(output) => output,
        Err(error) => {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(!is_ci, "strace cannot be run: {error}");
            println!("skipped: strace cannot be run ({error})");
            return;
        }
    };
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && stdout.contains("docs"),
        "{stdout}"
    );
    let calls = env.read("calls");
    let mut ends = calls
        .lines()
        .map(|line| line.contains("+++ exited with 0 +++"));
    assert!(
        ends.next() == Some(true) && ends.all(|is_end| is_end),
        "{calls}"
    );
    // The same look at a command that asks a server shows what it would have seen.
    env.write("calls", "");
    drop(traced(&[
        "project",
        "list",
        "--base-url",
        "http://127.0.0.1:9",
    ]));
    let calls = env.read("calls");
    assert!(
        calls.contains("connect(") && calls.contains("sin_port=htons(9)"),
        "{calls}"
    );
}
