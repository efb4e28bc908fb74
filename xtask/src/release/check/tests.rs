use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{findings, publishing};
use crate::release::info::ReleaseInfo;

const MANIFEST: &str = r#"[workspace]
members = ["one"]
[workspace.package]
version = "0.2.0"
[workspace.dependencies]
one = { path = "one", version = "0.2.0" }
"#;

const PACKAGE: &str = r#"[package]
name = "one"
version.workspace = true
authors = ["Ada"]
categories = ["encoding"]
description = "One"
documentation = "https://docs.rs/one"
keywords = ["one"]
license = "MIT"
readme = "README.md"
repository = "https://example.org/one"
[lib]
path = "lib.rs"
"#;

/// A repository whose only commit passes all checks.
fn repository() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("one")).unwrap();
    write(root, "Cargo.toml", MANIFEST);
    write(root, "one/Cargo.toml", PACKAGE);
    write(root, "one/lib.rs", "");
    write(
        root,
        "CHANGELOG.md",
        "# Changes\n\n## Unreleased\n\n- One.\n",
    );
    git(root, &["init", "--quiet"]);
    let lock = Command::new(env!("CARGO"))
        .args(["generate-lockfile", "--offline", "--quiet"])
        .current_dir(root)
        .status();
    assert!(lock.unwrap().success());
    commit(root);
    folder
}

#[expect(clippy::disallowed_methods, reason = "files of a test are not secret")]
fn write(root: &Path, name: &str, text: &str) {
    fs::write(root.join(name), text).unwrap();
}

fn replace(root: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(root.join(name)).unwrap();
    assert!(text.contains(from), "{name} does not contain {from}");
    write(root, name, &text.replace(from, to));
}

fn git(root: &Path, arguments: &[&str]) {
    let settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let status = Command::new("git")
        .args(settings)
        .args(arguments)
        .current_dir(root)
        .status();
    assert!(status.unwrap().success());
}

fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "Change"]);
}

fn check(root: &Path) -> Vec<String> {
    findings(root, &ReleaseInfo::read(root).unwrap()).unwrap()
}

#[test]
fn a_clean_commit_without_a_tag_has_no_findings() {
    assert_eq!(check(repository().path()), [""; 0]);
}

#[test]
fn a_released_commit_has_no_findings() {
    let folder = repository();
    write(
        folder.path(),
        "CHANGELOG.md",
        "## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n- One.\n",
    );
    commit(folder.path());
    git(folder.path(), &["tag", "v0.2.0"]);
    assert_eq!(check(folder.path()), [""; 0]);
}

#[test]
fn an_untracked_file_and_a_change_are_refused() {
    let folder = repository();
    write(folder.path(), "notes.txt", "");
    assert_eq!(
        check(folder.path()),
        ["the working tree has changes, such as notes.txt: commit them or remove them"]
    );
    fs::remove_file(folder.path().join("notes.txt")).unwrap();
    write(folder.path(), "one/lib.rs", "// Changed.\n");
    assert_eq!(
        check(folder.path()),
        ["the working tree has changes, such as one/lib.rs: commit them or remove them"]
    );
}

#[test]
fn a_tag_of_another_version_is_refused() {
    let folder = repository();
    write(folder.path(), "CHANGELOG.md", "## 0.2.0\n\n- One.\n");
    commit(folder.path());
    git(folder.path(), &["tag", "v0.3.0"]);
    assert_eq!(
        check(folder.path()),
        ["the commit has the tag v0.3.0, but the version is 0.2.0: correct one of them"]
    );
}

#[test]
fn a_tag_requires_the_changes_of_its_version() {
    let folder = repository();
    git(folder.path(), &["tag", "v0.2.0"]);
    assert_eq!(
        check(folder.path()),
        [
            "CHANGELOG.md describes no changes of version 0.2.0: write the section `## 0.2.0`",
            "CHANGELOG.md has unreleased changes, but the commit has a tag: move them to `## 0.2.0`",
        ]
    );
}

#[test]
fn the_newest_section_is_of_the_version_or_unreleased() {
    let folder = repository();
    write(folder.path(), "CHANGELOG.md", "## 0.1.0\n\n- One.\n");
    commit(folder.path());
    assert_eq!(
        check(folder.path()),
        ["the newest section of CHANGELOG.md is 0.1.0: it must be 0.2.0 or Unreleased"]
    );
}

#[test]
fn a_version_is_released_from_one_commit_only() {
    let folder = repository();
    write(folder.path(), "CHANGELOG.md", "## 0.2.0\n\n- One.\n");
    commit(folder.path());
    git(folder.path(), &["tag", "v0.2.0"]);
    write(folder.path(), "one/lib.rs", "// Changed.\n");
    commit(folder.path());
    assert_eq!(
        check(folder.path()),
        [
            "version 0.2.0 was released from another commit (tag v0.2.0): increase the version, or write an Unreleased section"
        ]
    );
}

#[test]
fn a_member_with_another_version_is_refused() {
    let folder = repository();
    replace(
        folder.path(),
        "one/Cargo.toml",
        "version.workspace = true",
        "version = \"0.1.0\"",
    );
    replace(
        folder.path(),
        "Cargo.toml",
        "version = \"0.2.0\" }",
        "version = \"0.1.0\" }",
    );
    replace(
        folder.path(),
        "Cargo.lock",
        "version = \"0.2.0\"",
        "version = \"0.1.0\"",
    );
    commit(folder.path());
    assert_eq!(
        check(folder.path()),
        [
            "one has version 0.1.0, but the workspace has 0.2.0: write `version.workspace = true`",
            "the version of one below [workspace.dependencies] is 0.1.0: write 0.2.0",
        ]
    );
}

#[test]
fn a_published_package_has_all_fields() {
    let folder = repository();
    replace(
        folder.path(),
        "one/Cargo.toml",
        "keywords = [\"one\"]\n",
        "",
    );
    replace(folder.path(), "one/Cargo.toml", "license = \"MIT\"\n", "");
    commit(folder.path());
    assert_eq!(
        check(folder.path()),
        [
            "one has no keywords: add it to its Cargo.toml",
            "one has no license: add it to its Cargo.toml",
        ]
    );
    replace(
        folder.path(),
        "one/Cargo.toml",
        "name =",
        "publish = false\nname =",
    );
    commit(folder.path());
    assert_eq!(check(folder.path()), [""; 0]);
}

#[test]
fn publishing_requires_a_tag_and_a_real_owner() {
    let folder = repository();
    replace(
        folder.path(),
        "Cargo.toml",
        "version = \"0.2.0\"\n",
        "version = \"0.2.0\"\nrepository = \"https://example.org/OWNER/one\"\n",
    );
    commit(folder.path());
    let info = ReleaseInfo::read(folder.path()).unwrap();
    assert_eq!(
        publishing(folder.path(), &info),
        [
            "the commit has no tag v0.2.0: create it",
            "Cargo.toml contains the placeholder OWNER: write the owner",
        ]
    );
}
