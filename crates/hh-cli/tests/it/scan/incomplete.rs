//! Clones without all objects, damaged clones and submodules: a scan that is not complete is never clean.

use std::fs;

use hh_auth::Level;

use super::{POSSIBLE, commit, found, git, minted, with_repository};
use crate::support::TestEnv;

/// Returns a repository whose first commit contains a key in `d/x`, which the second one removes.
fn with_old_key() -> TestEnv {
    let env = with_repository();
    env.write("d/x", format!("k={}\n", minted(Level::Admin)));
    env.write("other", "nothing\n");
    commit(&env);
    env.write("d/x", "clean\n");
    commit(&env);
    env
}

/// Removes an object of the repository, and returns whether it was there.
#[track_caller]
fn remove(env: &TestEnv, name: &str) {
    let id = git(env, &["rev-parse", name]);
    fs::remove_file(env.path(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
}

/// Overwrites an object of the repository with other bytes.
#[track_caller]
fn damage(env: &TestEnv, name: &str, from: usize) {
    let id = git(env, &["rev-parse", name]);
    let path = format!(".git/objects/{}/{}", &id[..2], &id[2..]);
    let mut bytes = fs::read(env.path(&path)).unwrap();
    for byte in bytes.iter_mut().skip(from) {
        *byte ^= 0x55;
    }
    fs::remove_file(env.path(&path)).unwrap();
    env.write(&path, bytes);
}

/// Scans the history, which must fail because of objects, and returns the message.
#[track_caller]
fn incomplete(env: &TestEnv, path: &str) -> String {
    let done = env.run(&["auth", "scan", "--history", path]);
    assert_eq!((done.code, done.stdout.as_str()), (5, ""), "{done:?}");
    assert!(!done.stderr.contains("No API keys"), "{done:?}");
    done.stderr
}

#[test]
fn a_missing_object_of_any_type_is_counted() {
    for (name, count) in [
        ("HEAD~1:d/x", "1 object"),
        ("HEAD~1:d", "1 object"),
        ("HEAD~1^{tree}", "1 object"),
        ("HEAD~1", "1 object"),
        ("HEAD", "1 object"),
        ("HEAD:other", "1 object"),
    ] {
        let env = with_old_key();
        // The other commits are reachable from another branch.
        git(&env, &["branch", "old", "HEAD~1"]);
        let is_found = name == "HEAD" || name == "HEAD:other";
        remove(&env, name);
        let done = env.run(&["auth", "scan", "--history"]);
        let message = format!(
            "cannot scan {count} of the repository in the current directory: missing or damaged"
        );
        assert!(done.stderr.contains(&message), "{name}: {done:?}");
        assert_eq!(done.code, if is_found { 1 } else { 5 }, "{name}: {done:?}");
    }
}

#[test]
fn a_missing_object_is_an_error_with_a_hint() {
    let env = with_old_key();
    remove(&env, "HEAD~1:d/x");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history"]), @"
    ! error: cannot scan 1 object of the repository in the current directory: missing or damaged
    ! | hint: run `git fsck` to list them, and scan a complete clone
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history", "--output", "json"]), @r#"
    {
      "findings": [],
      "omitted": 0,
      "files": 2,
      "errors": [
        "cannot scan 1 object of the repository in the current directory: missing or damaged; run `git fsck` to list them, and scan a complete clone"
      ],
      "notes": []
    }
    ! {"error":{"kind":"config","exit_code":5,"message":"cannot scan 1 object of the repository in the current directory: missing or damaged","hint":"run `git fsck` to list them, and scan a complete clone"}}
    exit 5
    "#);
}

#[test]
fn several_missing_objects_are_counted_and_a_finding_comes_first() {
    let env = with_old_key();
    git(&env, &["checkout", "--quiet", "-b", "side"]);
    env.write("new", minted(Level::Admin));
    commit(&env);
    git(&env, &["checkout", "--quiet", "main"]);
    remove(&env, "HEAD~1:d/x");
    remove(&env, "HEAD:other");
    let done = env.run(&["auth", "scan", "--history"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains("warning: cannot scan 2 objects"),
        "{done:?}"
    );
    git(&env, &["branch", "--quiet", "-D", "side"]);
    assert!(incomplete(&env, ".").contains("cannot scan 2 objects"));
}

#[test]
fn damaged_objects_do_not_hide_later_ones() {
    let env = with_repository();
    // More files than one batch contains, and a large one that is damaged in the middle.
    for number in 0..300 {
        env.write(&format!("many/{number}"), format!("{number}\n"));
    }
    let noise = (0..60_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let noise: Vec<u8> = noise.flat_map(u64::to_le_bytes).collect();
    env.write("large", noise);
    env.write("small", "small\n");
    env.write("z", minted(Level::Admin));
    commit(&env);
    damage(&env, "HEAD:large", 40_000);
    damage(&env, "HEAD:small", 2);
    damage(&env, "HEAD:many/7", 2);
    let done = env.run(&["auth", "scan", "--history"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.starts_with("z:1:1: confirmed"), "{done:?}");
    assert!(
        done.stderr.contains("warning: cannot scan 3 objects"),
        "{done:?}"
    );
}

#[test]
fn a_damaged_tree_or_commit_is_an_error() {
    for name in ["HEAD~1:d", "HEAD~1^{tree}", "HEAD~1"] {
        let env = with_old_key();
        damage(&env, name, 4);
        incomplete(&env, ".");
    }
}

#[test]
fn a_ref_without_its_commit_is_an_error() {
    let env = with_old_key();
    git(&env, &["checkout", "--quiet", "-b", "lost"]);
    env.write("lost", minted(Level::Admin));
    commit(&env);
    remove(&env, "HEAD");
    git(&env, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    git(&env, &["update-ref", "refs/heads/main", "refs/heads/main"]);
    let done = env.run(&["auth", "scan", "--history"]);
    // The key of the other branch is found.
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains("warning: cannot scan 1 object "),
        "{done:?}"
    );
}

#[test]
fn packs_and_alternates_that_are_gone_are_errors() {
    let env = with_old_key();
    let url = env.at("");
    git(&env, &["clone", "--quiet", "--shared", &url, "shared"]);
    assert_eq!(found(&env, &["--history", "shared"]).len(), 1);
    git(&env, &["repack", "-a", "-d", "--quiet"]);
    for entry in fs::read_dir(env.path(".git/objects/pack")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "pack")
        {
            fs::remove_file(path).unwrap();
        }
    }
    incomplete(&env, ".");
    fs::rename(env.path(".git"), env.path("moved")).unwrap();
    incomplete(&env, "shared");
}

#[test]
fn a_partial_clone_is_not_complete_and_fetches_nothing() {
    let env = with_old_key();
    git(&env, &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", env.at(""));
    for (filter, checkout) in [("blob:none", "--quiet"), ("tree:0", "--no-checkout")] {
        let name = filter.replace(':', "-");
        let filter = format!("--filter={filter}");
        git(&env, &["clone", "--quiet", checkout, &filter, &url, &name]);
        let before = git(&env, &["-C", &name, "count-objects", "-v"]);
        let stderr = incomplete(&env, &name);
        assert!(
            stderr.contains("missing from this partial clone"),
            "{stderr}"
        );
        assert_eq!(git(&env, &["-C", &name, "count-objects", "-v"]), before);
    }
    // The hint works: all objects are fetched.
    git(
        &env,
        &[
            "-C",
            "blob-none",
            "fetch",
            "--quiet",
            "--refetch",
            "--no-filter",
        ],
    );
    assert_eq!(found(&env, &["--history", "blob-none"]).len(), 1);
    // A remote that is not there changes nothing.
    git(
        &env,
        &[
            "-C",
            "tree-0",
            "config",
            "remote.origin.url",
            "/nonexistent",
        ],
    );
    incomplete(&env, "tree-0");
}

#[test]
fn a_shallow_clone_is_not_complete() {
    let env = with_old_key();
    env.write("more", "x");
    commit(&env);
    let url = format!("file://{}", env.at(""));
    git(&env, &["clone", "--quiet", "--depth", "2", &url, "shallow"]);
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history", "shallow"]), @"
    ! error: cannot scan at least 1 commit of the repository in shallow: the clone is shallow
    ! | hint: run `git fetch --unshallow` to get them
    exit 5
    ");
    git(&env, &["-C", "shallow", "fetch", "--quiet", "--unshallow"]);
    assert_eq!(found(&env, &["--history", "shallow"]).len(), 1);
    // A clone that is deep enough is complete.
    git(&env, &["clone", "--quiet", "--depth", "9", &url, "deep"]);
    assert_eq!(found(&env, &["--history", "deep"]).len(), 1);
    // A finding comes first.
    env.write("possible", POSSIBLE);
    commit(&env);
    git(&env, &["clone", "--quiet", "--depth", "1", &url, "one"]);
    let done = env.run(&["auth", "scan", "--history", "one"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains(
            "warning: cannot scan at least 1 commit of the repository in one: the clone is shallow"
        ),
        "{done:?}"
    );
}

#[test]
fn a_staged_file_without_its_object_is_an_error() {
    let env = with_old_key();
    env.write("new", "new\n");
    env.write("z", "z\n");
    git(&env, &["add", "--all"]);
    remove(&env, ":new");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--staged"]), @"
    ! error: cannot scan new: the object is missing from this clone or damaged
    exit 5
    ");
    env.write("z", minted(Level::Admin));
    git(&env, &["add", "z"]);
    assert_eq!(env.run(&["auth", "scan", "--staged"]).code, 1);
}

#[test]
fn a_repository_that_cannot_be_scanned_does_not_hide_findings_in_others() {
    let env = with_old_key();
    let done = env.run(&["auth", "scan", "--history", "gone", "."]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr
            .contains("warning: cannot scan the repository in gone: git failed"),
        "{done:?}"
    );
}

#[test]
fn submodules_are_scanned_as_files_and_named_otherwise() {
    let mut env = with_repository();
    env.set("GIT_ALLOW_PROTOCOL", "file");
    git(&env, &["init", "--quiet", "library"]);
    env.write("library/a", "");
    env.write("library/.gitignore", "tracked\n");
    env.write("library/tracked", minted(Level::Admin));
    git(&env, &["-C", "library", "add", "--force", "--all"]);
    git(
        &env,
        &["-C", "library", "commit", "--quiet", "--message", "m"],
    );
    git(&env, &["init", "--quiet", "app"]);
    let library = env.at("library");
    git(
        &env,
        &[
            "-C",
            "app",
            "submodule",
            "--quiet",
            "add",
            &library,
            "libs/one",
        ],
    );
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--staged", "app"]), @"
    ! warning: 1 submodule not scanned: libs/one (scan each one in its own directory)
    ! No API keys found in 1 file
    exit 0
    ");
    git(&env, &["-C", "app", "commit", "--quiet", "--message", "m"]);
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history", "app"]), @"
    ! warning: 1 submodule not scanned: libs/one (scan each one in its own directory)
    ! No API keys found in 1 file
    exit 0
    ");
    // The files of the submodule are scanned with its own list of tracked files.
    let found = found(&env, &["app"]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("confirmed app/libs/one/tracked:1:1"),
        "{found:?}"
    );
    // A clone without the files of the submodule.
    let app = env.at("app");
    git(&env, &["clone", "--quiet", &app, "clone"]);
    insta::assert_snapshot!(env.seen(&["auth", "scan", "clone"]), @"
    ! warning: 1 submodule not scanned, because git has not checked out the files: clone/libs/one
    ! No API keys found in 1 file
    exit 0
    ");
}
