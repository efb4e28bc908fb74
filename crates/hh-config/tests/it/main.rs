//! Tests settings through the public API: precedence, errors and redaction.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod corpus;
mod dotenv;
mod guarded;
mod pipes;
mod properties;

use std::collections::BTreeMap;
use std::path::Path;

use hh_config::{
    BaseUrl, Env, Layer, LoadErrorKind, LoadOptions, Origin, RedactedValue, Settings, Source,
    Stack, names,
};
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

const CANARY: &str = "hh_canarycanarycanarycanarycanary00";

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    hh_testing::write(&path, text);
    path.display().to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test compares its own secrets"
)]
fn revealed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn key_of(env: &Env, options: LoadOptions) -> (String, Source) {
    key_in(&Stack::load(env, options))
}

fn key_in(stack: &Stack) -> (String, Source) {
    let found = Settings::from_stack(stack).unwrap().api_key.unwrap();
    (revealed(&found.value).to_owned(), found.provenance.source())
}

/// A value for each source that can contain a key, lowest precedence first.
const SOURCES: [(Source, &str); 5] = [
    (Source::Stored, "hh_stored"),
    (Source::Named, "hh_named"),
    (Source::DotEnv, "hh_dotenv"),
    (Source::Env, "hh_env"),
    (Source::Direct, "hh_direct"),
];

// Features S27, S28, S29, S30.
#[test]
fn the_highest_source_that_has_a_key_wins() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "c.yaml", "api_key: hh_named\n");
    let dotenv = write(&dir, "c.env", "HH_API_KEY=hh_dotenv\n");
    for mask in 1_u32..1 << SOURCES.len() {
        let has = |at: usize| mask & 1 << at != 0;
        let mut options = LoadOptions::new();
        let mut variables = BTreeMap::new();
        if has(1) {
            variables.insert("HH_CONFIG_FILE", file.as_str());
        }
        if has(2) {
            variables.insert("HH_ENV_FILE", dotenv.as_str());
        }
        if has(3) {
            variables.insert("HH_API_KEY", "hh_env");
        }
        if has(4) {
            options = options.with(names::API_KEY, "hh_direct");
        }
        let highest = (0..SOURCES.len()).rev().find(|at| has(*at)).unwrap();
        let (source, key) = SOURCES[highest];
        let mut stack = Stack::load(&Env::from_pairs(variables), options);
        if has(0) {
            let key = (names::API_KEY, SecretString::from("hh_stored"));
            stack = stack.with(Layer::stored("default", [key]));
        }
        let found = key_in(&stack);
        assert_eq!(found, (key.to_owned(), source), "sources {mask:05b}");
    }
}

#[test]
fn aliases_rank_below_the_preferred_name_and_blank_is_unset() {
    let all = [
        ("HH_API_KEY", "hh_1"),
        ("HH_PROJECT_API_KEY", "hh_2"),
        ("HONEYHIVE_API_KEY", "hh_3"),
    ];
    for first in 0..all.len() {
        let env = Env::from_pairs(all[first..].iter().copied());
        assert_eq!(key_of(&env, LoadOptions::new()).0, all[first].1);
    }
    let env = Env::from_pairs([("HH_API_KEY", "  "), ("HONEYHIVE_API_KEY", "hh_3")]);
    assert_eq!(key_of(&env, LoadOptions::new()).0, "hh_3");
    let blank = LoadOptions::new().with(names::API_KEY, " ");
    assert_eq!(key_of(&env, blank).1, Source::Env);
}

// Feature S47.
#[test]
fn a_key_can_be_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "key", "hh_from_file\r\n");
    let env = Env::from_pairs([("HH_API_KEY_FILE", file.as_str())]);
    assert_eq!(key_of(&env, LoadOptions::new()).0, "hh_from_file");

    let kind = |pairs: &[(&str, &str)]| {
        let env = Env::from_pairs(pairs.iter().copied());
        let error = Settings::load(&env, LoadOptions::new()).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (both, message) = kind(&[("HH_API_KEY", CANARY), ("HH_API_KEY_FILE", &file)]);
    assert_eq!(both, LoadErrorKind::Conflict);
    assert!(!message.contains("canary"), "{message}");
    let empty = write(&dir, "empty", "\n");
    let here = dir.path().display().to_string();
    for path in [empty.as_str(), here.as_str(), "/no/such/file", "/dev/zero"] {
        let (unreadable, message) = kind(&[("HH_API_KEY_FILE", path)]);
        assert_eq!(unreadable, LoadErrorKind::Unreadable, "{path}");
        assert!(message.starts_with("HH_API_KEY_FILE names"), "{message}");
    }
}

#[test]
fn values_that_look_like_numbers_stay_text() {
    for project in ["007", "true", "12.50", "[abc]", "\"quoted\""] {
        let env = Env::from_pairs([("HH_PROJECT", project)]);
        let (settings, _) = Settings::load(&env, LoadOptions::new()).unwrap();
        assert_eq!(settings.project.unwrap().value, project);
    }
}

