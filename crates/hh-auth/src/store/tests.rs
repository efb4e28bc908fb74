use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::*;
use crate::private_file::{Replace, write_private};
use crate::{ApiKey, Level};

const KEY: &str = "hh_canarycanarycanarycanarycanary00";

fn store(dir: &Path) -> FileStore {
    let env = Env::from_pairs([("XDG_CONFIG_HOME", dir.join("config"))]);
    FileStore::of_user(&env).unwrap()
}

fn profile(name: &str) -> Profile {
    let key = ApiKey::parse(KEY).unwrap();
    let details = KeyDetails {
        id: Some("id1".to_owned()),
        level: Some(Level::ReadWrite),
        owner: Some("user@example.com".to_owned()),
        created: Some(Created::Reported(Timestamp::UNIX_EPOCH)),
        expires_at: Some(Timestamp::MAX),
        replaces: Some("id0".to_owned()),
    };
    Profile::new(name, "https://api.honeyhive.ai", key, Timestamp::UNIX_EPOCH).with_details(details)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Returns message and hint on separate lines.
fn both(error: &StoreError) -> String {
    format!("{}\n{}", error.message(), error.hint().unwrap_or_default())
}

/// Asserts that a store is rejected as unsafe on reading and writing and that no part of it is printed. Returns message
/// and hint.
fn refused(store: &FileStore) -> String {
    let error = store.get(None).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsafe, "{error}");
    let message = both(&error);
    assert!(!message.contains("canary"), "{message}");
    assert_eq!(message.lines().count(), 2);
    for error in [
        store.put(profile("b")).unwrap_err(),
        store.remove(Some("default")).unwrap_err(),
        store.switch("default").unwrap_err(),
        store.list().unwrap_err(),
        store.current().unwrap_err(),
    ] {
        assert_eq!(both(&error), message);
    }
    message
}

/// Runs the command in the hint.
fn run_hint(message: &str) {
    let (_, hint) = message.split_once("\nrun `").unwrap();
    let (command, _) = hint.split_once('`').unwrap();
    let ran = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(ran.success(), "{command}");
}

#[test]
fn a_profile_comes_back_as_it_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    assert!(store.get(None).unwrap().is_none());
    assert_eq!(store.put(profile("default")).unwrap(), None);
    store.put(profile("other")).unwrap();

    let current = store.get(None).unwrap().unwrap();
    assert_eq!(current.name, "other");
    assert_eq!(crate::exposed(&current.key), KEY);
    assert_eq!(current.details, profile("other").details);
    assert_eq!(current.storage, Storage::File);
    assert_eq!(store.get(Some("default")).unwrap().unwrap().name, "default");

    assert_eq!(store.remove(None).unwrap().as_deref(), Some("other"));
    assert_eq!(store.remove(None).unwrap(), None);
    assert_eq!(store.remove_all().unwrap().count, 1);
    assert!(!store.path().exists());
}

#[test]
fn what_is_written_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let mut odd = profile("a.b");
    odd.base_url = "http://\u{1f}\"\\\u{e9}\n\u{7f}/".to_owned();
    odd.key = ApiKey::parse("hh_\"quoted\\key\"").unwrap();
    odd.details = KeyDetails {
        id: Some("id1".to_owned()),
        created: Some(Created::Stated(Timestamp::UNIX_EPOCH)),
        ..KeyDetails::default()
    };
    store.put(odd.clone()).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    insta::assert_snapshot!(text, @r#"
    version = 1
    current = "a.b"

    [profiles."a.b"]
    base_url = "http://\u001f\"\\é\u000a\u007f/"
    storage = "file"
    first_seen = "1970-01-01T00:00:00Z"
    key_id = "id1"
    created_stated = "1970-01-01T00:00:00Z"
    api_key = "hh_\"quoted\\key\""

    [profiles."default"]
    base_url = "https://api.honeyhive.ai"
    storage = "file"
    first_seen = "1970-01-01T00:00:00Z"
    key_id = "id1"
    level = "read_write"
    owner = "user@example.com"
    created_at = "1970-01-01T00:00:00Z"
    expires_at = "9999-12-30T22:00:00.999999999Z"
    replaces = "id0"
    api_key = "hh_canarycanarycanarycanarycanary00"
    "#);
    let back = store.get(None).unwrap().unwrap();
    assert_eq!(back.base_url, odd.base_url);
    assert_eq!(back.details, odd.details);
    assert!(back.key.is_same(&odd.key));
}

