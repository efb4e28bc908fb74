//! Keys: the removal of the only copy, replaced keys, and the output of a login.

use serde_json::Value;

use crate::support::{STORE, TestEnv, undated};

const LOGIN: &[&str] = &["auth", "login", "--storage", "file", "--api-key-stdin"];

/// Creates a key with the admin key, and returns its id and its secret.
fn create(env: &mut TestEnv, options: &[&str]) -> (String, String) {
    env.be_admin();
    let create = ["auth", "keys", "create", "--name", "mine", "--all-projects"];
    let created = env.json(&[&create[..], options].concat());
    env.unset("HH_API_KEY_FILE");
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

#[test]
fn a_logout_does_not_remove_the_only_copy_of_an_admin_key_without_confirmation() {
    let mut env = TestEnv::with_server();
    let admin = env.read("admin.key");
    assert_eq!(env.run_with_input(LOGIN, &admin).code, 0);
    for logout in [&["auth", "logout"][..], &["logout", "--all"]] {
        let refused = env.seen(logout);
        insta::allow_duplicates!(insta::assert_snapshot!(refused, @r#"
        ! error: no other copy of the admin key of profile "default" is known, and the server cannot print it again
        ! | hint: save the key with `honeyhive auth token --profile default > FILE`, or add --yes to continue without a copy
        exit 2
        "#));
        assert!(env.path(STORE).exists());
    }
    // Another profile has the key.
    let url = env.url();
    let other = ["--profile", "other", "--base-url", &url];
    assert_eq!(
        env.run_with_input(&[LOGIN, &other].concat(), &admin).code,
        0
    );
    assert_eq!(env.run(&["auth", "logout", "--profile", "other"]).code, 0);
    // A file has the key.
    env.be_admin();
    assert_eq!(env.run(&["auth", "logout", "--profile", "default"]).code, 0);
    env.unset("HH_API_KEY_FILE");
    assert_eq!(env.run_with_input(LOGIN, &admin).code, 0);
    let removed = env.json(&["auth", "logout", "--all", "--yes"]);
    assert_eq!(removed, serde_json::json!({"profile": null, "removed": 1}));
    // An admin can create any other key again.
    let (_, key) = create(&mut env, &["--level", "read_write"]);
    assert_eq!(env.run_with_input(LOGIN, &key).code, 0);
    let removed = env.json(&["auth", "logout"]);
    assert_eq!(
        removed,
        serde_json::json!({"profile": "default", "removed": 1})
    );
}

#[test]
fn a_login_does_not_replace_the_only_copy_of_an_admin_key_without_confirmation() {
    let mut env = TestEnv::with_server();
    let admin = env.read("admin.key");
    let (_, other) = create(&mut env, &["--level", "admin"]);
    let (_, member) = create(&mut env, &["--level", "read_write"]);
    // The same key and a first key replace nothing.
    for _ in 0..2 {
        assert_eq!(env.run_with_input(LOGIN, &other).code, 0);
    }
    let refused = env.run_with_input(LOGIN, &member);
    insta::assert_snapshot!(env.seen_of(&refused), @r#"
    ! error: no other copy of the admin key of profile "default" is known, and the server cannot print it again
    ! | hint: save the key with `honeyhive auth token --profile default > FILE`, or add --yes to continue without a copy
    exit 2
    "#);
    assert!(env.read(STORE).contains(other.trim()));
    let confirmed = env.run_with_input(&[LOGIN, &["--yes"]].concat(), &member);
    assert_eq!(confirmed.code, 0, "{confirmed:?}");
    // An admin can create the replaced key again.
    assert_eq!(env.run_with_input(LOGIN, &admin).code, 0);
}

#[test]
fn a_damaged_credential_file_is_not_counted_as_a_key() {
    let env = TestEnv::new();
    env.write(STORE, "version = [\n");
    env.set_mode(STORE, 0o600);
    env.set_mode(".config/honeyhive", 0o700);
    let removed = env.json(&["auth", "logout", "--all"]);
    assert_eq!(removed["removed"], 0);
    assert!(!env.path(STORE).exists());
}

#[test]
fn a_replaced_key_learns_when_it_stops_working_and_what_to_use() {
    let mut env = TestEnv::with_server();
    let (old_id, old) = create(&mut env, &["--level", "admin"]);
    env.be_admin();
    let new = env.json(&["auth", "keys", "rotate", &old_id]);
    let (new_id, new) = (new["id"].as_str().unwrap(), new["key"].as_str().unwrap());
    let state = |env: &TestEnv| {
        let shown = env.run(&["auth", "keys", "show", &old_id]).stdout;
        let line = shown.lines().find(|line| line.starts_with("State: "));
        undated(line.unwrap())
    };
    assert_eq!(
        state(&env),
        "State: replaced, works until the new key is used"
    );
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY", new);
    assert_eq!(env.run(&["auth", "whoami"]).code, 0);
    assert_eq!(state(&env), "State: replaced, works until [time]");

    let seen = |env: &TestEnv, arguments: &[&str]| {
        let seen = env.seen(arguments).replace(new_id, "[new]");
        // The message contains the time without a fraction.
        let seen = seen.replace(&old_id, "[old]");
        undated(&seen)
    };
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "x",
        "--level",
        "admin",
        "--all-projects",
    ];
    env.set("HH_API_KEY", &old);
    insta::assert_snapshot!(seen(&env, &create));
    // A key that ends before the issuing key can be created.
    let brief = env.run(&[&create[..], &["--expires-in", "1h"]].concat());
    assert_eq!(brief.code, 0, "{brief:?}");
    insta::assert_snapshot!(seen(&env, &["auth", "keys", "rotate", &old_id]));
    env.set("HH_API_KEY", new);
    insta::assert_snapshot!(seen(&env, &["auth", "keys", "rotate", new_id]));
}

#[test]
fn a_second_rotation_and_a_second_revocation_say_what_happened_before() {
    let mut env = TestEnv::with_server();
    let (id, _) = create(&mut env, &["--level", "read_only"]);
    env.be_admin();
    let first = env.json(&["auth", "keys", "rotate", &id]);
    let first = first["id"].as_str().unwrap();
    let second = env.run(&["auth", "keys", "rotate", &id, "-o", "json"]);
    let note = format!("note: revoked key {first}, the unused replacement of an earlier rotation");
    assert!(second.stderr.contains(&note), "{}", second.stderr);
    let revoke = ["auth", "keys", "revoke", &id];
    assert_eq!(
        env.run(&revoke).stderr,
        format!("Revoked key {id} (mine)\n")
    );
    let again = env.run(&revoke);
    assert_eq!(
        (again.code, again.stderr),
        (0, format!("Key {id} (mine) was already revoked\n"))
    );
}

#[test]
fn an_expiring_key_cannot_create_a_key_that_works_longer() {
    let mut env = TestEnv::with_server();
    let (_, key) = create(&mut env, &["--level", "admin", "--expires-in", "2h"]);
    env.set("HH_API_KEY", &key);
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "x",
        "--level",
        "admin",
        "--all-projects",
    ];
    insta::assert_snapshot!(undated(&env.seen(&create)));
}

#[test]
fn a_rotation_states_the_expiry_of_the_old_key_if_it_is_earlier_than_the_grace_period() {
    let mut env = TestEnv::with_server();
    let (_, key) = create(&mut env, &["--level", "read_only", "--expires-in", "2h"]);
    assert_eq!(env.run_with_input(LOGIN, &key).code, 0);
    let done = env.run(&["auth", "rotate", "--output", "json"]);
    assert!(
        done.stderr.contains("the old key works for another 1h 59m"),
        "{done:?}"
    );
    let new: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(new["id"].is_string() && new.get("key").is_none(), "{new}");
    // The new key replaces the old one, which still works.
    let again = env.run(&["auth", "rotate"]);
    assert!(
        again
            .stderr
            .contains("  hint: run `honeyhive auth keys show "),
        "{again:?}"
    );
}

#[test]
fn a_login_prints_the_saved_profile_as_data_without_the_key() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key").trim().to_owned();
    let done = env.run_with_input(&[LOGIN, &["-o", "json"]].concat(), &key);
    let mut saved: Value = serde_json::from_str(&done.stdout).unwrap();
    saved["first_seen"] = "[time]".into();
    let shown = saved.to_string().replace(&key[..8], "[key]");
    assert!(!done.stdout.contains(&key), "{done:?}");
    insta::assert_snapshot!(env.filtered(&shown), @r#"{"api_key":"[key]***","base_url":"[server]","current":true,"first_seen":"[time]","level":"admin","name":"default","owner":"user@example.com","storage":"file"}"#);
    let listed = env.items(&["auth", "list"]);
    saved["first_seen"] = listed[0]["first_seen"].clone();
    assert_eq!(listed[0], saved);
    let switched = env.json(&["auth", "switch", "default"]);
    assert_eq!(switched, saved);
    let name = env.run_with_input(&[LOGIN, &["--jq", ".name"]].concat(), &key);
    assert_eq!(name.stdout, "default\n");
}
