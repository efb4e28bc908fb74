//! Tests settings that an application's own figment merges.

use std::time::Duration;

use figment::Figment;
use figment::providers::Serialized;
use hh_config::{Env, Kind, LoadOptions, SETTINGS, SettingName, Source, Stack, names};
use serde::Deserialize;

use super::{CANARY, Vault, no_env, stack_of, stack_with_all_locations};

fn stack(pairs: &[(&str, &str)]) -> Stack {
    Stack::load(&Env::from_pairs(pairs.iter().copied()), LoadOptions::new())
}

fn timeout(figment: &Figment) -> Duration {
    Duration::from_secs_f64(figment.extract_inner("timeout").unwrap())
}

#[derive(Debug, Deserialize, PartialEq)]
struct App {
    project: String,
    timeout: f64,
    max_retries: u32,
    debug: bool,
    no_proxy: Vec<String>,
    log_level: String,
}

#[test]
fn values_have_the_types_of_their_settings() {
    let stack = stack(&[
        ("HH_PROJECT", "007"),
        ("HH_TIMEOUT", "2"),
        ("HH_MAX_RETRIES", "1"),
        ("HH_DEBUG", "on"),
        ("HH_NO_PROXY", "a.example, b.example"),
        ("HH_LOG_LEVEL", "ERROR"),
    ]);
    let expected = App {
        project: "007".to_owned(),
        timeout: 2.0,
        max_retries: 1,
        debug: true,
        no_proxy: vec!["a.example".to_owned(), "b.example".to_owned()],
        log_level: "error".to_owned(),
    };
    assert_eq!(Figment::from(&stack).extract::<App>().unwrap(), expected);
    assert_eq!(stack.figment().extract::<App>().unwrap(), expected);
}

#[test]
fn merging_settings_replaces_only_values_that_a_source_sets() {
    let stack = stack(&[("HH_TIMEOUT", "5")]);
    let app = || {
        Figment::new()
            .merge(Serialized::default("timeout", 10))
            .merge(Serialized::default("max_retries", 9))
            .merge(Serialized::default("workers", 4))
    };
    for over in [app().merge(&stack), app().merge(stack.figment())] {
        assert_eq!(timeout(&over), Duration::from_secs(5));
        assert_eq!(over.extract_inner::<u64>("max_retries").unwrap(), 9);
        assert_eq!(over.extract_inner::<u64>("workers").unwrap(), 4);
        assert!(!over.contains("batch_size"), "a default is not merged");
    }
    for under in [
        Figment::from(&stack).merge(app()),
        stack.figment().merge(app()),
        app().join(&stack),
    ] {
        assert_eq!(timeout(&under), Duration::from_secs(10));
        assert_eq!(under.extract_inner::<u64>("max_retries").unwrap(), 9);
    }
}

#[test]
fn defaults_can_be_merged_below_the_application() {
    let stack = stack(&[("HH_TIMEOUT", "5")]);
    let app = Serialized::default("max_retries", 9);
    let figment = stack.figment_defaults().merge(app).merge(stack.figment());
    assert_eq!(timeout(&figment), Duration::from_secs(5));
    assert_eq!(figment.extract_inner::<u64>("max_retries").unwrap(), 9);
    assert_eq!(figment.extract_inner::<u64>("batch_size").unwrap(), 100);
    assert!(
        !stack.figment_defaults().contains("timeout"),
        "a value that a source sets is not a default"
    );
    let metadata = figment.find_metadata("batch_size").unwrap();
    assert_eq!(metadata.name, "default");
}

#[test]
fn defaults_of_the_application_contain_no_secret() {
    let app = Serialized::default("api_key", CANARY);
    let exposed: String = Figment::from(&app).extract_inner("api_key").unwrap();
    assert_eq!(exposed, CANARY);
    let stack = stack_of(Source::Default, app);
    let secret = stack.secret(SettingName::find("api_key").unwrap());
    assert!(secret.is_ok_and(|found| found.is_some()));
    for figment in [stack.figment_defaults(), stack.figment()] {
        assert!(!figment.contains("api_key"));
        assert!(!format!("{figment:?}").contains(CANARY));
    }
}

#[test]
fn a_default_of_the_application_counts_as_a_default() {
    let stack = stack_of(Source::Default, Serialized::default("timeout", 10));
    assert!(!stack.figment().contains("timeout"));
    let defaults = stack.figment_defaults();
    assert_eq!(timeout(&defaults), Duration::from_secs(10));
}

