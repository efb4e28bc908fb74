//! Conformance of the storages: each behaves like a map in memory.

use std::collections::BTreeMap;

use hh_auth::{FileStore, Profile, Storage, StoreErrorKind};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::{assert_same, number_of, profile, store};

#[test]
fn the_file_conforms() {
    let dir = tempfile::tempdir().unwrap();
    conforms(&store(dir.path()), Storage::File);
}

#[test]
fn any_sequence_on_a_file_equals_a_map() {
    // Each step waits for a sync, so the number of cases is small.
    equals_a_map(100, Storage::File);
}

/// Checks the guarantees of a store in order. The store is empty before and after.
pub(crate) fn conforms(store: &FileStore, storage: Storage) {
    let made = |name: &str, number| profile(name, number).with_storage(storage);
    assert!(store.get(None).unwrap().is_none());
    assert!(store.get(Some("a")).unwrap().is_none());
    assert_eq!(store.current().unwrap(), None);
    assert!(store.list().unwrap().is_empty());
    assert_eq!(store.remove(None).unwrap(), None);
    assert_eq!(store.remove_all().unwrap().count, 0);

    store.put(made("a", 1)).unwrap();
    store.put(made("b", 2)).unwrap();
    assert_eq!(store.current().unwrap().as_deref(), Some("b"));
    assert_same(&store.get(None).unwrap().unwrap(), &made("b", 2));
    let a = store.get(Some("a")).unwrap().unwrap();
    assert_eq!((number_of(&a), a.storage), (1, storage));

    // A profile of the same name replaces the old one, even for another server.
    store.put(made("a", 3)).unwrap();
    assert_eq!(number_of(&store.get(Some("a")).unwrap().unwrap()), 3);
    let names: Vec<_> = store
        .list()
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name, entry.storage))
        .collect();
    assert_eq!(
        names,
        [("a".to_owned(), storage), ("b".to_owned(), storage)]
    );

    store.switch("b").unwrap();
    assert_eq!(store.current().unwrap().as_deref(), Some("b"));
    assert_eq!(
        store.switch("c").unwrap_err().kind(),
        StoreErrorKind::NotFound
    );
    assert_eq!(store.current().unwrap().as_deref(), Some("b"));

    // The key is in the file only if its storage is the file.
    let text = std::fs::read_to_string(store.path()).unwrap();
    assert_eq!(text.contains("api_key"), storage == Storage::File);
    assert_eq!(
        text.contains(&format!("hh_{:0>40}", 3)),
        storage == Storage::File
    );
    // The key moves from one storage to the other.
    let other = made("a", 4).with_storage(Storage::File);
    store.put(other).unwrap();
    assert_eq!(number_of(&store.get(None).unwrap().unwrap()), 4);
    store.put(made("a", 5)).unwrap();
    assert_eq!(number_of(&store.get(None).unwrap().unwrap()), 5);

    assert_eq!(store.remove(None).unwrap().as_deref(), Some("a"));
    assert_eq!(store.remove(None).unwrap(), None);
    let error = store.remove(Some("c")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    assert_eq!(store.current().unwrap(), None);
    assert!(store.get(None).unwrap().is_none());
    assert_eq!(store.remove_all().unwrap().count, 1);
    assert_eq!(store.remove_all().unwrap().count, 0);
    assert!(!store.path().exists());
}

/// One step on a store.
#[derive(Clone, Debug)]
enum Step {
    Put(&'static str, u32),
    Get(Option<&'static str>),
    Remove(Option<&'static str>),
    Switch(&'static str),
    RemoveAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || prop::sample::select(vec!["a", "b.c", "B-1", "a_very_long_name_that_is_fine"]);
    let step = prop_oneof![
        6 => (name(), 0..4_u32).prop_map(|(name, number)| Step::Put(name, number)),
        3 => prop::option::of(name()).prop_map(Step::Get),
        3 => prop::option::of(name()).prop_map(Step::Remove),
        3 => name().prop_map(Step::Switch),
        1 => Just(Step::RemoveAll),
    ];
    prop::collection::vec(step, 1..16)
}

/// The model of a store.
#[derive(Default)]
struct Model {
    profiles: BTreeMap<String, u32>,
    current: Option<String>,
}

impl Model {
    fn find(&self, name: Option<&str>) -> Option<String> {
        let name = name.or(self.current.as_deref())?;
        self.profiles.contains_key(name).then(|| name.to_owned())
    }
}

/// Checks that any sequence of steps has the same results on a store and on a map.
pub(crate) fn equals_a_map(cases: u32, storage: Storage) {
    let mut config = ProptestConfig::with_cases(cases);
    config.source_file = Some(file!());
    let checked = TestRunner::new(config).run(&steps(), |steps| {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let mut model = Model::default();
        for step in steps {
            take(&step, &store, storage, &mut model)?;
            prop_assert_eq!(&store.current().unwrap(), &model.current);
            let list = store.list().unwrap();
            let listed = list
                .into_iter()
                .map(|entry| (entry.name, entry.first_seen.as_second()));
            let expected = model
                .profiles
                .iter()
                .map(|(name, number)| (name.clone(), i64::from(*number)));
            prop_assert!(listed.eq(expected));
        }
        store.remove_all().unwrap();
        Ok(())
    });
    checked.unwrap();
}

fn take(
    step: &Step,
    store: &FileStore,
    storage: Storage,
    model: &mut Model,
) -> Result<(), TestCaseError> {
    match *step {
        Step::Put(name, number) => {
            let profile: Profile = profile(name, number).with_storage(storage);
            prop_assert_eq!(store.put(profile).unwrap(), None);
            model.profiles.insert(name.to_owned(), number);
            model.current = Some(name.to_owned());
        }
        Step::Get(name) => {
            let found = store.get(name).unwrap();
            let found = found.map(|found| (found.name.clone(), number_of(&found)));
            let expected = model.find(name);
            let expected = expected.map(|name| (name.clone(), model.profiles[&name]));
            prop_assert_eq!(found, expected);
        }
        Step::Remove(name) => {
            let expected = model.find(name);
            let removed = store.remove(name).map_err(|error| error.kind());
            if expected.is_none() && name.is_some() {
                prop_assert_eq!(removed, Err(StoreErrorKind::NotFound));
            } else {
                prop_assert_eq!(removed, Ok(expected.clone()));
            }
            if let Some(name) = &expected {
                model.profiles.remove(name);
            }
            if model.current == expected {
                model.current = None;
            }
        }
        Step::Switch(name) => {
            let switched = store.switch(name).map_err(|error| error.kind());
            if model.profiles.contains_key(name) {
                prop_assert_eq!(switched, Ok(()));
                model.current = Some(name.to_owned());
            } else {
                prop_assert_eq!(switched, Err(StoreErrorKind::NotFound));
            }
        }
        Step::RemoveAll => {
            prop_assert_eq!(store.remove_all().unwrap().count, model.profiles.len());
            *model = Model::default();
        }
    }
    Ok(())
}
