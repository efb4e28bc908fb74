//! Tests of the credential store with other processes, on full disks and against a model.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod disk;
#[cfg(feature = "keyring")]
mod keyring;
mod kill;
mod race;
mod worker;

use std::path::Path;

use hh_auth::{ApiKey, Created, FileStore, KeyDetails, Profile};
use hh_config::Env;
use jiff::Timestamp;

fn store(dir: &Path) -> FileStore {
    let env = Env::from_pairs([("XDG_CONFIG_HOME", dir)]);
    FileStore::of_user(&env).unwrap()
}

/// Creates a profile whose fields depend on a number, so that a mixture of two profiles is detected.
fn profile(name: &str, number: u32) -> Profile {
    let key = ApiKey::parse(&format!("hh_{number:0>40}")).unwrap();
    let url = format!("http://127.0.0.1:{}", 1 + number % 60_000);
    let first_seen = Timestamp::from_second(i64::from(number)).unwrap();
    let mut details = KeyDetails::default();
    details.id = Some(format!("id{number}"));
    details.created = Some(Created::Reported(first_seen));
    Profile::new(name, &url, key, first_seen).with_details(details)
}

/// Returns the number of a profile, and asserts that all of its fields belong to it.
fn number_of(found: &Profile) -> u32 {
    let number = u32::try_from(found.first_seen.as_second()).unwrap();
    assert_same(found, &profile(&found.name, number));
    number
}

fn assert_same(found: &Profile, expected: &Profile) {
    assert_eq!(found.name, expected.name);
    assert_eq!(found.base_url, expected.base_url);
    assert_eq!(found.details, expected.details);
    assert_eq!(found.first_seen, expected.first_seen);
    assert!(found.key.is_same(&expected.key), "{found:?}");
}

/// Checks that the directory has mode 0700 and its files mode 0600, and returns the names.
fn private_files(store: &FileStore) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode =
        |path: &Path| std::fs::symlink_metadata(path).map(|m| m.permissions().mode() & 0o777);
    let dir = store.path().parent().unwrap();
    assert_eq!(mode(dir).unwrap(), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // A temporary file may have been renamed in the meantime.
        if let Ok(mode) = mode(&entry.path()) {
            assert_eq!(mode, 0o600, "{name} has mode {mode:o}");
            names.push(name);
        }
    }
    names
}
