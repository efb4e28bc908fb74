//! A key that is piped in, typed or printed by a program is in no arguments and no variables of any process.

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;

use hh_testing::PATIENCE;

use crate::support::processes::{Sighting, Sightings, watch};
use crate::support::{Loopback, Terminal, TestEnv, usual};

const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// Returns a key that no other test and no other run has: all of them share one list of processes.
fn own_key(test: &str) -> String {
    format!("hh_{test}{:0>34}", std::process::id())
}

/// Starts a command that sends a request, and watches all processes until it exits, and at least once while the
/// server delays its response. Returns the sightings at that moment and of the whole run.
fn watched(
    env: &mut TestEnv,
    key: &str,
    start: impl FnOnce(&TestEnv) -> Child,
) -> (Sightings, Sightings) {
    let ((has_asked, asked), (answer, may_answer)) = (channel(), channel::<()>());
    let server = Loopback::with(move |request| {
        has_asked.send(()).ok();
        // The channel closes if the test fails, so the server does not block.
        may_answer.recv().ok();
        usual(request)
    });
    env.set("HH_BASE_URL", &server.url());
    let env = &*env;
    let (held, all) = watch(env, &key[8..], || {
        let child = start(env);
        asked.recv_timeout(PATIENCE).unwrap();
        let mut held = Sightings::default();
        held.look(env, &key[8..]);
        answer.send(()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        held
    });
    assert_eq!(server.request().bearer(), Some(key));
    (held, all)
}

fn piped(env: &TestEnv, arguments: &[&str], input: &str) -> Child {
    let mut command = env.command(arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    child
}

// Features S22, S41.
#[test]
fn only_a_key_on_the_command_line_or_in_a_variable_is_seen() {
    let key = &*own_key("given");
    // The watch sees visible keys.
    let argument = ["auth", "login", "--api-key", key];
    let (held, all) = watched(&mut TestEnv::new(), key, |env| piped(env, &argument, ""));
    assert_eq!(held.places(), [Sighting::InArguments], "{held:?}");
    assert_eq!(all.places(), [Sighting::InArguments], "{all:?}");
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", key);
    let (held, _) = watched(&mut env, key, |env| piped(env, &["auth", "whoami"], ""));
    assert_eq!(held.places(), [Sighting::InVariables], "{held:?}");

    let stdin = ["auth", "login", "--api-key-stdin"];
    let stdin = watched(&mut TestEnv::new(), key, |env| piped(env, &stdin, key));
    let prompt = watched(&mut TestEnv::new(), key, |env| {
        let mut terminal = Terminal::of(env, &["auth", "login"]);
        terminal.read_until("API key for ");
        terminal.type_line(key);
        terminal.into_child()
    });
    for (held, all) in [stdin, prompt] {
        assert!(held.ran("auth login"), "{held:?}");
        assert_eq!(held.places(), [], "{held:?}");
        assert_eq!(all.places(), [], "{all:?}");
    }
}

// Feature S44.
#[test]
fn a_key_that_a_program_prints_is_in_no_process() {
    let key = &*own_key("printed");
    let mut env = TestEnv::new();
    env.write("key", key);
    env.write("c.yaml", "credential_command: [sh, tell.sh]\n");
    env.write("tell.sh", "sh -c 'cat key'\n");
    env.set("PATH", "/usr/bin:/bin");
    let whoami = ["auth", "whoami", "--config-file", "c.yaml"];
    let (held, all) = watched(&mut env, key, |env| piped(env, &whoami, ""));
    assert!(held.ran("auth whoami"), "{held:?}");
    assert_eq!(all.places(), [], "{all:?}");
}

// Feature S44.
#[test]
fn the_program_does_not_get_the_keys_that_honeyhive_has() {
    let key = &*own_key("beside");
    let mut env = TestEnv::new();
    env.write("c.yaml", "credential_command: [sh, tell.sh]\n");
    env.write(
        "tell.sh",
        format!("echo started > started\nread line < go\necho {OTHER_KEY}\n"),
    );
    env.make_fifo("started");
    env.make_fifo("go");
    env.set("PATH", "/usr/bin:/bin");
    env.set("HH_DATA_PLANE_API_KEY", key);
    let started = env.path("started");
    let (has_started, is_started) = channel();
    std::thread::spawn(move || {
        let mut started = std::fs::File::open(started).unwrap();
        started.read_to_string(&mut String::new()).unwrap();
        has_started.send(()).unwrap();
    });
    let child = piped(&env, &["auth", "token", "--config-file", "c.yaml"], "");
    is_started.recv_timeout(PATIENCE).unwrap();
    let mut held = Sightings::default();
    held.look(&env, &key[8..]);
    let go = std::fs::File::options().write(true).open(env.path("go"));
    go.unwrap().write_all(b"go\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), OTHER_KEY);
    // Only honeyhive itself has its variables.
    assert!(held.ran("sh tell.sh"), "{held:?}");
    assert_eq!(held.places(), [Sighting::InVariables], "{held:?}");
    assert!(
        held.with_text
            .values()
            .all(|shown| shown.contains("auth token")),
        "{held:?}"
    );
}