#[test]
fn the_file_is_0600_in_a_0700_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    assert_eq!(mode(store.path()), 0o600);
    assert_eq!(mode(store.path().parent().unwrap()), 0o700);
}

#[test]
fn an_open_file_and_a_link_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("it's here"));
    store.put(profile("default")).unwrap();
    for open in [0o640, 0o604, 0o666] {
        chmod(store.path(), open);
        let message = refused(&store);
        assert!(message.contains("chmod 600"), "{message}");
        run_hint(&message);
        assert_eq!(store.current().unwrap().as_deref(), Some("default"));
    }

    let real = dir.path().join("real.toml");
    fs::rename(store.path(), &real).unwrap();
    symlink(&real, store.path()).unwrap();
    let message = refused(&store);
    assert!(message.contains("symbolic link"), "{message}");
    run_hint(&message);
    assert_eq!(store.current().unwrap(), None);
    assert!(real.exists(), "only the link is removed");

    symlink(dir.path().join("nowhere"), store.path()).unwrap();
    run_hint(&refused(&store));

    fs::rename(&real, store.path()).unwrap();
    fs::hard_link(store.path(), &real).unwrap();
    let message = refused(&store);
    assert!(message.contains("hard links"), "{message}");
    run_hint(&message);
    assert_eq!(crate::exposed(&store.get(None).unwrap().unwrap().key), KEY);
    assert_eq!(mode(store.path()), 0o600);
}

#[test]
fn a_path_that_is_no_file_is_refused_immediately() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let path = store.path();
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
    run_hint(&refused(&store));

    // A blocking open of a pipe would wait for a writer.
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
    let message = refused(&store);
    assert!(message.contains("not a regular file"), "{message}");
    run_hint(&message);

    let listener = UnixListener::bind(path).unwrap();
    run_hint(&refused(&store));
    drop(listener);

    symlink("/dev/null", path.with_extension("lock")).unwrap_err();
    fs::remove_file(path.with_extension("lock")).unwrap();
    symlink("/dev/null", path.with_extension("lock")).unwrap();
    let error = store.put(profile("b")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsafe);
    run_hint(&both(&error));
    store.put(profile("b")).unwrap();
}

#[test]
fn a_file_or_directory_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a file away");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    for path in [store.path(), store.path().parent().unwrap()] {
        std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
        let message = refused(&store);
        assert!(
            message.contains("belongs to another user (id 65534, not 0)\nrun the command without sudo, or set HOME"),
            "{message}"
        );
        std::os::unix::fs::chown(path, Some(0), None).unwrap();
        assert_eq!(store.current().unwrap().as_deref(), Some("default"));
    }
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let parent = store.path().parent().unwrap();
    for open in [0o777, 0o770, 0o702] {
        chmod(parent, open);
        let message = refused(&store);
        assert!(message.contains("chmod 700"), "{message}");
        run_hint(&message);
    }
    assert_eq!(store.current().unwrap().as_deref(), Some("default"));
}

