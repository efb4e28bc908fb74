//! Tests of the features that the command line has, by their numbers in `docs/design/features.md`.

mod credentials;
mod environments;
mod key_age;
mod logging;
mod network;
mod scan;
mod security_log;
mod sources;

use crate::support::{Loopback, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// Returns the key that a request with these flags carries; the server is one of the test.
#[track_caller]
fn sent_key(env: &TestEnv, flags: &[&str]) -> String {
    let server = Loopback::start();
    let done = env.run_with(&["project", "list", "--base-url", &server.url()], flags);
    assert_eq!(done.code, 0, "{flags:?}: {done:?}");
    server.request().bearer().unwrap().to_owned()
}

/// Runs a command that must exit with this code before it sends a request; returns its stderr.
#[track_caller]
fn refused(env: &TestEnv, flags: &[&str], code: i32) -> String {
    let server = Loopback::start();
    let done = env.run_with(&["project", "list", "--base-url", &server.url()], flags);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (code, ""),
        "{flags:?}: {done:?}"
    );
    server.assert_untouched(&done.stderr);
    env.filtered(&done.stderr)
}
