//! Logins in a real Secret Service (gnome-keyring on its own bus), and commands that do not query a keyring.

use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hh_testing::run;

use crate::support::{RunOutput, STORE, TestEnv, undated};

pub(crate) const UNLOCKED: &str =
    "printf 'a password\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
const LOCKED: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null";

/// Runs shell lines next to a keyring, with `honeyhive` as the program. Returns `None` without a keyring.
#[expect(
    clippy::print_stdout,
    reason = "a skipped test prints that it is skipped"
)]
pub(crate) fn with_a_keyring(env: &TestEnv, start: &str, lines: &str) -> Option<RunOutput> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| env.program(program, &["--version"]).output().is_ok();
    if !(is_there("dbus-run-session") && is_there("gnome-keyring-daemon")) {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "install gnome-keyring and dbus");
        println!("skipped: gnome-keyring or dbus-run-session is not installed");
        return None;
    }
    env.write("run/made", "");
    env.set_mode("run", 0o700);
    let honeyhive = env!("CARGO_BIN_EXE_honeyhive");
    let script = format!("honeyhive() {{ '{honeyhive}' \"$@\" 2>&1; }}\n{start}\n{lines}");
    let mut session = env.program("dbus-run-session", &["--", "sh", "-c", &script]);
    session
        .env("PATH", path)
        .env("XDG_RUNTIME_DIR", env.path("run"))
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    Some(run(&mut session))
}

/// Returns the output without the lines of the keyring's own start.
pub(crate) fn shown(env: &TestEnv, done: &RunOutput) -> String {
    let key = env.read("admin.key");
    assert!(!done.stdout.contains(key.trim()), "{done:?}");
    let text = done.stdout.replace(&key[..8], "[key]");
    crate::support::squeezed(&undated(&env.filtered(&text)))
}