/// The checked file is the file that is read, so a link that appears for a moment is never read.
#[test]
fn a_link_swapped_in_between_is_never_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let path = store.path();
    let side = |name: &str| path.with_file_name(name);
    let (other, link) = (side("other.toml"), side("link"));
    let text = fs::read_to_string(path).unwrap();
    let planted = text.replace("\"default\"", "\"planted\"");
    write_private(&other, planted.as_bytes(), Replace::Yes).unwrap();
    let done = AtomicBool::new(false);
    let read: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                symlink(&other, &link).unwrap();
                fs::rename(&link, path).unwrap();
                write_private(path, text.as_bytes(), Replace::Yes).unwrap();
            }
        });
        let read = (0..3000).map(|_| store.current()).collect();
        done.store(true, Ordering::Relaxed);
        read
    });
    let mut refusals = 0;
    for current in read {
        match current {
            Ok(current) => assert_eq!(current.as_deref(), Some("default")),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Unsafe, "{error}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 0, "the link existed at times");
}

#[test]
fn invalid_names_are_rejected_and_an_empty_file_is_not_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for name in ["", "a b", "x\n\u{1b}[31m", "../up", &"n".repeat(65)] {
        let error = store.put(profile(name)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::InvalidName);
    }
    let error = store.put(profile(KEY)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::InvalidName);
    insta::assert_snapshot!(both(&error), @r#"
    invalid profile name: expected a name, but found an API key
    set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    "#);
    assert_eq!(store.remove(None).unwrap(), None);
    let error = store.switch(KEY).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    insta::assert_snapshot!(both(&error), @r#"
    profile "hh_canar***" not found
    run `honeyhive auth login`
    "#);
    assert!(
        !store.path().parent().unwrap().exists(),
        "a removal without a store creates nothing"
    );
    store.put(profile("default")).unwrap();
    insta::assert_snapshot!(both(&store.switch("a\nb").unwrap_err()), @r#"
    profile "a\nb" not found
    use a saved profile: default
    "#);
    write_private(store.path(), b"\n", Replace::Yes).unwrap();
    assert!(store.get(None).unwrap().is_none());
}

#[test]
fn a_damaged_file_is_named_without_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    assert!(text.contains(KEY), "the file contains the key");
    let mut refused = 0;
    for at in 0..text.len() {
        for byte in [b'\x01', b'"', b'\xff'] {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = byte;
            match format::from_bytes(&damaged) {
                Ok(contents) => assert!(!format!("{contents:?}").contains("canarycanary")),
                Err(error) => {
                    let shown = format!("{error:?}");
                    assert!(!shown.contains("canary"), "{shown}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 500, "only {refused} damages are detected");
}

#[test]
fn messages_about_damage_name_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let good = fs::read_to_string(store.path()).unwrap();
    let damaged = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        write_private(store.path(), text.as_bytes(), Replace::Yes).unwrap();
        let error = store.get(None).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Malformed);
        let message = error.to_string();
        let (_, what) = message.split_once(" is damaged: ").unwrap();
        what.to_owned()
    };
    insta::assert_snapshot!(damaged("\"hh_", "\"xx_"), @"line 14: api_key does not begin with hh_, so it is not a HoneyHive API key");
    insta::assert_snapshot!(damaged("\"hh_", "hh_"), @"line 14: invalid TOML");
    insta::assert_snapshot!(damaged("api_key", "key"), @"line 4: the profile has no api_key");
    insta::assert_snapshot!(damaged("api_key = \"", "api_key = 1 # "), @"line 14: api_key is not a string");
    insta::assert_snapshot!(damaged("base_url", "url"), @"line 4: the profile has no base_url");
    insta::assert_snapshot!(damaged("1970", "970"), @"line 7: first_seen is not an RFC 3339 time");
    insta::assert_snapshot!(damaged("\"file\"", "\"cloud\""), @"line 6: unknown storage: expected file or keyring");
    insta::assert_snapshot!(damaged("profiles.\"default\"", "profiles.\"de fault\""), @"line 4: invalid profile name");
    insta::assert_snapshot!(damaged("[profiles.\"default\"]", "[[profiles]]"), @"line 4: profiles is not a table");
    insta::assert_snapshot!(damaged("current = \"default\"", "current = 1"), @"line 2: invalid profile name");
    insta::assert_snapshot!(damaged("version = 1", ""), @"line 1: the version is missing");
    insta::assert_snapshot!(damaged("version = 1", "version = 0"), @"line 1: unsupported version");
    insta::assert_snapshot!(damaged("current", &"\n# long".repeat(200_000)), @"it is larger than 1 MiB");
}

#[test]
fn a_login_keeps_a_damaged_file_and_reports_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let damages = [b"\xff\xfe".as_slice(), b"version = 1\n[profiles.default]\n"];
    let kept = ["credentials.toml.corrupt", "credentials.toml.corrupt-2"];
    let kept = kept.map(|name| store.path().with_file_name(name));
    for (damage, kept) in damages.into_iter().zip(&kept) {
        write_private(store.path(), damage, Replace::Yes).unwrap();
        let error = both(&store.get(None).unwrap_err());
        assert!(error.ends_with(&kept.display().to_string()), "{error}");
        for error in [store.remove(None), store.remove(Some("default"))] {
            assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Malformed);
        }
        assert_eq!(store.put(profile("new")).unwrap().as_ref(), Some(kept));
        assert_eq!(mode(kept), 0o600);
        assert_eq!(store.list().unwrap().len(), 1);
        assert_eq!(
            store.put(profile("new")).unwrap(),
            None,
            "the new file is valid"
        );
    }
    assert_eq!(kept.each_ref().map(|kept| fs::read(kept).unwrap()), damages);
    let removed = store.remove_all().unwrap();
    assert_eq!((removed.count, removed.was_unreadable), (1, true));
    assert!(
        !kept.iter().any(|kept| kept.exists()),
        "the renamed files contained keys, too"
    );
}

#[test]
fn the_file_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let text = "version = 2\nprofiles = []\n";
    write_private(store.path(), text.as_bytes(), Replace::Yes).unwrap();
    for error in [
        store.get(None).unwrap_err(),
        store.put(profile("b")).unwrap_err(),
        store.remove(None).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Newer);
    }
    assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
    let removed = store.remove_all().unwrap();
    assert_eq!((removed.count, removed.was_unreadable), (0, true));
    assert!(!store.path().exists());
}

