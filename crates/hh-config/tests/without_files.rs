//! Tests loading without the feature `files`: parameters and variables work, and files are rejected.
#![cfg(not(feature = "files"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hh_config::{
    Config, Env, LoadErrorKind, LoadOptions, Problem, RedactedValue, Settings, Source, Stack, names,
};

fn lines(env: &Env) -> Vec<String> {
    let problems = Stack::load(env, LoadOptions::new()).problems();
    let line = |problem: &Problem| {
        let hint = problem.hint().map(|hint| format!(" => {hint}"));
        format!(
            "{:?}: {problem}{}",
            problem.kind(),
            hint.unwrap_or_default()
        )
    };
    problems.iter().map(line).collect()
}

#[test]
fn parameters_override_variables_and_variables_override_defaults() {
    let env = Env::from_pairs([
        ("HH_API_KEY", "hh_canary"),
        ("HH_PROJECT", "docs"),
        ("HH_TIMEOUT", "5"),
        ("HH_NO_PROXY", "[\"a.example\"]"),
    ]);
    let options = LoadOptions::new().with_project("search");
    let (settings, stack) = Settings::load(&env, options).unwrap();
    assert_eq!(settings.project.unwrap().value, "search");
    assert_eq!(settings.timeout.value.as_secs(), 5);
    assert_eq!(settings.max_retries.provenance.source(), Source::Default);
    assert_eq!(
        settings.api_key.unwrap().provenance.label(),
        "env:HH_API_KEY"
    );

    let explained = stack.explain_one(names::PROJECT);
    let shadowed = explained.shadowed[0].provenance.to_string();
    assert_eq!(shadowed, "HH_PROJECT (environment)");
    let key = stack.explain_one(names::API_KEY).value;
    assert!(matches!(key, RedactedValue::Secret(_)));
    let config = Config::of(&stack, |_| "***".to_owned()).unwrap();
    assert_eq!(config.get("api_key"), Some("***"));
    assert_eq!(config.get("project"), Some("search"));
}

#[test]
fn all_invalid_values_are_reported() {
    let env = Env::from_pairs([("HH_TIMEOUT", "soon"), ("HH_BATCH_SIZE", "0")]);
    let error = Settings::load(&env, LoadOptions::new()).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Invalid);
    assert_eq!(error.problems().count(), 2);
}

#[test]
fn unknown_variables_have_a_warning() {
    let env = Env::from_pairs([("HH_PROJCT", "docs")]);
    let warnings = Stack::load(&env, LoadOptions::new()).warnings();
    assert_eq!(
        warnings,
        ["unknown variable HH_PROJCT; did you mean HH_PROJECT?"]
    );
}

#[test]
fn a_variable_that_names_a_file_is_an_error() {
    let files = Env::from_pairs([
        ("HH_CONFIG_FILE", "app.yaml"),
        ("HH_ENV_FILE", "app.env"),
        ("HH_ENVIRONMENT", "prod"),
    ]);
    assert_eq!(
        lines(&files),
        [
            "Unreadable: env_file (HH_ENV_FILE) requires configuration files, which this program does not support => unset HH_ENV_FILE",
            "Unreadable: config_file (HH_CONFIG_FILE) requires configuration files, which this program does not support => unset HH_CONFIG_FILE",
            "Unreadable: environment (HH_ENVIRONMENT) requires configuration files, which this program does not support => unset HH_ENVIRONMENT",
        ]
    );
    let secret = Env::from_pairs([("HH_API_KEY_FILE", "/run/secrets/key")]);
    assert_eq!(
        lines(&secret),
        [
            "Unreadable: HH_API_KEY_FILE names /run/secrets/key, which cannot be read, because this program does not support secret files"
        ]
    );
}
