//! Keys in a real Secret Service: gnome-keyring on a bus of its own, started here; and on a bus that never answers.

use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hh_auth::private_file::{Replace, write_private};
use hh_auth::{FileStore, Profile, Storage, StoreError, StoreErrorKind, probe_keyring};
use hh_config::Env;

use super::conformance::{conforms, equals_a_map};
use super::worker::{Job, prefixed};
use super::{number_of, private_files, profile, store};

/// What the store promises is 3 s; the rest is for a busy machine.
const AT_MOST: Duration = Duration::from_millis(3500);

const UNLOCKED: &str = "printf 'a password\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null; exec \"$@\"";
const LOCKED: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null; exec \"$@\"";

/// Whether the programs of a Secret Service are installed.
fn can_run() -> bool {
    let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    is_there("dbus-run-session") && is_there("gnome-keyring-daemon")
}

fn is_ci() -> bool {
    Env::from_process().get("CI").is_some()
}

/// Runs a job in a home, on a bus with a keyring.
fn run(script: &str, job: Job<'_>, home: &Path) {
    let mut command = prefixed(
        &["dbus-run-session", "--", "sh", "-c", script, "sh"],
        job,
        "077",
        &home.join("config"),
    );
    let runtime = home.join("run");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&runtime)
        .unwrap();
    command
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("settings"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", &runtime)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("1 passed"), "{shown}{complaint}");
}

#[test]
fn a_real_keyring_unlocked_and_locked() {
    if !can_run() {
        assert!(
            !is_ci(),
            "install gnome-keyring and dbus: their absence is no reason to skip this in CI"
        );
        println!("skipped: gnome-keyring or dbus-run-session is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    run(UNLOCKED, Job::Keyring, home.path());
    // What the first session has left is there in the next, and behind a lock in the last.
    run(UNLOCKED, Job::KeyringAgain, home.path());
    run(LOCKED, Job::LockedKeyring, home.path());
}

/// The part that runs beside an unlocked keyring.
pub(crate) fn with_a_keyring(store: &FileStore) {
    quick(probe_keyring).unwrap();
    conforms(store, Storage::Keyring);
    equals_a_map(8, Storage::Keyring);
    store.put(kept("kept", 7)).unwrap();
    // A login whose file cannot be written, here because it would be too large, leaves the old key in the keyring.
    let too_long = Some("x".repeat(2 << 20));
    let mut again = kept("kept", 10);
    again.details.id = too_long;
    again.base_url = kept("kept", 7).base_url;
    let error = store.put(again).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert_eq!(number_of(&store.get(Some("kept")).unwrap().unwrap()), 7);
    store.put(profile("plain", 8)).unwrap();
}

pub(crate) fn with_a_keyring_again(store: &FileStore) {
    assert_eq!(number_of(&store.get(Some("kept")).unwrap().unwrap()), 7);
    // For another server the key of the profile is another, and the old one goes.
    let before = store.get(Some("kept")).unwrap().unwrap();
    store.put(kept("kept", 9)).unwrap();
    let text = std::fs::read_to_string(store.path()).unwrap();
    let old = text.replace(&kept("kept", 9).base_url, &before.base_url);
    assert_ne!(old, text);
    rewrite(store, &old);
    let error = store.get(Some("kept")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Keyring);
    assert!(error.to_string().contains("no such key"), "{error}");
    rewrite(store, &text);
    assert_eq!(number_of(&store.get(Some("kept")).unwrap().unwrap()), 9);
    // Inside a runtime, whose thread only waits.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let found = runtime.block_on(async { store.get(Some("kept")) });
    assert_eq!(number_of(&found.unwrap().unwrap()), 9);
}

/// The part that runs beside a locked keyring, or beside none that answers: what is in the file goes on working.
pub(crate) fn with_a_locked_keyring(store: &FileStore) {
    let is_refused = |error: StoreError| {
        assert_eq!(error.kind(), StoreErrorKind::Keyring);
        let message = error.to_string();
        assert!(!message.contains("hh_"), "{message}");
        assert_eq!(message.lines().count(), 1);
    };
    is_refused(quick(probe_keyring).unwrap_err());
    is_refused(quick(|| store.get(Some("kept"))).unwrap_err());
    let before = std::fs::read(store.path()).unwrap();
    let count = store.list().unwrap().len();
    is_refused(quick(|| store.put(kept("new", 10))).unwrap_err());
    is_refused(quick(|| store.put(kept("kept", 10))).unwrap_err());
    is_refused(quick(|| store.remove(Some("kept"))).unwrap_err());
    assert_eq!(std::fs::read(store.path()).unwrap(), before);
    assert_eq!(store.list().unwrap().len(), count);
    store.switch("plain").unwrap();
    assert_eq!(number_of(&store.get(None).unwrap().unwrap()), 8);
    is_refused(quick(|| store.remove_all()).unwrap_err());
    assert!(
        private_files(store)
            .iter()
            .all(|name| name == "credentials.lock")
    );
}

fn kept(name: &str, number: u32) -> Profile {
    profile(name, number).with_storage(Storage::Keyring)
}

fn rewrite(store: &FileStore, text: &str) {
    write_private(store.path(), text.as_bytes(), Replace::Yes).unwrap();
}

fn quick<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    assert!(took < AT_MOST, "{took:?}");
    done
}

#[test]
fn a_bus_that_never_responds_times_out() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("bus");
    let listener = UnixListener::bind(&socket).unwrap();
    let store = store(&dir.path().join("config"));
    let (asked, is_done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (plain, asked_by_files, closed) = std::thread::scope(|scope| {
        // Accepts and says nothing, until all is done and it is asked a last time.
        scope.spawn(|| {
            let mut connections = Vec::new();
            loop {
                connections.push(listener.accept().unwrap());
                if is_done.load(Ordering::SeqCst) {
                    break;
                }
                asked.fetch_add(1, Ordering::SeqCst);
            }
        });
        let address = format!("unix:path={}", socket.display());
        let run = |job: Job<'_>| {
            let mut command = prefixed(&[], job, "022", &dir.path().join("config"));
            command.env("DBUS_SESSION_BUS_ADDRESS", &address);
            let output = command.output().unwrap();
            let shown = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&shown).into_owned()
        };
        let plain = run(Job::Put {
            name: "plain",
            count: 9,
        });
        let asked_by_files = asked.load(Ordering::SeqCst);
        // Entries that say keyring, where no keyring would have taken them.
        for name in ["kept", "kept2", "kept3"] {
            store.put(profile(name, 7)).unwrap();
        }
        let text = std::fs::read_to_string(store.path()).unwrap();
        rewrite(&store, &text.replacen("\"file\"", "\"keyring\"", 3));
        let closed = run(Job::LockedKeyring);
        is_done.store(true, Ordering::SeqCst);
        drop(UnixStream::connect(&socket).unwrap());
        (plain, asked_by_files, closed)
    });
    assert!(plain.contains("1 passed"), "{plain}");
    assert_eq!(asked_by_files, 0, "only an entry that says keyring asks it");
    assert!(closed.contains("1 passed"), "{closed}");
    assert!(asked.into_inner() > 0);
}
