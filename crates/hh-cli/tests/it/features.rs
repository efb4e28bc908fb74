//! The rows of the seed's list of features that show on the command line, by their numbers.

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

/// The key with which a request comes, given these flags; requests go to a server of the test's own.
#[track_caller]
fn sent_key(env: &TestEnv, flags: &[&str]) -> String {
    let server = Loopback::start();
    let done = env.run_with(&["project", "list", "--base-url", &server.url()], flags);
    assert_eq!(done.code, 0, "{flags:?}: {done:?}");
    server.request().bearer().unwrap().to_owned()
}

/// A command that must end with this code before anything is sent; returns what was said.
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
