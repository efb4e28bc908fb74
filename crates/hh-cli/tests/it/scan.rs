//! The scan for keys: its findings, its output formats, and its effects on other files.

mod databases;
mod encodings;
mod git;
mod ignored;
mod incomplete;
mod leaks;
mod output;
mod paths;
mod planted;
mod repository;
mod rules;
mod volume;

use std::path::{Path, PathBuf};

use hh_auth::Level;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::TestEnv;

/// A value in the format of a hosted key, which nothing confirms.
pub(crate) const POSSIBLE: &str = "hh_k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore

/// Returns a new key of a self-hosted server.
#[expect(clippy::disallowed_methods, reason = "the test plants the key")]
pub(crate) fn minted(level: Level) -> String {
    let minted = hh_auth::mint(level).unwrap();
    minted.key.secret().expose_secret().to_owned()
}

/// Returns an environment in which git can run, and honeyhive runs it.
pub(crate) fn with_git() -> TestEnv {
    let mut env = TestEnv::new();
    let path = std::env::var_os("PATH").unwrap();
    env.set("PATH", path.to_str().unwrap());
    for (name, value) in [
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "init.defaultBranch"),
        ("GIT_CONFIG_VALUE_0", "main"),
        // The checkout that the tests run in may belong to another user.
        ("GIT_CONFIG_KEY_1", "safe.directory"),
        ("GIT_CONFIG_VALUE_1", "*"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
    ] {
        env.set(name, value);
    }
    env
}

/// Returns the same with a new repository.
fn with_repository() -> TestEnv {
    let env = with_git();
    git(&env, &["init", "--quiet"]);
    env
}

#[track_caller]
fn git(env: &TestEnv, arguments: &[&str]) -> String {
    let output = env.program("git", arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Commits all files, and returns the id of the commit.
#[track_caller]
fn commit(env: &TestEnv) -> String {
    git(env, &["add", "--all"]);
    git(
        env,
        &["commit", "--quiet", "--allow-empty", "--message", "m"],
    );
    git(env, &["rev-parse", "HEAD"])
}

/// Returns `confidence path:line:column key` of each finding, without the position if the name contains the key, and with
/// the commit if it has one.
fn found(env: &TestEnv, arguments: &[&str]) -> Vec<String> {
    let report = env.json(&[&["auth", "scan"], arguments].concat());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let shown = |finding: &Value| {
        let [confidence, path, key, commit] =
            ["confidence", "path", "key", "commit"].map(|name| text(&finding[name]));
        let position = match finding["line"].as_u64() {
            Some(line) => format!(":{line}:{}", finding["column"]),
            None => String::new(),
        };
        let shown = format!("{confidence} {path}{position} {key} {commit}");
        shown.trim_end().to_owned()
    };
    findings.map(shown).collect()
}

/// Returns the checkout that this test was compiled in.
fn checkout() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap().to_owned()
}

#[test]
fn ignored_files_hidden_ones_and_those_of_git() {
    let env = TestEnv::new();
    let key = minted(Level::Admin);
    for name in [
        ".env",
        ".github/workflows/ci.yml",
        "ignored/a",
        "skipped.txt",
        ".git/config",
        "b/.git",
        "plain",
    ] {
        env.write(name, format!("\n{key}"));
    }
    env.write(".gitignore", "/ignored\n");
    env.write(".honeyhiveignore", "# why\nskipped.*\n");
    env.write(".ignore", "plain\n");
    let hit = |name: &str| format!("confirmed {name}:2:1 {}***", &key[..8]);
    let usual = [".env", ".github/workflows/ci.yml", "plain"].map(hit);
    assert_eq!(found(&env, &[]), usual);
    let all = [
        ".env",
        ".github/workflows/ci.yml",
        "ignored/a",
        "plain",
        "skipped.txt",
    ]
    .map(hit);
    assert_eq!(found(&env, &["--no-ignore"]), all);
    // A named file is searched.
    assert_eq!(found(&env, &["skipped.txt"]), ["skipped.txt"].map(hit));
    assert_eq!(found(&env, &["ignored", ".env", "plain"]).len(), 3);
}

#[test]
fn what_cannot_be_searched_is_a_failure_but_a_finding_comes_first() {
    let env = TestEnv::new();
    env.make_fifo("pipe");
    env.write("empty", "");
    insta::assert_snapshot!(env.seen(&["auth", "scan", "gone", "pipe", "empty"]), @"
    ! error: cannot scan gone: No such file or directory
    ! error: cannot scan pipe: not a file or directory
    exit 5
    ");
    env.write("a", minted(Level::ReadOnly));
    let done = env.run(&["auth", "scan", "gone", "a"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains("warning: cannot scan gone"),
        "{done:?}"
    );
    // A pipe in a directory is skipped.
    assert_eq!(found(&env, &[]).len(), 1);
}

#[test]
fn a_link_is_followed_only_when_it_is_named() {
    let env = TestEnv::new();
    env.write("real/key", minted(Level::Admin));
    std::os::unix::fs::symlink(env.path("real"), env.path("link")).unwrap();
    assert_eq!(found(&env, &[]).len(), 1);
    assert_eq!(found(&env, &["link"]).len(), 1);
}

#[test]
fn a_program_with_a_key_between_its_texts() {
    let env = TestEnv::new();
    let key = minted(Level::IngestOnly);
    let mut program = vec![0_u8; 3_000_000];
    program.extend(format!("text{key}text").as_bytes());
    program.resize(program.len() + 300_000, 0xff);
    env.write("program", program);
    let found = found(&env, &[]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("confirmed program:1:3000005 hh_ingst_"),
        "{found:?}"
    );
}
