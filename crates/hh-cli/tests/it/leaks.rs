//! The key in use is in no output of any command, with any response of the server and any verbosity.

mod commands;
mod processes;

use commands::COMMANDS;
use hh_testing::IdleListener;

use crate::support::canary::{KEY, assert_hidden, assert_in_no_file, find};
use crate::support::{Loopback, TestEnv};

/// The verbosities: flags and a variable.
const TALK: &[(&[&str], &str)] = &[
    (&[], "info"),
    (&["--verbose"], "info"),
    (&["--debug"], "info"),
    (&["--output", "json"], "trace"),
];
/// The minimum number of commands that send a request.
const ASKING: usize = 12;
/// The number of commands that run at the same time.
const AT_ONCE: usize = 32;

/// Runs every command at these verbosities with the key from each source, each in its own home, and searches all
/// output for the key. Returns the results of `run`.
fn each<T: Send>(
    base_url: &str,
    talk: &'static [(&[&str], &str)],
    run: impl Fn(&TestEnv, &[&str]) -> T + Sync,
) -> Vec<T> {
    let mut cases = Vec::new();
    for command in COMMANDS {
        for talk in talk {
            cases.extend([false, true].map(|is_stored| (command, talk, is_stored)));
        }
    }
    let one = |(command, (flags, level), is_stored): &(&&[&str], &(&[&str], &str), bool)| {
        let mut env = TestEnv::new();
        env.set("HH_BASE_URL", base_url);
        env.set("HH_TIMEOUT", "1");
        env.set("EDITOR", "true");
        env.set("HH_LOG_LEVEL", level);
        // The default editor would wait for input, and copy the file that it edits.
        env.set("EDITOR", "true");
        // A backtrace does not depend on the verbosity and is slow, so one level is sufficient.
        let backtrace = if *level == "trace" { "full" } else { "0" };
        env.set("RUST_BACKTRACE", backtrace);
        if *is_stored {
            env.store_key("work", base_url, KEY);
        } else {
            env.set("HH_API_KEY", KEY);
        }
        let did = run(&env, &[command, *flags].concat());
        assert_in_no_file(&env);
        did
    };
    let mut all = Vec::new();
    for some in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|case| scope.spawn(|| one(case))).collect();
            all.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        });
    }
    all
}

/// Runs the same, and also with the key on standard input; returns the exit codes.
fn assert_never_written(base_url: &str, talk: &'static [(&[&str], &str)]) -> Vec<i32> {
    each(base_url, talk, |env, arguments| {
        let done = env.run_with_input(arguments, KEY);
        assert_hidden(&arguments.join(" "), &done);
        done.code
    })
}

/// Returns a response that contains everything that a careless server or proxy would echo.
fn echo(status: &str) -> String {
    let (bearer, kind) = (format!("Bearer {KEY}"), "Content-Type: application/json");
    let body = format!(
        r#"{{"message": "authorization: {bearer}", "errorCode": "{KEY}", "request_id": "{KEY}", "detail": "{KEY}"}}"#
    );
    assert!(
        find(body.as_bytes()).is_some(),
        "the response does not contain the key"
    );
    format!(
        "{status}\r\n{kind}\r\nX-Echo: {bearer}\r\nLocation: https://evil.invalid/{KEY}\r\n\r\n{body}"
    )
}

/// Runs every command against a server that gives this response, and checks that requests carried the key.
fn assert_not_echoed(answer: &str, talk: &'static [(&[&str], &str)]) {
    let server = Loopback::always(answer);
    assert_never_written(&server.url(), talk);
    assert_used(server, talk.len());
}

/// Checks that each command that sends requests did so, at each verbosity with the key from each source.
fn assert_used(server: Loopback, talks: usize) {
    let requests = server.requests();
    let with_key = requests
        .iter()
        .filter(|request| request.bearer() == Some(KEY));
    assert!(with_key.count() >= ASKING * talks * 2, "{requests:?}");
}

// Feature S41.
#[test]
fn when_every_request_succeeds() {
    let server = Loopback::start();
    let codes = assert_never_written(&server.url(), TALK);
    let done = codes.iter().filter(|code| **code == 0).count();
    assert!(done >= 15 * TALK.len() * 2, "{codes:?}");
    assert_used(server, TALK.len());
}

// Feature S41.
#[test]
fn when_the_server_echoes_it() {
    assert_not_echoed(&echo("401 Unauthorized"), TALK);
    for status in ["403 Forbidden", "404 Not Found", "302 Found"] {
        assert_not_echoed(&echo(status), &TALK[3..]);
    }
}

// Feature S41.
#[test]
fn when_the_server_fails_with_it() {
    assert_not_echoed(&echo("500 Internal Server Error"), TALK);
    for status in ["503 Service Unavailable", "200 OK"] {
        assert_not_echoed(&echo(status), &TALK[3..]);
    }
    let page =
        format!("500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<pre>{KEY}</pre>");
    assert_not_echoed(&page, &TALK[2..]);
}

// Feature S41.
#[test]
fn when_no_server_responds() {
    let listener = IdleListener::new();
    let silent = listener.url();
    let codes = assert_never_written(&silent, TALK);
    let late = codes.iter().filter(|code| **code == 4).count();
    assert!(late >= ASKING * TALK.len() * 2, "{codes:?}");
    drop(listener);
    assert_never_written(&silent, &TALK[3..]);
}

// Feature S41.
/// The system refuses to start threads, which name resolution needs, so the program panics while it holds the key in
/// the middle of a request. The program has no code for this test.
#[test]
fn when_the_program_panics() {
    let server = "https://api.test.invalid";
    let panics = each(server, TALK, |env, arguments| {
        let done = env.run_without_threads(arguments, KEY)?;
        assert_hidden(&arguments.join(" "), &done);
        let is_panic = done.stderr.contains("panicked at");
        assert_eq!(is_panic, done.code == 101, "{done:?}");
        let has_backtrace = done.stderr.contains("stack backtrace:");
        let is_loudest = arguments.ends_with(TALK[3].0);
        assert_eq!(has_backtrace, is_panic && is_loudest, "{done:?}");
        Some(is_panic)
    });
    // Without strace, no command runs.
    if let Some(panics) = panics.into_iter().collect::<Option<Vec<_>>>() {
        let count = panics.iter().filter(|is_panic| **is_panic).count();
        assert!(count >= ASKING * TALK.len() * 2, "{count}");
    }
}
