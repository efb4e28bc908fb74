//! The scan of the index and the history.

use std::os::unix::fs::PermissionsExt as _;

use hh_auth::Level;

use super::{POSSIBLE, commit, found, git, minted, with_git, with_repository};
use crate::support::TestEnv;

fn hit(path: &str, key: &str, commit: &str) -> String {
    let key = &key[..8];
    format!("confirmed {path} {key}*** {commit}")
        .trim_end()
        .to_owned()
}

#[test]
fn what_is_staged_counts_and_not_what_is_in_the_file() {
    let env = with_repository();
    let (staged, later, old) = (
        minted(Level::Admin),
        minted(Level::Admin),
        minted(Level::Admin),
    );
    // The scan also works before the first commit.
    env.write("old", &old);
    git(&env, &["add", "old"]);
    assert_eq!(found(&env, &["--staged"]), [hit("old:1:1", &old, "")]);
    commit(&env);
    assert_eq!(found(&env, &["--staged"]), [""; 0]);
    env.write("a b.txt", format!("one\ntwo {staged}\n"));
    env.write("other", format!("{later}\n"));
    git(&env, &["add", "a b.txt"]);
    // The file was changed or removed after it was staged.
    env.write("a b.txt", &later);
    let wanted = [hit("a b.txt:2:5", &staged, "")];
    assert_eq!(found(&env, &["--staged"]), wanted);
    std::fs::remove_file(env.path("a b.txt")).unwrap();
    assert_eq!(found(&env, &["--staged"]), wanted);
    // A deletion causes no finding.
    git(&env, &["rm", "--quiet", "--cached", "a b.txt", "old"]);
    assert_eq!(found(&env, &["--staged"]), [""; 0]);
}

#[test]
fn staged_files_may_be_ignored_by_a_list_or_a_mark() {
    let env = with_repository();
    let (sample, key) = (minted(Level::Admin), minted(Level::Admin));
    env.write("tests/samples/a", sample);
    env.write("b", format!("{key} # hh-scan: ignore"));
    env.write("c", &key);
    env.write(".honeyhiveignore", "samples/\n");
    git(&env, &["add", "--all"]);
    assert_eq!(found(&env, &["--staged"]), [hit("c:1:1", &key, "")]);
    assert_eq!(found(&env, &["--staged", "--no-ignore"]).len(), 2);
    commit(&env);
    assert_eq!(found(&env, &["--history"]).len(), 1);
    assert_eq!(found(&env, &["--history", "--no-ignore"]).len(), 2);
}

#[test]
fn every_version_that_a_ref_reaches() {
    let env = with_repository();
    let keys: Vec<_> = (0..6).map(|_| minted(Level::Admin)).collect();
    env.write("a", format!("\n{}", keys[0]));
    let first = commit(&env);
    env.write("a", "");
    commit(&env);
    // On a merged branch, and in the merge commit itself.
    git(&env, &["checkout", "--quiet", "-b", "side"]);
    env.write("side", &keys[1]);
    let side = commit(&env);
    git(&env, &["checkout", "--quiet", "main"]);
    env.write("b", "x");
    commit(&env);
    git(
        &env,
        &["merge", "--quiet", "--no-commit", "--no-ff", "side"],
    );
    env.write("evil", &keys[2]);
    let merge = commit(&env);
    git(&env, &["branch", "--delete", "side"]);
    // In a stash, under its own tag, and in a commit that no branch contains.
    env.write("b", &keys[3]);
    git(&env, &["stash", "--quiet"]);
    let stash = git(&env, &["rev-parse", "stash"]);
    env.write("blob", &keys[4]);
    let blob = git(&env, &["hash-object", "-w", "blob"]);
    std::fs::remove_file(env.path("blob")).unwrap();
    git(&env, &["tag", "blob", &blob]);
    git(&env, &["checkout", "--quiet", "--detach"]);
    env.write("é \"x\".txt", &keys[5]);
    let detached = commit(&env);
    let mut wanted = vec![
        hit("a:2:1", &keys[0], &first),
        hit("side:1:1", &keys[1], &side),
        hit("evil:1:1", &keys[2], &merge),
        hit("b:1:1", &keys[3], &stash),
        hit(":1:1", &keys[4], ""),
        hit("\"é \\\"x\\\".txt\":1:1", &keys[5], &detached),
    ];
    wanted.sort();
    let mut found = found(&env, &["--history"]);
    found.sort();
    // The commit that a stash creates of the index may come first.
    let is_stash = |line: &String| line.starts_with(&format!("confirmed b:1:1 {}", &keys[3][..8]));
    assert!(found.iter().any(is_stash), "{found:?}");
    found.retain(|line| !is_stash(line));
    wanted.retain(|line| !is_stash(line));
    assert_eq!(found, wanted);
}

#[test]
fn every_stash() {
    let env = with_repository();
    env.write("a", "");
    commit(&env);
    let (older, untracked) = (minted(Level::Admin), minted(Level::Admin));
    env.write("a", &older);
    env.write("new", &untracked);
    git(&env, &["stash", "--quiet", "--include-untracked"]);
    env.write("a", "b");
    git(&env, &["stash", "--quiet"]);
    let found = found(&env, &["--history"]);
    let shown: Vec<_> = found
        .iter()
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    assert_eq!(
        shown,
        [hit("a:1:1", &older, ""), hit("new:1:1", &untracked, "")]
    );
}

