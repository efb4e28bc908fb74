//! This repository contains sample keys and no real key.

use super::{checkout, with_git};

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
    let done = env.run(&["auth", "scan", root.to_str().unwrap(), "--history"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert!(done.stderr.contains("No API keys found in "), "{done:?}");
}