#[test]
fn an_entry_of_the_keyring_holds_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    let text = text.replace("\"file\"", "\"keyring\"");
    write_private(store.path(), text.as_bytes(), Replace::Yes).unwrap();
    let entry = store.list().unwrap().remove(0);
    assert_eq!((entry.storage, entry.redacted()), (Storage::Keyring, None));
    // Calls that do not need the key work without a keyring, and a rewrite drops the key that was in the file.
    store.put(profile("other")).unwrap();
    assert_eq!(
        store.list().unwrap()[1].redacted().as_deref(),
        Some("hh_canar***")
    );
    let text = fs::read_to_string(store.path()).unwrap();
    assert_eq!(text.matches(KEY).count(), 1, "{text}");
}

#[test]
fn writers_that_were_killed_leave_nothing_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let sibling = |name: &str| {
        let path = store.path().with_file_name(name);
        write_private(&path, KEY.as_bytes(), Replace::Yes).unwrap();
        path
    };
    let left = sibling(".credentials.toml-Ab12Cd");
    let others = [
        sibling(".config.yaml-Ab12Cd"),
        sibling("credentials.toml-old"),
        sibling(".credentials.toml-old"),
        sibling(".credentials.toml-Ab12C~"),
        sibling("credentials.toml.corrupt-b"),
    ];
    let link = store.path().with_file_name(".credentials.toml-Ab12Ce");
    symlink(&others[0], &link).unwrap();
    store.put(profile("default")).unwrap();
    assert!(!left.exists());
    // The file of a first login that was killed is removed too, although no store exists.
    store.remove_all().unwrap();
    let left = sibling(".credentials.toml-Ab12Cd");
    assert_eq!(store.remove(None).unwrap(), None);
    assert!(!left.exists());
    let left = sibling(".credentials.toml-Ab12Cd");
    assert_eq!(store.remove_all().unwrap(), RemovedProfiles::default());
    assert!(!left.exists());
    assert!(others.iter().chain([&link]).all(|other| other.exists()));
}

#[test]
fn a_store_that_would_be_too_large_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let mut large = profile("large");
    large.base_url = "x".repeat(1024 * 1024);
    let error = store.put(large).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert!(error.to_string().contains("exceed 1 MiB"), "{error}");
    assert_eq!(store.current().unwrap().as_deref(), Some("default"));
}

#[test]
fn two_writers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..20 {
                    store.put(profile(&format!("p{writer}-{round}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(store.remove_all().unwrap().count, 40);
}
