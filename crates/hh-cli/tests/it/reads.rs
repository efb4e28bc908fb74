//! The number of times that a command reads the configuration and the credential store, counted outside the process.
#![cfg(target_os = "linux")]

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::support::{RunOutput, STORE, TestEnv};

const DIR: &str = ".config/honeyhive";
const KEY: &str = "hh_0000000000000000000000000000000000000001";

/// A counter of how often files of the configuration directory are opened.
struct OpenCounter(OwnedFd);

impl OpenCounter {
    fn of(env: &TestEnv) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        // The kernel merges equal consecutive events, so each open needs the close after it.
        let events = WatchFlags::OPEN | WatchFlags::CLOSE_NOWRITE | WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&inotify, env.path(DIR), events).unwrap();
        Self(inotify)
    }

    /// Returns the numbers of opens of the configuration and of the credential file since the last call.
    fn take(&self) -> (usize, usize) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        let (mut configuration, mut credentials) = (0, 0);
        loop {
            let event = match reader.next() {
                Err(Errno::AGAIN) => return (configuration, credentials),
                event => event.unwrap(),
            };
            if event.events().contains(ReadFlags::OPEN) {
                match event.file_name().map(std::ffi::CStr::to_bytes) {
                    Some(b"config.yaml") => configuration += 1,
                    Some(b"credentials.toml") => credentials += 1,
                    Some(_) | None => {}
                }
            }
        }
    }
}

/// Returns a home with a configuration file, a saved login and a server.
fn env() -> TestEnv {
    let mut env = TestEnv::with_server();
    let key = env.read("admin.key");
    env.store_key("default", &env.url(), key.trim());
    // Only the store and the file contain the URL.
    let url = env.url();
    env.write(&format!("{DIR}/config.yaml"), format!("base_url: {url}\n"));
    env.unset("HH_BASE_URL");
    env
}

fn login(env: &TestEnv, flags: &[&str]) -> RunOutput {
    let key = env.read("admin.key");
    let command = ["auth", "login", "--api-key-stdin"];
    env.run_with_input(&[&command, flags].concat(), key.trim())
}

#[test]
fn every_open_is_counted() {
    let env = env();
    let opens = OpenCounter::of(&env);
    for _ in 0..3 {
        env.read(STORE);
    }
    env.read(&format!("{DIR}/config.yaml"));
    assert_eq!(opens.take(), (1, 3));
    assert_eq!(opens.take(), (0, 0));
}

#[test]
fn a_login_loads_the_configuration_once_and_reads_the_store_at_most_twice() {
    let env = env();
    let configuration = env.read(&format!("{DIR}/config.yaml"));
    let url = configuration.trim().trim_start_matches("base_url: ");
    let opens = OpenCounter::of(&env);
    for flags in [
        // Over the same key, as a new profile, over another profile, and without saving.
        &[][..],
        &["--profile", "new", "--base-url", url],
        &["--profile", "default"],
        &["--created", "2026-01-31", "--verbose"],
        &["--no-save"],
    ] {
        let done = login(&env, flags);
        assert_eq!(done.code, 0, "{flags:?} {done:?}");
        let (configuration, credentials) = opens.take();
        assert_eq!(configuration, 1, "{flags:?}");
        assert!((1..=2).contains(&credentials), "{flags:?} {credentials}");
    }
}

#[test]
fn a_login_that_fails_or_repairs_a_damaged_store_reads_nothing_again() {
    let env = env();
    let opens = OpenCounter::of(&env);
    // A key that the server does not have.
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], KEY);
    assert_eq!(done.code, 3, "{done:?}");
    assert_eq!(opens.take(), (1, 1));
    // A damaged store, which the login moves aside.
    env.write(STORE, "version = 1\nprofiles = 7\n");
    env.set_mode(STORE, 0o600);
    opens.take();
    let done = login(&env, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(opens.take(), (1, 2));
    // Without a store.
    std::fs::remove_file(env.path(STORE)).unwrap();
    opens.take();
    let done = login(&env, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(opens.take(), (1, 0));
}

#[test]
fn other_commands_load_the_configuration_once_and_read_the_store_at_most_once() {
    let env = env();
    env.write("clean/file", "nothing here\n");
    let opens = OpenCounter::of(&env);
    for command in [
        &["auth", "whoami"][..],
        &["auth", "status"],
        &["auth", "status", "--fail-if-older-than", "90d"],
        &["auth", "check"],
        &["auth", "list"],
        &["auth", "token"],
        &["auth", "keys", "list"],
        &["auth", "owners", "list"],
        &["auth", "scan", "clean"],
        &["project", "list"],
        &["session", "list", "--project", "default"],
        &["event", "list"],
        &["event", "export"],
        &["event", "export", "--output-file", "events.jsonl"],
        &["config", "list"],
        &["config", "get", "timeout"],
        &["config", "explain", "api_key"],
        &["config", "path"],
        &["config", "validate"],
        &["doctor"],
        &["doctor", "--bundle", "bundle"],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 0, "{command:?} {done:?}");
        let (configuration, credentials) = opens.take();
        assert_eq!(configuration, 1, "{command:?}");
        assert!(credentials <= 1, "{command:?} {credentials}");
    }
}
