//! Saved logins that are damaged, unused or not needed.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::keyring::{UNLOCKED, shown, silent_bus, with_a_keyring};
use crate::support::{Loopback, STORE, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

#[test]
fn a_login_into_a_damaged_store_goes_to_the_usual_server() {
    let mut env = TestEnv::new();
    env.store_key("default", "http://127.0.0.1:9", KEY);
    env.write(STORE, "no TOML");
    // The server is remote: its connection ends at the proxy.
    let proxy = Loopback::always("403 Forbidden\r\n\r\n");
    env.set("HH_PROXY_URL", &proxy.url());
    let login = ["auth", "login", "--storage", "file", "--api-key-stdin"];
    let done = env.run_with_input(&login, KEY);
    assert_eq!(done.code, 4, "{done:?}");
    let request = proxy.request();
    assert_eq!(request.header("host"), Some("api.honeyhive.ai:443"));
    assert_eq!(env.read(STORE), "no TOML");
}

#[test]
fn test_mode_and_commands_without_a_key_do_not_read_the_keyring() {
    let mut env = TestEnv::new();
    let asked = silent_bus(&mut env);
    env.store_key("default", "http://127.0.0.1:9", KEY);
    let entry = env.read(STORE).replace("\"file\"", "\"keyring\"");
    let entry = entry.lines().filter(|line| !line.starts_with("api_key"));
    env.write(STORE, entry.collect::<Vec<_>>().join("\n"));
    assert_eq!(env.run(&["config", "path"]).code, 0);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    env.set("HH_TEST_MODE", "1");
    for command in [
        &["auth", "status"][..],
        &["auth", "whoami"],
        &["project", "list"],
        &["config", "list"],
        &["doctor"],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 0, "{command:?}: {done:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{command:?}");
    }
    let login = ["auth", "login", "--storage", "keyring", "--api-key-stdin"];
    let done = env.run_with_input(&login, KEY);
    assert_eq!(done.code, 2, "{done:?}");
    insta::assert_snapshot!(env.seen(&["auth", "status"]), @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | - | profile "default" (stored) | used, stored in the keyring
    Server: http://127.0.0.1:9 (profile "default" (stored))
    Credential file: [home]/.config/honeyhive/credentials.toml
    Test mode is on: no requests are sent
    exit 0
    "#);
    insta::assert_snapshot!(env.run(&["auth", "token"]).stderr, @r#"
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and test mode does not read the key of profile "default" from the keyring
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    "#);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn unused_logins_are_reported() {
    let env = TestEnv::new();
    env.store_key("first", "http://127.0.0.1:9", KEY);
    let current = "current = \"first\"\n";
    env.write(STORE, env.read(STORE).replace(current, ""));
    insta::assert_snapshot!(env.run(&["project", "list"]).stderr, @"
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no saved profile is selected
      hint: run `honeyhive auth switch NAME` to select a saved profile
    ");
}

#[test]
fn a_keyring_that_is_locked_during_a_rotation_is_reported() {
    let env = TestEnv::with_server();
    env.write(".config/honeyhive/made", "");
    env.set_mode(".config/honeyhive", 0o700);
    // The rotation has its key and waits for another rotation: both processes have the lock open.
    let lines = r#"
honeyhive auth login --storage keyring --api-key-stdin < admin.key
(honeyhive auth rotate; echo "exit $?"; touch over) &
until [ -e over ] || [ "$(readlink /proc/[0-9]*/fd/* 2>/dev/null | grep -c "^$HOME/.config/honeyhive/rotation.lock$")" = 2 ]; do :; done
dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
  org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
touch locked
wait
"#;
    let lock = hh_sdk::auth::private_file::lock(&env.path(".config/honeyhive/rotation")).unwrap();
    let is_over = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !(env.path("locked").exists() || is_over.load(Ordering::Relaxed)) {
                std::thread::yield_now();
            }
            drop(lock);
        });
        let done = with_a_keyring(&env, UNLOCKED, lines);
        is_over.store(true, Ordering::Relaxed);
        done
    });
    let Some(done) = done else {
        return;
    };
    insta::assert_snapshot!(shown(&env, &done), @r#"
    Logged in to [server] as user@example.com (Admin)
    Saved key [key]*** in the system keyring (profile "default")
    error: cannot read the key of profile "default" from the keyring: it is locked
      hint: unlock the keyring and try again, or run `honeyhive auth login`
    exit 5
    "#);
}