#[test]
fn a_login_goes_into_the_keyring_and_is_used_from_there() {
    let env = TestEnv::with_server();
    let lines = r#"
honeyhive auth login --api-key-stdin < admin.key
honeyhive auth status
honeyhive auth token | cmp - admin.key && echo 'the token is the key'
HH_API_KEY=hh_1234567890abcdef1234567890abcdef honeyhive auth status
honeyhive auth login --storage file --profile second --base-url "$HH_BASE_URL" --api-key-stdin < admin.key
honeyhive auth switch default
honeyhive auth whoami | sed -n 1p
honeyhive auth logout
honeyhive auth login --storage keyring --api-key-stdin < admin.key
"#;
    let Some(done) = with_a_keyring(&env, UNLOCKED, lines) else {
        return;
    };
    insta::assert_snapshot!(shown(&env, &done), @r#"
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in the system keyring (profile "default")
    SETTING | VALUE | SOURCE | STATE
    api_key | [key]*** | profile "default" (stored) | used, stored in the keyring
    Active key: [key]***, project key, id [key id], owner user@example.com
    Permissions: Admin (server)
    Created: [time] (reported by the server), [age]
    Server: [server] (HH_BASE_URL (environment))
    Credential file: [home]/.config/honeyhive/credentials.toml
    the token is the key
    SETTING | VALUE | SOURCE | STATE
    api_key | hh_12345*** | HH_API_KEY (environment) | used
    api_key | - | profile "default" (stored) | shadowed, stored in the keyring
    Active key: hh_12345***, project key
    Permissions: unknown (run `honeyhive auth whoami`)
    Created: unknown
    Server: [server] (HH_BASE_URL (environment))
    Credential file: [home]/.config/honeyhive/credentials.toml
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in [home]/.config/honeyhive/credentials.toml (profile "second")
    Switched to profile "default"
    Authenticated as: user@example.com
    Removed the saved key of profile "default"; this does not revoke keys on the server, use `honeyhive auth keys revoke`
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in the system keyring (profile "default")
    "#);
    let store = env.read(STORE);
    assert!(store.contains("storage = \"keyring\""), "{store}");
    assert_eq!(store.matches("api_key = ").count(), 1, "{store}");

    // In another session the keyring is locked.
    let lines = r#"
honeyhive auth status; echo "exit $?"
honeyhive auth token; echo "exit $?"
honeyhive auth login --storage keyring --api-key-stdin < admin.key; echo "exit $?"
honeyhive auth login --api-key-stdin < admin.key; echo "exit $?"
honeyhive auth whoami | sed -n 1p
"#;
    let Some(done) = with_a_keyring(&env, LOCKED, lines) else {
        return;
    };
    insta::assert_snapshot!(shown(&env, &done), @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | - | profile "default" (stored) | invalid, stored in the keyring
    Server: [server] (HH_BASE_URL (environment))
    Credential file: [home]/.config/honeyhive/credentials.toml
    error: cannot read the key of profile "default" from the keyring: it is locked
      hint: unlock the keyring and try again, or run `honeyhive auth login`
    exit 5
    error: cannot read the key of profile "default" from the keyring: it is locked
      hint: unlock the keyring and try again, or run `honeyhive auth login`
    exit 5
    error: the keyring cannot be used: it is locked
      hint: start or unlock a keyring, or use --storage file
    exit 5
    note: the keyring cannot be used: it is locked; saving the key in [home]/.config/honeyhive/credentials.toml as plain text that only you can read
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in [home]/.config/honeyhive/credentials.toml (profile "default")
    exit 0
    Authenticated as: user@example.com
    "#);
}

/// With any disk failure, the key is in the keyring, in the file, or in both.
#[test]
fn a_disk_that_fails_costs_no_key() {
    let env = TestEnv::with_server();
    if let Err(error) = env.program("strace", &["-V"]).output() {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "strace cannot be run: {error}");
        println!("skipped: strace cannot be run ({error})");
        return;
    }
    let strace =
        "strace -f -qq -o /dev/null -P .config/honeyhive -e trace=fsync -e inject=fsync:error=EIO";
    let honeyhive = env!("CARGO_BIN_EXE_honeyhive");
    let start = format!("{UNLOCKED}\nunsynced() {{ {strace} '{honeyhive}' \"$@\" 2>&1; }}");
    let lines = r#"
same() { honeyhive auth token | cmp - admin.key && echo 'the token is the key'; }
honeyhive auth login --storage file --api-key-stdin < admin.key > printed
unsynced auth login --storage keyring --api-key-stdin < admin.key > printed || tail -n 1 printed
same
unsynced auth login --storage file --api-key-stdin < admin.key > printed || tail -n 1 printed
same
# Restores the state after a power loss.
sed -i 's/"file"/"keyring"/; /^api_key/d' .config/honeyhive/credentials.toml
same
(trap '' XFSZ; ulimit -f 0; honeyhive auth logout --yes)
same
"#;
    let Some(done) = with_a_keyring(&env, &start, lines) else {
        return;
    };
    insta::assert_snapshot!(shown(&env, &done), @"
      hint: check the disk
    the token is the key
      hint: check the disk
    the token is the key
    the token is the key
    error: cannot write [home]/.config/honeyhive/credentials.toml: file too large; nothing was changed
      hint: free disk space and try again
    the token is the key
    ");
}

/// Returns a bus that accepts and counts connections and never responds.
pub(crate) fn silent_bus(env: &mut TestEnv) -> Arc<AtomicUsize> {
    let path = env.path("bus");
    let listener = UnixListener::bind(&path).unwrap();
    env.set(
        "DBUS_SESSION_BUS_ADDRESS",
        &format!("unix:path={}", path.display()),
    );
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    count
}

#[test]
fn only_keyring_entries_read_the_keyring() {
    let mut env = TestEnv::with_server();
    let asked = silent_bus(&mut env);
    let key = env.read("admin.key").trim().to_owned();
    env.store_key("default", &env.url(), &key);
    let commands = [
        &["auth", "status"][..],
        &["auth", "token"],
        &["auth", "list"],
        &["auth", "whoami"],
        &["config", "list"],
        &["project", "list"],
    ];
    for command in commands {
        env.run(command);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{command:?}");
    }
    // A login whose key is not the one in use does not query it either.
    let entry = env.read(STORE).replace("\"file\"", "\"keyring\"");
    let entry = entry.lines().filter(|line| !line.starts_with("api_key"));
    env.write(STORE, entry.collect::<Vec<_>>().join("\n"));
    env.set("HH_API_KEY", &key);
    for command in commands {
        env.run(command);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{command:?}");
    }
    env.unset("HH_API_KEY");
    let done = env.run(&["auth", "token"]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    insta::assert_snapshot!(env.filtered(&done.stderr), @r#"
    error: cannot read the key of profile "default" from the keyring: it did not respond within 3 s
      hint: unlock the keyring and try again, or run `honeyhive auth login`
    "#);
    assert_eq!(done.code, 5, "{done:?}");
    // A login continues without the keyring.
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], &key);
    assert!(asked.load(Ordering::Relaxed) > 1, "{done:?}");
    let printed = env.filtered(&done.stderr).replace(&key[..8], "[key]");
    insta::assert_snapshot!(printed, @r#"
    note: the keyring cannot be used: it did not respond within 3 s; saving the key in [home]/.config/honeyhive/credentials.toml as plain text that only you can read
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in [home]/.config/honeyhive/credentials.toml (profile "default")
    "#);
}