#[test]
fn a_version_is_ignored_only_if_all_its_paths_are() {
    let env = with_repository();
    let (one, two) = (minted(Level::Admin), minted(Level::Admin));
    env.write(".honeyhiveignore", "/samples\n");
    env.write("samples/one", &one);
    env.write("samples/two", &two);
    commit(&env);
    assert_eq!(found(&env, &["--history"]), [""; 0]);
    env.write("src/two", &two);
    let second = commit(&env);
    assert_eq!(
        found(&env, &["--history"]),
        [hit("src/two:1:1", &two, &second)]
    );
}

#[test]
fn many_versions_and_large_ones() {
    let env = with_repository();
    let key = minted(Level::ReadOnly);
    // More files than one batch contains.
    for number in 0..600 {
        env.write(&format!("many/{number}"), format!("{number}\n"));
    }
    env.write("large", format!("{}\n{key}", "x".repeat(3 << 20)));
    env.write("possible", POSSIBLE);
    let id = commit(&env);
    let wanted = [
        hit("large:2:1", &key, &id),
        format!("possible possible:1:1 hh_k7Qm2*** {id}"),
    ];
    assert_eq!(found(&env, &["--history"]), wanted);
    let report = env.json(&["auth", "scan", "--history"]);
    assert_eq!(report["files"], 602);
}

#[test]
fn other_folders_bare_and_shallow_clones() {
    let env = with_repository();
    let key = minted(Level::Admin);
    env.write("a", &key);
    commit(&env);
    env.write("a", "b");
    commit(&env);
    let url = format!("file://{}", env.at(""));
    git(&env, &["clone", "--quiet", "--bare", &url, "bare"]);
    git(&env, &["clone", "--quiet", "--depth", "1", &url, "shallow"]);
    assert_eq!(found(&env, &["--history", "bare"]).len(), 1);
    assert_eq!(found(&env, &["--history", "bare", "."]).len(), 2);
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history", "shallow"]), @"
    ! error: cannot scan at least 1 commit of the repository in shallow: the clone is shallow
    ! | hint: run `git fetch --unshallow` to get them
    exit 5
    ");
}

#[test]
fn without_a_repository_and_without_git() {
    let env = with_git();
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--staged"]), @"
    ! error: cannot scan the repository in the current directory: git failed: fatal: not a git repository (or any of the parent directories): .git
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history", "gone"]), @"
    ! error: cannot scan the repository in gone: git failed: fatal: cannot change to 'gone': No such file or directory
    exit 5
    ");
    let mut env = TestEnv::new();
    env.set("PATH", "/nonexistent");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "--history"]), @"
    ! error: cannot run git, which --staged and --history require (No such file or directory)
    ! | hint: install git or scan files instead
    exit 5
    ");
}

#[test]
fn a_repository_runs_nothing_and_git_sees_no_key() {
    let mut env = with_repository();
    let canary = "hh_canarycanarycanarycanarycanary00";
    env.set("HH_API_KEY", canary);
    env.set("HONEYHIVE_API_KEY", canary);
    env.write("run", "#!/bin/sh\nenv > \"$HOME/ran\"\n");
    env.set_mode("run", 0o755);
    env.write("a", minted(Level::Admin));
    git(&env, &["add", "a"]);
    for name in [
        "core.fsmonitor",
        "diff.external",
        "diff.x.textconv",
        "core.pager",
        "gpg.program",
    ] {
        git(&env, &["config", name, &env.at("run")]);
    }
    git(&env, &["config", "log.showSignature", "true"]);
    env.write(".gitattributes", "* diff=x filter=x\n");
    git(&env, &["config", "filter.x.smudge", &env.at("run")]);
    drop(std::fs::remove_file(env.path("ran")));
    assert_eq!(found(&env, &["--staged"]).len(), 1);
    git(
        &env,
        &[
            "-c",
            "core.fsmonitor=false",
            "commit",
            "--quiet",
            "--message",
            "m",
        ],
    );
    drop(std::fs::remove_file(env.path("ran")));
    assert_eq!(found(&env, &["--history"]).len(), 1);
    assert!(!env.path("ran").exists(), "{}", env.read("ran"));

    // A wrapper of git that records its arguments.
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("git"))
        .find(|path| path.is_file() && path.metadata().unwrap().permissions().mode() & 0o111 != 0);
    let real = real.unwrap().display().to_string();
    env.write(
        "bin/git",
        format!("#!/bin/sh\n/usr/bin/env >> \"$HOME/seen\"\nexec {real} \"$@\"\n"),
    );
    env.set_mode("bin/git", 0o755);
    let path = std::env::var_os("PATH").unwrap();
    let path = format!("{}:{}", env.at("bin"), path.to_str().unwrap());
    env.unset("PATH");
    env.set("PATH", &path);
    assert_eq!(found(&env, &["--history"]).len(), 1);
    let seen = env.read("seen");
    assert!(seen.contains("GIT_NO_LAZY_FETCH=1"), "{seen}");
    assert!(!seen.contains(canary), "{seen}");
}
