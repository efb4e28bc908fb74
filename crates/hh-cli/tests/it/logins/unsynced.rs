//! Directories that cannot be synced: the new file is in effect, and the error reports its state.

use crate::support::{STORE, TestEnv};

const DIR: &str = ".config/honeyhive";

#[test]
fn a_login_that_could_not_be_synced_is_saved_with_a_warning() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    let second = ["--profile", "second", "--base-url", &env.url()];
    let second = [&login[..], &second].concat();
    let Some(done) = env.run_without_sync(DIR, "EIO", &second, &key) else {
        return;
    };
    assert_eq!(done.code, 5, "{done:?}");
    let last = done.stderr.lines().last().unwrap_or_default();
    insta::assert_snapshot!(env.filtered(last), @"  hint: check the disk");
    assert!(env.read(STORE).contains("current = \"second\""));
    assert_eq!(env.run(&["auth", "whoami"]).code, 0);

    // On a file system that does not support syncing directories, the login succeeds.
    for error in ["EINVAL", "EOPNOTSUPP"] {
        let done = env.run_without_sync(DIR, error, &second, &key).unwrap();
        assert_eq!(done.code, 0, "{done:?}");
    }
    let done = env.run_without_sync(DIR, "EIO", &["auth", "logout"], "");
    let done = done.unwrap();
    assert_eq!(done.code, 5, "{done:?}");
    assert!(
        done.stderr.contains("a power loss may undo the change"),
        "{done:?}"
    );
    assert!(!env.read(STORE).contains("second"));
}

/// The first use of the new key revokes the old key, which may be the saved one after a power loss.
#[test]
fn a_new_key_that_a_power_loss_may_undo_is_not_used() {
    let mut env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    let rotate = ["auth", "rotate", "--grace", "0s"];
    let Some(done) = env.run_without_sync(DIR, "EIO", &rotate, "") else {
        return;
    };
    assert_eq!(done.code, 5, "{done:?}");
    insta::assert_snapshot!(env.filtered(&done.stderr), @"
    error: changed [home]/.config/honeyhive/credentials.toml, but a power loss may undo the change: cannot sync the directory (Input/output error); the old key still works
      hint: run `honeyhive auth rotate` again to finish
    ");
    let whoami = ["auth", "whoami"];
    env.set("HH_API_KEY", key.trim());
    assert_eq!(env.run(&whoami).code, 0, "the old key is not valid");
    env.unset("HH_API_KEY");
    let done = env.run(&rotate);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.stderr.contains("Finished the interrupted rotation"),
        "{done:?}"
    );
    assert_eq!(env.run(&whoami).code, 0);
}

#[test]
fn a_key_that_is_revoked_again_leaves_no_file() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    env.write("keys/made", "");
    let file = env.at("keys/new.key");
    let create = ["auth", "keys", "create", "--name", "n", "--level"];
    let create = [&create[..], &["read_only", "--project", "default"]].concat();
    let create = [&create[..], &["--key-file", &file]].concat();
    let Some(done) = env.run_without_sync("keys", "EIO", &create, "") else {
        return;
    };
    assert_eq!(done.code, 5, "{done:?}");
    assert!(
        done.stderr
            .contains("because its secret could not be delivered"),
        "{done:?}"
    );
    assert!(!env.path("keys/new.key").exists());
    assert_eq!(env.run(&create).code, 0);
}
