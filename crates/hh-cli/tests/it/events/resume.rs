//! Exports to files that are interrupted and continued.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};

use hh_testing::poll_until;
use serde_json::Value;

use super::export::store;
use super::{assert_fails, with_server};
use crate::support::canary::KEY;
use crate::support::{Loopback, TestEnv};

const OK: &str = "200 OK\r\nContent-Type: application/json\r\n\r\n";
const EXPORT: [&str; 4] = ["event", "export", "--output-file", "out"];

/// Returns a page with one event, whose name is a number.
fn page(number: u32, next: Option<u32>) -> String {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let next = next.map_or_else(String::new, |next| format!(r#", "next": "{next}""#));
    format!(
        r#"{OK}{{"events": [{{"event_id": "{id}", "session_id": "{id}", "event_type": "tool", "event_name": "{number}",
        "project_id": "p", "start_time": 1.0, "end_time": 1.0, "duration": 0.0}}], "totalEvents": 4, "count": 4{next}}}"#
    )
}

/// A server with four pages, which waits before it sends the third one for the first time.
struct Server {
    loopback: Loopback,
    reached: Receiver<()>,
    go_on: Sender<String>,
}

impl Server {
    fn start() -> Self {
        let (reach, reached) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel();
        let mut is_first = true;
        let server = Loopback::with(move |request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let cursor = body["cursor"].as_str().unwrap();
            let number = cursor.parse().unwrap_or(0);
            if number == 2 && std::mem::take(&mut is_first) {
                reach.send(()).unwrap();
                return goes_on.recv().unwrap();
            }
            page(number, (number < 3).then_some(number + 1))
        });
        Self {
            loopback: server,
            reached,
            go_on,
        }
    }

    fn env(&self) -> TestEnv {
        let mut env = TestEnv::new();
        env.set("HH_BASE_URL", &self.loopback.url());
        env.set("HH_API_KEY", KEY);
        env
    }

    /// Starts an export that waits for the third page.
    fn start_export(&self, env: &TestEnv, options: &[&str]) -> Child {
        let child = env
            .command(&[&EXPORT[..], options].concat())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.reached.recv().unwrap();
        child
    }

    /// Unblocks the server. The client of its response has disconnected.
    fn go_on(&self) {
        self.go_on.send(page(2, Some(3))).unwrap();
    }
}

/// Returns the names of the events in the file.
fn names(env: &TestEnv) -> Vec<String> {
    let name = |line| serde_json::from_str::<Value>(line).unwrap()["event_name"].take();
    let text = env.read("out");
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| name(line).as_str().unwrap().to_owned())
        .collect()
}

/// Continues the export and checks that the file has every event once.
fn assert_resumes(env: &TestEnv, server: Server) {
    let done = env.run_with(&EXPORT, &["--resume"]);
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (0, "Exported 4 events to out\n")
    );
    assert_eq!(names(env), ["0", "1", "2", "3"]);
    assert!(!env.path("out.resume").exists());
    // Only the pages that were missing are read again.
    let cursors =
        server.loopback.requests().into_iter().map(|request| {
            serde_json::from_slice::<Value>(&request.body).unwrap()["cursor"].take()
        });
    assert_eq!(cursors.collect::<Vec<_>>(), ["", "1", "2", "2", "3"]);
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn an_export_that_is_killed_continues_after_the_last_complete_page() {
    let server = Server::start();
    let env = server.env();
    let mut child = server.start_export(&env, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    server.go_on();
    assert_eq!(names(&env), ["0", "1"]);
    // The process can be killed while it writes a page.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(env.path("out"))
        .unwrap();
    file.write_all(b"{\"event_id\": \"half of a li").unwrap();
    env.write("out.resume.new", "half of a state");
    assert_resumes(&env, server);
}

#[test]
fn an_export_that_is_interrupted_says_how_to_continue() {
    for name in ["-INT", "-TERM"] {
        let server = Server::start();
        let env = server.env();
        let child = server.start_export(&env, &[]);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        server.go_on();
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "note: out has 2 events so far; add --resume to continue\nerror: interrupted\n"
        );
        assert_resumes(&env, server);
    }
}

#[test]
fn an_export_continues_after_a_failure_of_the_server() {
    let server = Server::start();
    let env = server.env();
    let child = server.start_export(&env, &[]);
    server
        .go_on
        .send("502 Bad Gateway\r\n\r\n".to_owned())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(names(&env), ["0", "1"]);
    assert_resumes(&env, server);
}

