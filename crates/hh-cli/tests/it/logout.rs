//! The files that a logout removes, and its output.

use crate::support::{STORE, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

#[test]
fn a_key_that_a_killed_login_has_left_is_removed() {
    let env = TestEnv::new();
    let left = ".config/honeyhive/.credentials.toml-Ab12Cd";
    for logout in [&["auth", "logout"][..], &["auth", "logout", "--all"]] {
        env.write(left, KEY);
        let done = env.run(logout);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!env.path(left).exists(), "{logout:?}");
    }
}

#[test]
fn a_missing_profile_cannot_be_logged_out() {
    let mut env = TestEnv::new();
    let logout = ["auth", "logout", "--profile", "typo"];
    let switch = ["auth", "switch", "typo"];
    let same = |env: &TestEnv| {
        let (done, other) = (env.run(&logout), env.run(&switch));
        assert_eq!((done.code, &done.stderr), (5, &other.stderr));
    };
    same(&env);
    env.store_key("work", "http://127.0.0.1:9", KEY);
    same(&env);
    env.set("HH_PROFILE", "work");
    assert_eq!(env.run(&["auth", "logout"]).code, 0);
}

#[test]
fn keyring_keys_without_a_known_profile_are_reported() {
    let env = TestEnv::new();
    for name in [STORE.to_owned(), format!("{STORE}.corrupt-2")] {
        env.write(&name, "[profiles.work]\nstorage = \"keyring\"\n");
        env.set_mode(&name, 0o600);
        env.set_mode(".config/honeyhive", 0o700);
        let done = env.run(&["auth", "logout", "--all"]);
        assert_eq!(done.code, 0, "{done:?}");
        insta::allow_duplicates!(insta::assert_snapshot!(done.stderr, @r#"
        note: removed a damaged credential file; keys may remain in the keyring: delete the items "honeyhive" with your keyring manager
        Removed the credential file; this does not revoke keys on the server, use `honeyhive auth keys revoke`
        "#));
        let done = env.run(&["auth", "logout", "--all"]);
        insta::allow_duplicates!(insta::assert_snapshot!(done.stderr, @"No saved key to remove"));
    }
}
