//! Real logins that are killed, run at the same time, or run on disks without sync leave a complete store.

mod kill;
mod race;
mod unsynced;

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use hh_sdk::auth::{ApiKey, FileStore, Profile};
use hh_sdk::config::Env;

use crate::support::TestEnv;

const UMASKS: [&str; 3] = ["000", "022", "077"];

/// Returns the key of a login. The number is part of all its fields, so that a mixture of two logins is detected.
fn key(number: u32) -> String {
    format!("hh_{number:0>40}")
}

fn store(env: &TestEnv) -> FileStore {
    FileStore::of_user(&Env::from_pairs([("HOME", env.path(""))])).unwrap()
}

/// Starts a login, which continues when it receives its key.
fn login(env: &TestEnv, umask: &str, profile: &str) -> Child {
    let arguments = [
        "auth",
        "login",
        "--api-key-stdin",
        "--yes",
        "--profile",
        profile,
    ];
    env.command_with_umask(umask, &arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn give_key(child: &mut Child, number: u32) {
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(key(number).as_bytes()).unwrap();
}

fn wait(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Returns the number of the login that a profile comes from, and checks that all its fields match.
fn number_of(found: &Profile, url: &str) -> u32 {
    let id = found.details.id.as_deref().unwrap();
    let number = id.strip_prefix("id").unwrap().parse().unwrap();
    let expected = ApiKey::parse(&key(number)).unwrap();
    assert!(found.key.is_same(&expected), "{found:?}");
    assert_eq!(found.base_url.trim_end_matches('/'), url);
    number
}

/// Checks that the existing configuration directories have mode 0700 and their files mode 0600; returns the file names.
fn private_files(env: &TestEnv) -> Vec<String> {
    let mut names = Vec::new();
    for folder in [".config", ".config/honeyhive"] {
        if !env.path(folder).exists() {
            return names;
        }
        assert_eq!(env.mode(folder), 0o700, "{folder}");
    }
    for entry in std::fs::read_dir(env.path(".config/honeyhive")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!(".config/honeyhive/{name}");
        // A temporary file may have replaced the store in the meantime.
        if let Ok(metadata) = Path::new(&env.at(&path)).symlink_metadata() {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name} has mode {mode:o}");
            names.push(name);
        }
    }
    names
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.')
}
