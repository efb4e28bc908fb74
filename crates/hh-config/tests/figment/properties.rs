//! Tests rules that hold for every combination of settings and sources.

use std::collections::BTreeMap;

use figment::Figment;
use figment::value::{Dict, Value};
use hh_config::{Kind, LoadOptions, ProjectFilePolicy, SettingName, Source, Stack, names};
use proptest::collection::btree_map;
use proptest::prelude::*;

use super::{SOURCES, Vault, no_env};

/// Settings of all kinds that every source can set.
const SETTINGS: [SettingName; 7] = [
    names::API_KEY,
    names::PROJECT,
    names::SOURCE,
    names::TIMEOUT,
    names::MAX_RETRIES,
    names::DEBUG,
    names::CREDENTIAL_STORAGE,
];

/// Returns a valid value of a setting, which differs between most of the seeds.
fn value(name: SettingName, seed: u8) -> Value {
    if let Kind::Seconds(..) = name.spec().kind {
        (1.0 + f64::from(seed)).into()
    } else if let Kind::Count(..) = name.spec().kind {
        u64::from(seed % 10).into()
    } else if let Kind::Choice(words) = name.spec().kind {
        words[usize::from(seed) % words.len()].into()
    } else if name.spec().kind == Kind::Boolean {
        seed.is_multiple_of(2).into()
    } else {
        format!("hh_value{seed}").into()
    }
}

type Values = BTreeMap<usize, u8>;

fn values() -> impl Strategy<Value = Values> {
    btree_map(0..SETTINGS.len(), any::<u8>(), 0..SETTINGS.len())
}

fn dict(values: &Values) -> Dict {
    let values = values.iter();
    values
        .map(|(at, seed)| {
            (
                SETTINGS[*at].as_str().to_owned(),
                value(SETTINGS[*at], *seed),
            )
        })
        .collect()
}

fn vault(values: &Values) -> Vault {
    Vault(dict(values).into_iter().collect())
}

fn layers() -> impl Strategy<Value = Vec<(usize, Values)>> {
    proptest::collection::vec((0..SOURCES.len(), values()), 0..6)
}

fn load(layers: &[(usize, Values)]) -> Stack {
    let options = layers
        .iter()
        .fold(LoadOptions::new(), |options, (at, values)| {
            options.with_provider(SOURCES[*at], vault(values))
        });
    Stack::load(&no_env(), options)
}

/// Returns the values that must be in effect, without those of `Source::Default`.
fn expected(layers: &[(usize, Values)]) -> Dict {
    let mut layers: Vec<_> = layers
        .iter()
        .filter(|(at, _)| SOURCES[*at] != Source::Default)
        .collect();
    // The sort is stable: a later provider of the same source takes precedence.
    layers.sort_by_key(|(at, _)| SOURCES[*at]);
    let mut expected = Dict::new();
    for (_, values) in layers {
        expected.extend(dict(values));
    }
    expected
}

proptest! {
    #[test]
    fn the_highest_provider_that_sets_a_value_wins(layers in layers()) {
        let stack = load(&layers);
        prop_assert_eq!(stack.problems().len(), 0);
        let found: Dict = stack.figment_with_exposed_secrets().extract().unwrap();
        prop_assert_eq!(found, expected(&layers));
    }

    #[test]
    fn merging_a_stack_sets_exactly_the_values_of_its_sources(layers in layers(), app in values()) {
        let stack = load(&layers);
        let mut expected = expected(&layers);
        expected.remove("api_key");
        let over: Dict = Figment::from(vault(&app)).merge(&stack).extract().unwrap();
        let mut both = dict(&app);
        both.extend(expected.clone());
        prop_assert_eq!(&over, &both);
        let over: Dict = Figment::from(vault(&app)).merge(stack.figment()).extract().unwrap();
        prop_assert_eq!(&over, &both);

        let under: Dict = Figment::from(&stack).merge(vault(&app)).extract().unwrap();
        let mut both = expected;
        both.extend(dict(&app));
        prop_assert_eq!(under, both);
    }

    #[test]
    fn a_stack_that_is_read_back_through_figment_is_the_same(layers in layers()) {
        let stack = load(&layers);
        let options = LoadOptions::new().with_provider(Source::Direct, stack.figment_with_exposed_secrets());
        let again = Stack::load(&no_env(), options);
        prop_assert_eq!(again.problems().len(), 0);
        let values = |stack: &Stack| stack.figment_with_exposed_secrets().extract::<Dict>().unwrap();
        prop_assert_eq!(values(&stack), values(&again));
    }
}

#[test]
fn the_settings_of_the_properties_can_be_set_by_every_source() {
    for name in SETTINGS {
        assert_eq!(
            name.spec().project_file,
            ProjectFilePolicy::Allowed,
            "{name}"
        );
    }
}