#[test]
fn the_metadata_of_a_value_names_its_location() {
    let dir = tempfile::tempdir().unwrap();
    let stack = stack_with_all_locations(&dir);
    let figment = Figment::new()
        .merge(Serialized::default("workers", 4))
        .merge(stack.figment());
    let places = [
        "timeout",
        "batch_size",
        "max_retries",
        "source",
        "project",
        "session_name",
        "base_url",
    ]
    .map(|key| {
        let found = figment.find_metadata(key).unwrap();
        let source = found.source.as_ref();
        let source = source.map(|source| {
            source
                .to_string()
                .replace(&dir.path().display().to_string(), "[dir]")
        });
        format!("{key}: {} | {}", found.name, source.unwrap_or_default())
    });
    insta::assert_snapshot!(places.join("\n"), @r#"
    timeout: environment variable | HH_TIMEOUT
    batch_size: env file, line 1, column 15 | [dir]/app.env
    max_retries: named file, line 2, column 14 | [dir]/app.yaml
    source: named file, line 3, column 9 with ${HH_STAGE} | [dir]/app.yaml
    project: parameter project | 
    session_name: vault prod/app | 
    base_url: profile "work" (stored) |
    "#);
    let file = figment.find_metadata("max_retries").unwrap();
    assert_eq!(
        file.source.as_ref().unwrap().file_path(),
        Some(dir.path().join("app.yaml").as_path())
    );
    let own = figment.find_metadata("workers").unwrap();
    assert!(own.source.as_ref().unwrap().code_location().is_some());
}

#[test]
fn errors_of_figment_name_the_location_of_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let stack = stack_with_all_locations(&dir);
    let error = |figment: &Figment, key: &str| {
        let error = figment.extract_inner::<Vec<bool>>(key).unwrap_err();
        error
            .to_string()
            .replace(&dir.path().display().to_string(), "[dir]")
    };
    let figment = stack.figment();
    insta::assert_snapshot!(error(&figment, "timeout"), @r#"invalid type: found float `5`, expected a sequence for key "timeout" in HH_TIMEOUT environment variable"#);
    insta::assert_snapshot!(error(&figment, "max_retries"), @r#"invalid type: found unsigned int `7`, expected a sequence for key "max_retries" in [dir]/app.yaml named file, line 2, column 14"#);
    insta::assert_snapshot!(error(&figment, "session_name"), @r#"invalid type: found string "nightly", expected a sequence for key "session_name" in vault prod/app"#);
    let figment = Figment::from(&stack);
    insta::assert_snapshot!(error(&figment, "timeout"), @r#"invalid type: found float `5`, expected a sequence for key "timeout from HH_TIMEOUT (environment)" in HoneyHive settings"#);
    insta::assert_snapshot!(error(&figment, "max_retries"), @r#"invalid type: found unsigned int `7`, expected a sequence for key "max_retries from [dir]/app.yaml:2:14 (named file)" in HoneyHive settings"#);
    insta::assert_snapshot!(error(&figment, "session_name"), @r#"invalid type: found string "nightly", expected a sequence for key "session_name from session_name in vault prod/app (user file)" in HoneyHive settings"#);
    let metadata = figment.find_metadata("timeout").unwrap();
    let key = metadata.interpolate(figment.profile(), &["timeout"]);
    assert_eq!(key, "timeout from HH_TIMEOUT (environment)");
}

#[test]
fn secrets_are_left_out_unless_they_are_exposed() {
    for (name, declared) in SettingName::all().zip(SETTINGS) {
        // A value that is valid for each kind of secret setting, and for settings that can contain a secret by mistake.
        let value = if declared.kind == Kind::Map {
            format!("{{\"x\": \"{CANARY}\"}}")
        } else if declared.kind == Kind::Proxy {
            format!("http://user:{CANARY}@proxy.example")
        } else {
            CANARY.to_owned()
        };
        let stack = Stack::load(&no_env(), LoadOptions::new().with(name, value));
        if !stack.problems().is_empty() {
            assert!(!declared.secret, "{name} was tested");
            continue;
        }
        let exposed = stack.figment_with_exposed_secrets();
        assert!(exposed.contains(name.as_str()), "{name}");
        assert!(
            format!("{exposed:?}").contains("canary"),
            "{name} is exposed"
        );

        for figment in [
            stack.figment(),
            stack.figment_defaults(),
            Figment::from(&stack),
        ] {
            assert!(!figment.contains(name.as_str()), "{name}");
            assert!(!format!("{figment:?}").contains("canary"), "{name}");
            let error = figment
                .extract_inner::<Vec<bool>>(name.as_str())
                .unwrap_err();
            assert!(!format!("{error:?} {error}").contains("canary"), "{name}");
        }
    }
}

#[test]
fn exposed_secrets_have_their_provenance() {
    let stack = stack(&[("HH_API_KEY", CANARY), ("HH_TIMEOUT", "5")]);
    let figment = stack.figment_with_exposed_secrets();
    assert_eq!(figment.extract_inner::<String>("api_key").unwrap(), CANARY);
    assert_eq!(timeout(&figment), Duration::from_secs(5));
    let source = figment.find_metadata("api_key").unwrap().source.clone();
    assert_eq!(source.unwrap().custom(), Some("HH_API_KEY"));
    assert!(
        !figment.contains("max_retries"),
        "defaults are not included"
    );
}

#[test]
fn problems_of_the_settings_are_errors_of_figment() {
    let stack = stack(&[
        ("HH_TIMEOUT", "canary"),
        ("HH_BATCH_SIZE", "0"),
        ("HH_PROXY_URL", "http://user:canary@"),
    ]);
    let app = || Figment::from(Serialized::default("workers", 4));
    for figment in [app().merge(&stack), app().merge(stack.figment())] {
        let error = figment.extract_inner::<u64>("workers").unwrap_err();
        let text = error.to_string();
        for part in [
            "HH_TIMEOUT",
            "expected 1 to 300 seconds",
            "HH_BATCH_SIZE",
            "HH_PROXY_URL",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !format!("{figment:?} {error:?} {text}").contains("canary"),
            "{text}"
        );
    }
    assert!(
        stack
            .figment_with_exposed_secrets()
            .extract::<App>()
            .is_err()
    );
}

#[test]
fn only_the_value_in_effect_is_merged() {
    let env = Env::from_pairs([("HH_PROJECT", "env")]);
    let options = LoadOptions::new()
        .with_project("direct")
        .with_provider(Source::Named, Vault::new([("project", "vault")]));
    let figment = Stack::load(&env, options).figment();
    assert_eq!(
        figment.extract_inner::<String>("project").unwrap(),
        "direct"
    );
    assert!(!format!("{figment:?}").contains("vault"));
    let stack = Stack::load(&env, LoadOptions::new().with(names::TIMEOUT, "5"));
    assert_eq!(stack.figment().metadata().count(), 2);
}
