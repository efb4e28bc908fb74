//! The output of failures: one line, and an exit code for the kind of failure.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use hh_testing::{HttpServer, IdleListener, ServerProcess, closed_address, response, run, write};

use super::support::{TestDir, key_in};

/// The failed commands with their output.
struct Failures {
    place: TestDir,
    server: ServerProcess,
    shown: String,
}

impl Failures {
    fn new() -> Self {
        let place = TestDir::new();
        let server = place.start();
        let shown = String::new();
        Self {
            place,
            server,
            shown,
        }
    }

    /// Returns a command that uses the server, without a key.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command
            .env("HH_BASE_URL", self.server.url())
            .env("HH_MAX_RETRIES", "0");
        command
    }

    fn with_key(&self, key_file: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("HH_API_KEY_FILE", key_file);
        command
    }

    fn admin(&self, arguments: &[&str]) -> Command {
        self.with_key(&self.place.admin_key_file(), arguments)
    }

    /// Runs a command, which must fail with this code, one line and at most one hint.
    fn case(&mut self, title: &str, mut command: Command, exit: i32) {
        let done = run(&mut command);
        assert_eq!(done.code, exit, "{title}: {done:?}");
        assert_eq!(done.stdout, "", "{title}");
        let errors: Vec<&str> = done
            .stderr
            .lines()
            .filter(|line| !line.starts_with("warning: ") && !line.starts_with("  hint: "))
            .collect();
        assert_eq!(errors.len(), 1, "{title}: {}", done.stderr);
        assert!(errors[0].starts_with("error: "), "{title}: {}", done.stderr);
        let hints = done.stderr.matches("\n  hint: ").count();
        assert!(hints <= 1, "{title}: {}", done.stderr);
        assert!(
            !done.stderr.contains("panicked"),
            "{title}: {}",
            done.stderr
        );
        let root = self.place.root().to_str().unwrap();
        let stderr = done.stderr.replace(root, "[ROOT]");
        writeln!(self.shown, "{title}: exit {exit}\n{stderr}").unwrap();
    }
}

#[test]
fn each_failure_is_one_line_with_a_hint_and_a_code() {
    let mut failures = Failures::new();
    servers_that_cannot_start(&mut failures);
    keys(&mut failures);
    hosts(&mut failures);
    projects(&mut failures);
    settings(&mut failures);
    let filters = vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"\bhh_ro_\w\w\*\*\*", "hh_ro_[KEY]***"),
        (r"\bhh_\w{5}\*\*\*", "hh_[KEY]***"),
        (r"\(request [\w-]+\)", "(request [ID])"),
    ];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(failures.shown, @r#"
        busy port: exit 1
        error: cannot listen on 127.0.0.1:[PORT]: address already in use
          hint: choose another address with --bind

        unwritable data directory: exit 1
        error: cannot use the data directory [ROOT]/file/data: Not a directory
          hint: choose another directory with --data-dir

        no key: exit 3
        error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
          hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)

        malformed key: exit 3
        warning: --api-key is visible to other users of this machine; use HH_API_KEY or `honeyhive auth login --api-key-stdin` instead
        error: the API key from --api-key begins with sk-, so it is a key of another service
          hint: use a HoneyHive API key, which begins with hh_

        wrong checksum: exit 3
        error: 127.0.0.1:[PORT] responded with 401 Unauthorized: this server does not know the API key (request [ID])
          hint: check the key hh_[KEY]*** from HH_API_KEY_FILE -> [ROOT]/mistyped.key (environment), which was sent to http://127.0.0.1:[PORT] (HH_BASE_URL (environment))

        server down: exit 4
        error: cannot connect to 127.0.0.1:[PORT]: connection refused
          hint: check the network connection and that the server is running; `honeyhive config list` shows where base_url came from

        wrong host: exit 4
        error: 127.0.0.1:[PORT] responded with 404 Not Found
          hint: check whether the requested object exists, whether the key is valid and allows this operation, and whether base_url names the right server

        read-only key: exit 6
        error: the key hh_ro_[KEY]*** from HH_API_KEY_FILE -> [ROOT]/read_only.key (environment) is read-only, but the operation requires admin; nothing was sent
          hint: run `honeyhive auth whoami` to see the permissions of the key

        read/write key: exit 6
        error: 127.0.0.1:[PORT] responded with 403 Forbidden: this key's level is read_write, which does not include admin; use a key that does (request [ID])
          hint: check the key hh_[KEY]*** from HH_API_KEY_FILE -> [ROOT]/read_write.key (environment)

        unknown project: exit 4
        error: 127.0.0.1:[PORT] responded with 404 Not Found: project "nope" not found; this key applies to: every project (request [ID])

        project of another key: exit 4
        error: 127.0.0.1:[PORT] responded with 404 Not Found: project "nope" not found; this key applies to: demo (request [ID])

        missing file: exit 5
        error: the configuration file missing.yaml (--config-file) does not exist

        time that is none: exit 5
        error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds

        time out of range: exit 5
        error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
        "#);
    });
}