#[test]
fn wrong_values_name_their_variable_and_what_was_expected() {
    let message = |name: &str, value: &str| {
        let env = Env::from_pairs([(name, value)]);
        let error = Settings::load(&env, LoadOptions::new()).unwrap_err();
        let hint = error.hint().map(|hint| format!(" => {hint}"));
        format!("{error}{}", hint.unwrap_or_default())
    };
    insta::assert_snapshot!(message("HH_TIMEOUT", "0.5"), @"invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds");
    insta::assert_snapshot!(message("HH_TEST_MODE", "maybe"), @"invalid value for test_mode (HH_TEST_MODE): expected true or false");
    insta::assert_snapshot!(message("HH_BATCH_SIZE", "-1"), @"invalid value for batch_size (HH_BATCH_SIZE): expected a whole number from 1 to 1000");
    insta::assert_snapshot!(message("HH_API_URL", "ftp://host"), @"invalid value for base_url (HH_API_URL): expected a URL that begins with http:// or https://");
    insta::assert_snapshot!(message("HH_BASE_URL", "https://user:canary@host"), @"invalid value for base_url (HH_BASE_URL): expected a URL without a user name or password");
    insta::assert_snapshot!(message("HH_OUTPUT_FORMAT", "xml"), @"invalid value for output_format (HH_OUTPUT_FORMAT): expected one of table, json, jsonl, yaml, csv");
    insta::assert_snapshot!(message("HH_ENVIRONMENT", "prod"), @"environment (HH_ENVIRONMENT) requires a configuration file, but none was found => set HH_CONFIG_FILE");
}

#[test]
fn either_debug_switch_turns_debug_on() {
    for (one, other, on) in [
        ("true", "false", true),
        ("false", "true", true),
        ("false", "false", false),
    ] {
        let env = Env::from_pairs([("HH_DEBUG", one), ("HH_DEBUG_MODE", other)]);
        let (settings, _) = Settings::load(&env, LoadOptions::new()).unwrap();
        assert_eq!(settings.debug.value, on, "{one} {other}");
    }
}

#[test]
fn an_overlay_is_laid_over_the_named_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "c.yaml", "project: base\nsource: base\n");
    write(&dir, "c.prod.yaml", "project: prod\n");
    let env = Env::from_pairs([
        ("HH_CONFIG_FILE", file.as_str()),
        ("HH_ENVIRONMENT", "prod"),
    ]);
    let (settings, stack) = Settings::load(&env, LoadOptions::new()).unwrap();
    assert_eq!(settings.project.unwrap().value, "prod");
    assert_eq!(settings.source.value, "base");
    let project = stack.candidates(names::PROJECT);
    assert_eq!(
        project.winner.unwrap().provenance().source(),
        Source::Overlay
    );
    assert_eq!(
        project.shadowed.len(),
        1,
        "the value of the base file is shadowed"
    );
}

#[test]
fn no_debug_output_shows_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "c.toml", &format!("api_key = \"{CANARY}\"\n"));
    let env = Env::from_pairs([("HH_API_KEY", CANARY), ("HH_CONFIG_FILE", &file)]);
    let options = LoadOptions::new().with(names::API_KEY, CANARY);
    let (settings, stack) = Settings::load(&env, options.clone()).unwrap();
    let explained = stack.explain();
    let RedactedValue::Secret(secret) = &explained[0].value else {
        panic!("the key is a secret");
    };
    assert_eq!(revealed(secret), CANARY, "the stack contains the secret");
    let shown = format!("{env:?}{options:?}{settings:?}{stack:?}{explained:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn origins_are_normalized() {
    let origin = |url: &str| Origin::parse(url).unwrap().to_string();
    assert_eq!(
        origin("HTTPS://API.HoneyHive.ai:443/v1/"),
        "https://api.honeyhive.ai"
    );
    assert_eq!(origin("http://127.0.0.1:80"), "http://127.0.0.1");
    assert_eq!(origin("http://[::1]:8642/x"), "http://[::1]:8642");
    assert_ne!(origin("http://host"), origin("https://host"));
    assert_ne!(origin("https://host:444"), origin("https://host"));
    assert_eq!(
        BaseUrl::parse("https://host/base//").unwrap().as_str(),
        "https://host/base"
    );
    for wrong in [
        "",
        "host",
        "localhost:1",
        "https://",
        "https://h?q=1",
        "https://h#f",
        "file:///x",
    ] {
        assert!(BaseUrl::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_of_a_file_is_read_or_refused_without_a_panic(text in "\\PC{0,200}", at in 0_usize..4) {
        let dir = tempfile::tempdir().unwrap();
        let name = ["c.yaml", "c.json", "c.toml", "c.env"][at];
        let file = write(&dir, name, &text);
        let variable = if Path::new(name).extension().unwrap() == "env" { "HH_ENV_FILE" } else { "HH_CONFIG_FILE" };
        let env = Env::from_pairs([(variable, file)]);
        if let Err(error) = Settings::load(&env, LoadOptions::new()) {
            prop_assert!(error.to_string().lines().count() == 1);
        }
    }
}

#[test]
fn every_default_is_a_value_of_its_setting() {
    // A default is validated when it is given as a parameter.
    for declared in hh_config::SETTINGS {
        let Some(default) = declared.default else {
            continue;
        };
        let name = hh_config::SettingName::find(declared.name).unwrap();
        let stack = Stack::load(
            &Env::default(),
            LoadOptions::new().with(name, default.to_owned()),
        );
        assert!(stack.problems().is_empty(), "{name}");
    }
}
