//! Ignore files from another user, and ignore files that the scan does not read.

use std::os::unix::fs::symlink;

use hh_auth::Level;

use super::{found, git, minted, with_repository};
use crate::support::TestEnv;

#[test]
fn rules_without_an_end_are_not_read() {
    let env = with_repository();
    env.write("sub/a", minted(Level::Admin));
    env.write("b", "");
    symlink("/dev/zero", env.path("sub/.honeyhiveignore")).unwrap();
    insta::assert_snapshot!(env.seen(&["auth", "scan"]), @"
    ! error: cannot apply the ignore file sub/.honeyhiveignore: not a regular file, or larger than 1 MiB
    ! | hint: remove it or use --no-ignore
    exit 5
    ");
    assert_eq!(found(&env, &["--no-ignore"]).len(), 1);
    std::fs::rename(
        env.path("sub/.honeyhiveignore"),
        env.path(".honeyhiveignore"),
    )
    .unwrap();
    insta::assert_snapshot!(env.seen(&["auth", "scan"]), @"
    ! error: cannot apply the ignore file .honeyhiveignore: not a regular file, or larger than 1 MiB
    ! | hint: remove it or use --no-ignore
    exit 5
    ");
    for mode in ["--staged", "--history"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.seen(&["auth", "scan", mode]), @"
            ! error: cannot read the ignore file [home]/.honeyhiveignore: not a regular file, or larger than 1 MiB
            ! | hint: remove it or use --no-ignore
            exit 5
            ");
        }
    }
    assert_eq!(found(&env, &["--no-ignore", "sub"]).len(), 1);
}

#[test]
fn an_ignore_file_that_is_a_fifo_is_not_waited_for() {
    let env = with_repository();
    env.write("a", minted(Level::Admin));
    env.write("sub/b", "");
    env.make_fifo("sub/.gitignore");
    // The findings are reported as well.
    let done = env.run(&["auth", "scan"]);
    assert_eq!(done.code, 1, "{done:?}");
    let warning = "warning: cannot apply the ignore file sub/.gitignore: not a regular file";
    assert!(done.stderr.contains(warning), "{done:?}");
    std::fs::remove_file(env.path("sub/.gitignore")).unwrap();
    // Above the searched directory, and in git's own directory.
    for file in [".gitignore", ".git/info/exclude"] {
        drop(std::fs::remove_file(env.path(file)));
        env.make_fifo(file);
        let done = env.run(&["auth", "scan", "sub"]);
        assert_eq!(done.code, 5, "{done:?}");
        assert!(done.stderr.contains(file), "{done:?}");
        std::fs::remove_file(env.path(file)).unwrap();
    }
    assert_eq!(env.run(&["auth", "scan", "sub"]).code, 0);
}

#[test]
fn rules_above_a_repository_or_outside_of_any_hide_nothing() {
    let env = with_repository();
    std::fs::remove_dir_all(env.path(".git")).unwrap();
    env.write(".gitignore", "*\n");
    env.write("plain/a", minted(Level::Admin));
    env.write("repository/.gitignore", "left-out\n");
    env.write("repository/sub/a", minted(Level::Admin));
    env.write("repository/sub/left-out", minted(Level::Admin));
    git(&env, &["init", "--quiet", "repository"]);
    assert_eq!(found(&env, &["plain"]).len(), 1);
    assert_eq!(found(&env, &["repository"]).len(), 1);
    assert_eq!(found(&env, &["repository/sub"]).len(), 1);
    assert_eq!(found(&env, &["plain", "repository/sub"]).len(), 2);
}

#[test]
fn a_folder_without_searchable_files_is_reported() {
    let env = TestEnv::new();
    env.write("full/a", "");
    env.write("hidden/a", minted(Level::Admin));
    env.write("hidden/.gitignore", "*\n");
    std::fs::create_dir(env.path("empty")).unwrap();
    insta::assert_snapshot!(env.seen(&["auth", "scan", "full", "hidden", "empty"]), @"
    ! warning: no files scanned in hidden: the directory is empty or all its files are excluded (use --no-ignore to scan them)
    ! warning: no files scanned in empty: the directory is empty or all its files are excluded (use --no-ignore to scan them)
    ! No API keys found in 1 file
    exit 0
    ");
}
