use super::*;

const KEY: &str = "hh_canarycanarycanarycanarycanary00";

fn store(dir: &Path) -> FileStore {
    let env = Env::from_pairs([("XDG_CONFIG_HOME", dir.join("config"))]);
    FileStore::of_user(&env).unwrap()
}

fn profile(name: &str) -> Profile {
    let key = ApiKey::parse(KEY).unwrap();
    Profile::new(name, "https://api.honeyhive.ai", key, Timestamp::UNIX_EPOCH)
        .with_details(Some("id1".to_owned()), Some(Level::ReadWrite))
}

#[test]
fn a_profile_comes_back_as_it_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    assert!(store.get(None).unwrap().is_none());
    store.put(profile("default")).unwrap();
    store.put(profile("other")).unwrap();

    let current = store.get(None).unwrap().unwrap();
    assert_eq!(current.name, "other");
    assert_eq!(current.key.text(), KEY);
    assert_eq!(current.level, Some(Level::ReadWrite));
    assert_eq!(current.key_id.as_deref(), Some("id1"));
    assert_eq!(store.get(Some("default")).unwrap().unwrap().name, "default");

    assert_eq!(store.remove(None).unwrap().as_deref(), Some("other"));
    assert_eq!(store.remove(None).unwrap(), None);
    assert_eq!(store.remove_all().unwrap(), 1);
    assert!(!store.path().exists());
}

#[test]
fn the_file_is_0600_in_a_0700_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.path()), 0o600);
    assert_eq!(mode(store.path().parent().unwrap()), 0o700);
}

#[test]
fn an_open_file_and_a_link_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let error = store.get(None).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsafe);
    assert!(error.to_string().contains("chmod 600"));

    let real = dir.path().join("real.toml");
    fs::rename(store.path(), &real).unwrap();
    std::os::unix::fs::symlink(&real, store.path()).unwrap();
    assert_eq!(store.get(None).unwrap_err().kind(), StoreErrorKind::Unsafe);
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let parent = store.path().parent().unwrap();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o777)).unwrap();
    for error in [
        store.get(None).unwrap_err(),
        store.put(profile("b")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unsafe);
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
}

#[test]
fn names_that_are_none_are_refused_and_an_empty_file_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for name in ["", "a b", "x\n\u{1b}[31m", "../up", &"n".repeat(65)] {
        let error = store.put(profile(name)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::InvalidName);
    }
    assert_eq!(store.remove(None).unwrap(), None);
    assert!(
        !store.path().parent().unwrap().exists(),
        "nothing to remove makes nothing"
    );
    store.put(profile("default")).unwrap();
    write_private(store.path(), b"\n", Replace::Yes).unwrap();
    assert!(store.get(None).unwrap().is_none());
}

#[test]
fn a_damaged_file_is_named_without_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("default")).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    assert!(text.contains(KEY), "the key is there to be leaked");
    for at in (0..text.len()).step_by(3) {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = b'\x01';
        write_private(store.path(), &damaged, Replace::Yes).unwrap();
        if let Err(error) = store.get(None) {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canarycanary"), "{shown}");
        }
    }
    store.remove_all().unwrap();
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
    assert_eq!(store.remove_all().unwrap(), 40);
}
