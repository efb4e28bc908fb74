//! This repository contains sample keys and no real key.

use super::{checkout, git, with_git};

#[test]
fn the_files_of_this_repository_contain_no_keys() {
    let env = with_git();
    let root = checkout();
    let done = env.run(&["auth", "scan", root.to_str().unwrap()]);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert!(done.stderr.starts_with("No API keys found in "), "{done:?}");
}

#[test]
fn the_history_of_this_repository_contains_no_keys() {
    let env = with_git();
    let root = checkout();
    // A copy of the files alone has no history.
    if !root.join(".git").exists() {
        println!("skipped: the directory is not a git clone");
        return;
    }
    let root = root.to_str().unwrap();
    let done = env.run(&["auth", "scan", root, "--history"]);
    // The clone of a workflow may have only the last commit.
    let is_shallow = git(&env, &["-C", root, "rev-parse", "--is-shallow-repository"]) == "true";
    let (code, message) = if is_shallow {
        (5, ": the clone is shallow\n")
    } else {
        (0, "No API keys found in ")
    };
    assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{done:?}");
    assert!(done.stderr.contains(message), "{done:?}");
}
