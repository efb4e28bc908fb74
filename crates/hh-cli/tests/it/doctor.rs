//! `honeyhive doctor` identifies faults. Each test causes a real one, with real sockets and certificates.

mod keys;
mod network;
mod notes;
mod secrets;
mod site;
mod tls;

use std::time::{Duration, Instant};

use crate::support::{RunOutput, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// The limit for a run. The program's own limits add up to less than 15 s; a busy machine may need twice that.
const LIMIT: Duration = Duration::from_secs(30);

/// Parts of the output that differ between runs.
const FILTERS: [(&str, &str); 3] = [
    (r"\| [\d.]+ m?s \|", "| [time] |"),
    (r"it says \d{4}-\d\d-\d\d", "it says [today]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[when]"),
];

fn env_with_key() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env
}

/// Runs `honeyhive doctor` to its end.
fn run(env: &TestEnv, flags: &[&str]) -> RunOutput {
    let start = Instant::now();
    let done = env.run_with(&["doctor"], flags);
    assert!(start.elapsed() < LIMIT, "{done:?}");
    done
}

/// Returns the output with these names replaced.
fn seen(env: &TestEnv, flags: &[&str], names: &[(&str, &str)]) -> String {
    let text = env.seen_of(&run(env, flags));
    names
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

macro_rules! assert_seen {
    ($seen:expr, @$expected:literal) => {
        insta::with_settings!({ filters => $crate::doctor::FILTERS }, {
            insta::assert_snapshot!($seen, @$expected);
        });
    };
}
use assert_seen;