#[test]
fn an_interrupted_export_is_not_replaced_or_continued_with_other_options() {
    let server = Server::start();
    let mut env = server.env();
    let options = ["--since", "2h", "--name", "x", "--project", "docs"];
    let mut child = server.start_export(&env, &options);
    // Another process cannot write to the file meanwhile.
    let done = env.run_with(&EXPORT, &["--resume"]);
    assert_fails(&done, 5, "another process is exporting to out");
    child.kill().unwrap();
    child.wait().unwrap();
    server.go_on();
    let before = (env.read("out"), env.read("out.resume"));
    let run = |env: &TestEnv, options: &[&str]| env.run_with(&EXPORT, options);
    assert_fails(
        &run(&env, &[]),
        5,
        "add --resume to continue it, or remove out.resume",
    );
    for (options, message) in [
        (&["--since", "3h", "--name", "x"][..], "other filters"),
        (&["--error"], "other filters"),
        (&["-o", "csv"], "another format or other fields"),
        (&["--json", "event_id"], "another format or other fields"),
        (&["--project", "other"], "another project"),
    ] {
        assert_fails(&run(&env, &[&["--resume"], options].concat()), 2, message);
    }
    let other = Loopback::start();
    env.set("HH_BASE_URL", &other.url());
    assert_fails(
        &run(&env, &["--resume"]),
        2,
        "the interrupted export has read http://",
    );
    other.assert_untouched("the export has read another server");
    env.set("HH_BASE_URL", &server.loopback.url());
    assert!(before == (env.read("out"), env.read("out.resume")));
    // The same options can be repeated.
    assert_eq!(run(&env, &[&options[..], &["--resume"]].concat()).code, 0);
    assert_eq!(names(&env).len(), 4);
    // The time is that of the first command.
    let requests = server.loopback.requests();
    let ranges = requests.iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["project"], "docs");
        body["dateRange"].to_string()
    });
    assert_eq!(ranges.collect::<std::collections::BTreeSet<_>>().len(), 1);
}

#[test]
fn a_missing_or_damaged_state_is_an_error() {
    let server = Server::start();
    let env = server.env();
    let resume = |env: &TestEnv| env.run_with(&EXPORT, &["--resume"]);
    assert_fails(&resume(&env), 5, "there is no interrupted export to out");
    let mut child = server.start_export(&env, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    server.go_on();
    let state = env.read("out.resume");
    for damaged in ["", "{}", &state.replace("\"version\":1", "\"version\":9")] {
        env.write("out.resume", damaged);
        assert_fails(&resume(&env), 5, "is not the state of an export");
    }
    env.write("out.resume", &state);
    for other in ["", "another file\n", &"x".repeat(5000)] {
        env.write("out", other);
        assert_fails(&resume(&env), 5, "does not contain the events");
        assert_eq!(env.read("out"), other);
    }
}

#[test]
fn an_export_that_fails_before_its_first_page_leaves_the_file_unchanged() {
    let server = Loopback::always("502 Bad Gateway\r\n\r\n");
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", KEY);
    env.write("out", "an earlier export\n");
    let done = env.run(&EXPORT);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(!done.stderr.contains("--resume"), "{done:?}");
    assert_eq!(env.read("out"), "an earlier export\n");
    assert!(!env.path("out.resume").exists());
}

#[test]
fn an_export_of_many_events_is_complete_after_several_kills() {
    let env = with_server();
    store(&env, 4000);
    let whole = env.run(&["event", "export", "-o", "csv"]).stdout;
    let file = ["event", "export", "-o", "csv", "--output-file", "out"];
    let has_state = || env.path("out.resume").exists();
    let mut kills = 0;
    loop {
        let resume: &[&str] = if has_state() { &["--resume"] } else { &[] };
        let length = std::fs::metadata(env.path("out")).map_or(0, |file| file.len());
        let mut child = env
            .command(&[&file, resume].concat())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Kill the process after it has written something.
        poll_until("progress", || {
            let is_longer =
                std::fs::metadata(env.path("out")).is_ok_and(|file| file.len() > length);
            is_longer || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0 && !has_state());
    assert!(env.read("out") == whole);
}
