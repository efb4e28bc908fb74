//! The admin key is in one output or one file and in the credential store, and nowhere else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hh_testing::{RunOutput, ServerProcess, run, run_with_input};

use super::support::{TestDir, key_in};

const CREDENTIALS: &str = "home/config/honeyhive/credentials.toml";
/// The number of characters of a key that output contains (see `docs/design/decisions.md#k4`); the rest is redacted.
const SHOWN: usize = 8;
const TALKATIVE: [&str; 2] = ["--debug", "--verbose"];

#[test]
fn a_printed_admin_key_is_in_one_line_and_the_credential_store() {
    let place = TestDir::new();
    let mut command = place.server_command();
    command.args(TALKATIVE);
    let mut server = ServerProcess::start(&mut command);
    let key = server.wait_for_line(|line| line.contains("hh_"));
    assert!(
        key.starts_with("hh_") && key.len() == 43,
        "the output is not exactly the key"
    );
    // The search finds the existing copies: the first output, and later the credential store.
    check(&place, server, &key, 1, &[CREDENTIALS]);

    let again = ServerProcess::start(&mut place.server_command()).stop("TERM");
    assert!(!again.stderr.contains("hh_"), "{again:?}");
}

#[test]
fn an_admin_key_in_a_file_is_only_there_and_in_the_credential_store() {
    let place = TestDir::new();
    let mut command = place.server_command();
    let file = place.admin_key_file();
    command.args(TALKATIVE).arg("--admin-key-file").arg(&file);
    let server = ServerProcess::start(&mut command);
    let key = key_in(&file);
    assert_eq!(mode(&file), 0o600);
    check(&place, server, &key, 0, &["admin.key", CREDENTIALS]);
}

/// Uses a key by all methods except the command line, and searches for it everywhere.
fn check(place: &TestDir, server: ServerProcess, key: &str, prints: usize, files: &[&str]) {
    let hidden = key.get(SHOWN..).unwrap();
    prove_that_processes_are_seen(place, hidden);
    let (log, watched) = watch(place, hidden, || use_the_key(place, &server, key));
    assert_eq!(watched.with_key, BTreeSet::new(), "processes with the key");
    assert!(watched.ours.contains(&server.pid()));
    println!(
        "{} searches of the process list, {} processes of the test found, {} bytes of output",
        watched.looks,
        watched.ours.len(),
        log.len()
    );
    assert!(
        log.contains(key.get(..SHOWN).unwrap()),
        "the redacted key is not in the output"
    );
    assert_eq!(log.matches(hidden).count(), 0, "the output has the key");

    assert_eq!(files_with(place, hidden), files);
    assert_eq!(mode(&place.path(CREDENTIALS)), 0o600);
    let done = server.stop("TERM");
    assert_eq!(done.stderr.matches(hidden).count(), prints, "prints");
    assert_eq!(done.stdout.matches(hidden).count(), 0);
    // A stop writes the memory of the server to its files.
    assert_eq!(files_with(place, hidden), files);

    let out = run(&mut place.command(&["auth", "logout", "--yes"]));
    assert_eq!(out.code, 0, "{out:?}");
    let rest: Vec<&str> = files
        .iter()
        .copied()
        .filter(|f| *f != CREDENTIALS)
        .collect();
    assert_eq!(files_with(place, hidden), rest, "after the logout");
}

/// Logs in with a key and uses it at the highest verbosity. Returns all output.
fn use_the_key(place: &TestDir, server: &ServerProcess, key: &str) -> String {
    let command = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.args(TALKATIVE).env("HH_LOG_LEVEL", "trace");
        command
    };
    let mut log = String::new();
    let mut keep = |done: RunOutput, exit: i32| {
        assert_eq!(done.code, exit, "{done:?}");
        log += &done.stdout;
        log += &done.stderr;
    };
    let mut login = command(&["auth", "login", "--api-key-stdin"]);
    login.env("HH_BASE_URL", server.url());
    keep(run_with_input(&mut login, &format!("{key}\n")).unwrap(), 0);
    let other_key = place.path("other.key");
    let into = other_key.to_str().unwrap();
    for arguments in [
        &["auth", "whoami"][..],
        &["config", "list"],
        &["config", "list", "--output", "json"],
        &["project", "create", "demo"],
        &["project", "list"],
        &["session", "list", "--project", "demo"],
        &["event", "list", "--project", "demo", "--tree"],
        &["event", "list", "--project", "demo", "--output", "json"],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            "other",
            "--level",
            "read_write",
            "--project",
            "demo",
            "--key-file",
            into,
        ],
        &["auth", "keys", "list"],
        &["auth", "keys", "list", "--output", "json"],
    ] {
        keep(run(&mut command(arguments)), 0);
    }
    // Failures also produce output: of the server, of an address that must not receive the key, and of a wrong key.
    keep(
        run(&mut command(&["session", "list", "--project", "nope"])),
        4,
    );
    let mut elsewhere = command(&["session", "list"]);
    elsewhere.env("HH_BASE_URL", "http://127.0.0.1:9");
    keep(run(&mut elsewhere), 5);
    let mut again = command(&["auth", "login", "--api-key-stdin"]);
    again.env("HH_BASE_URL", server.url());
    let cut = key.get(..key.len() - 1).unwrap();
    keep(run_with_input(&mut again, cut).unwrap(), 3);
    log
}

/// Checks that the search finds a key on a command line or in a variable.
fn prove_that_processes_are_seen(place: &TestDir, hidden: &str) {
    let wait = ["-c", "read line; exit 0"];
    let mut with_argument = place.command_of("sh");
    with_argument.args(wait).arg(hidden);
    let mut with_variable = place.command_of("sh");
    with_variable.args(wait).env("PROBE", hidden);
    for mut command in [with_argument, with_variable] {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut watched = Sightings::default();
        watched.look(place, hidden);
        assert_eq!(watched.with_key, BTreeSet::from([child.id()]));
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

/// The sightings in the process list.
#[derive(Default)]
struct Sightings {
    looks: usize,
    /// The processes of the test directory.
    ours: BTreeSet<u32>,
    /// The processes with the text in their command line or their environment.
    with_key: BTreeSet<u32>,
}

impl Sightings {
    fn look(&mut self, place: &TestDir, hidden: &str) {
        self.looks += 1;
        let root = place.root().to_str().unwrap();
        for entry in fs::read_dir("/proc").unwrap() {
            let Ok(pid) = entry.unwrap().file_name().to_string_lossy().parse() else {
                continue;
            };
            // A process that has exited meanwhile has neither.
            let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            let shown = [read("cmdline"), read("environ")].concat();
            if contains(&shown, root) {
                self.ours.insert(pid);
            }
            if contains(&shown, hidden) {
                self.with_key.insert(pid);
            }
        }
    }
}

/// Searches the process list repeatedly while `run` runs.
fn watch<T>(place: &TestDir, hidden: &str, run: impl FnOnce() -> T) -> (T, Sightings) {
    /// Stops the watch, also when the test fails.
    struct StopOnDrop<'a>(&'a AtomicBool);
    impl Drop for StopOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut watched = Sightings::default();
            while !ended.load(Ordering::Relaxed) {
                watched.look(place, hidden);
            }
            watched
        });
        let end = StopOnDrop(&ended);
        let result = run();
        drop(end);
        (result, watcher.join().unwrap())
    })
}

/// Returns the files of a directory that contain a text, by their relative paths.
fn files_with(place: &TestDir, hidden: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![place.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if contains(&fs::read(&path).unwrap(), hidden) {
                let inside = path.strip_prefix(place.root()).unwrap();
                found.push(inside.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