fn servers_that_cannot_start(failures: &mut Failures) {
    let place = TestDir::new();
    let taken = IdleListener::new();
    let address = taken.address().to_string();
    let mut command = place.command(&["server", "start", "--bind", &address]);
    command.arg("--data-dir").arg(place.path("data"));
    failures.case("busy port", command, 1);

    // No user, not even root, can write below a regular file.
    let file = failures.place.path("file");
    write(&file, "");
    let mut command = failures
        .place
        .command(&["server", "start", "--bind", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(file.join("data"));
    failures.case("unwritable data directory", command, 1);
}

fn keys(failures: &mut Failures) {
    let list = ["session", "list"];
    failures.case("no key", failures.command(&list), 3);

    let malformed = ["--api-key", "sk-abc", "session", "list"];
    failures.case("malformed key", failures.command(&malformed), 3);
    assert!(!failures.shown.contains("sk-abc"));

    let mut key = key_in(&failures.place.admin_key_file());
    let wrong = if key.pop() == Some('0') { '1' } else { '0' };
    key.push(wrong);
    let file = failures.place.path("mistyped.key");
    write(&file, &key);
    failures.case("wrong checksum", failures.with_key(&file, &list), 3);
    assert!(!failures.shown.contains(&key));
}

fn hosts(failures: &mut Failures) {
    let url = format!("http://{}", closed_address());
    let mut command = failures.admin(&["session", "list"]);
    command.env("HH_BASE_URL", url);
    failures.case("server down", command, 4);

    let mut command = failures.admin(&["session", "list"]);
    let other = other_server();
    command.env("HH_BASE_URL", other.url());
    failures.case("wrong host", command, 4);
}

/// Starts a server of another product, which responds to no HoneyHive path.
fn other_server() -> HttpServer {
    let page = "<!DOCTYPE html><html><body><h1>Not Found</h1></body></html>";
    HttpServer::start([response(
        "404 Not Found",
        "Content-Type: text/html\r\n",
        page,
    )])
}

fn projects(failures: &mut Failures) {
    let read_only = failures.place.make_key(&failures.server, "read_only");
    let create = ["project", "create", "another"];
    let command = failures.with_key(&read_only, &create);
    failures.case("read-only key", command, 6);
    let read_write = failures.place.make_key(&failures.server, "read_write");
    let command = failures.with_key(&read_write, &create);
    failures.case("read/write key", command, 6);

    let nope = ["session", "list", "--project", "nope"];
    failures.case("unknown project", failures.admin(&nope), 4);
    let command = failures.with_key(&read_only, &nope);
    failures.case("project of another key", command, 4);
}

fn settings(failures: &mut Failures) {
    let missing = ["--config-file", "missing.yaml", "session", "list"];
    failures.case("missing file", failures.admin(&missing), 5);
    for (title, value) in [("time that is none", "soon"), ("time out of range", "0")] {
        let mut command = failures.admin(&["session", "list"]);
        command.env("HH_TIMEOUT", value);
        failures.case(title, command, 5);
    }
}
