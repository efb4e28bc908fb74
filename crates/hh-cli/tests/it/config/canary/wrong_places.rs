//! Keys in places that are printed: other settings, and names of files, environments and profiles.

use super::{Case, KEY, MARK, MASKED};
use crate::support::TestEnv;

#[test]
fn settings_that_are_shown() {
    let url = format!("https://host.example/{KEY}/v1");
    let list = format!("[\"a\",\"{KEY}\"]");
    for (setting, variable, value, shown) in [
        ("project", "HH_PROJECT", KEY, MASKED.to_owned()),
        ("source", "HH_SOURCE", KEY, MASKED.to_owned()),
        (
            "session_name",
            "HH_SESSION_NAME",
            &format!("key={KEY}!"),
            format!("key={MASKED}!"),
        ),
        (
            "base_url",
            "HH_BASE_URL",
            &url,
            format!("https://host.example/{MASKED}/v1"),
        ),
        (
            "otlp_endpoint",
            "HH_OTLP_ENDPOINT",
            &url,
            format!("https://host.example/{MASKED}/v1"),
        ),
        (
            "resource_attributes",
            "OTEL_RESOURCE_ATTRIBUTES",
            &format!("api.key={KEY}"),
            format!("api.key={MASKED}"),
        ),
        (
            "default_evaluators",
            "HH_DEFAULT_EVALUATORS",
            &list,
            format!("[\"a\",\"{MASKED}\"]"),
        ),
        ("ca_bundle", "HH_CA_BUNDLE", KEY, MASKED.to_owned()),
        // An error about the type does not contain the value.
        ("timeout", "HH_TIMEOUT", KEY, MASKED.to_owned()),
        ("debug", "HH_DEBUG_MODE", KEY, MASKED.to_owned()),
        ("log_format", "HH_LOG_FORMAT", KEY, MASKED.to_owned()),
        ("telemetry", "HONEYHIVE_TELEMETRY", KEY, MASKED.to_owned()),
        ("profile", "HH_PROFILE", KEY, MASKED.to_owned()),
        ("environment", "HH_ENVIRONMENT", KEY, MASKED.to_owned()),
        ("config_file", "HH_CONFIG_FILE", KEY, MASKED.to_owned()),
        ("env_file", "HH_ENV_FILE", KEY, MASKED.to_owned()),
    ] {
        Case::variable(setting, variable, value).assert_shown(&shown, &format!("env:{variable}"));
    }
}

#[test]
fn settings_of_files_that_are_shown() {
    for (setting, text, shown, place) in [
        (
            "project",
            format!("project: {KEY}\n"),
            MASKED.to_owned(),
            "1:10",
        ),
        (
            "base_url",
            format!("base_url: https://host.example/{KEY}\n"),
            format!("https://host.example/{MASKED}"),
            "1:11",
        ),
        (
            "timeout",
            format!("timeout: {KEY}\n"),
            MASKED.to_owned(),
            "1:10",
        ),
        (
            "allowed_ips",
            format!("allowed_ips: [{KEY}, 192.0.2.1]\n"),
            format!("[\"{MASKED}\",\"192.0.2.1\"]"),
            "1:14",
        ),
        (
            "credential_command",
            format!("credential_command:\n  - echo\n  - {KEY}\n"),
            format!("[\"echo\",\"{MASKED}\"]"),
            "2:3",
        ),
    ] {
        let case = Case::named(setting, "a.yaml", text);
        case.assert_shown(&shown, &format!("file:a.yaml:{place}"));
    }
}

#[test]
fn flags_of_other_things() {
    let url = format!("https://host.example/{KEY}");
    for (flag, setting, value, shown) in [
        (
            "--base-url",
            "base_url",
            url.as_str(),
            format!("https://host.example/{MASKED}"),
        ),
        ("--config-file", "config_file", KEY, MASKED.to_owned()),
        ("--env-file", "env_file", KEY, MASKED.to_owned()),
        ("--environment", "environment", KEY, MASKED.to_owned()),
        ("--profile", "profile", KEY, MASKED.to_owned()),
    ] {
        Case::new(setting, value)
            .flags(&[flag, value])
            .assert_shown(&shown, "param");
    }
    let env = TestEnv::new();
    for arguments in [
        &["config", "list", "--output", KEY][..],
        &["config", "list", KEY],
        &["config", KEY],
        &["config", "get", KEY],
        &["config", "explain", KEY],
        &["config", "set", KEY, "x"],
        &["config", "set", "timeout", KEY],
        &["config", "set", "log_level", KEY],
        &["config", "unset", KEY],
        &["config", "validate", KEY],
        &["config", "trust", KEY],
    ] {
        for form in ["table", "json"] {
            let done = env.run_with(arguments, &["--format", form]);
            assert_ne!(done.code, 0, "{done:?}");
            assert!(!format!("{done:?}").contains(MARK), "{done:?}");
        }
    }
}

#[test]
fn a_key_glued_to_its_flag() {
    let env = TestEnv::new();
    let glued = format!("--api-key{KEY}");
    let done = env.run(&["config", "list", &glued]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("--api-key"), "{done:?}");
    assert!(!format!("{done:?}").contains(MARK), "{done:?}");
}

#[test]
fn names_of_files_that_are_read() {
    let name = format!("{KEY}.yaml");
    let mut case = Case::named("project", &name, "project: docs\n");
    case.input.clone_from(&name);
    case.assert_shown("docs", "file:hh_***.yaml:1:10");
    let name = format!("{KEY}.env");
    let mut case = Case::file("project", &name, "HH_PROJECT=docs\n").flags(&["--env-file", &name]);
    case.input = name;
    case.assert_shown("docs", "file:hh_***.env:1:12");
    let mut case = Case::file("api_key", KEY, "hh_1234567890abcdef1234567890abcdef");
    case.env.set("HH_API_KEY_FILE", KEY);
    case.input = KEY.to_owned();
    case.assert_shown("hh_12345***", "env:HH_API_KEY_FILE");
    let mut case = Case::variable("api_key", "HH_API_KEY_FILE", KEY);
    case.commands
        .push(vec!["project".to_owned(), "list".to_owned()]);
    case.assert_reported("HH_API_KEY_FILE contains an API key instead of the path of a file");
    let text = format!("project: docs\nenvironments:\n  {KEY}:\n    project: search\n");
    let case = Case::named("project", "a.yaml", text).flags(&["--environment", KEY]);
    case.assert_reported(
        "invalid value for environment (--environment): expected a name, but found an API key",
    );
    let case = Case::new("api_key", KEY);
    case.env.store_key(
        KEY,
        "http://127.0.0.1:9",
        "hh_1234567890abcdef1234567890abcdef",
    );
    case.assert_shown("hh_12345***", "stored");
}

#[test]
fn the_name_of_a_file_that_is_trusted() {
    let name = format!("honeyhive.{KEY}.yaml");
    let mut case =
        Case::file("project", &name, "project: docs\n").command(&["config", "trust", &name]);
    case.input.clone_from(&name);
    let done = case.run(&["config", "trust", &name]);
    assert!(done.stderr.starts_with("Trusted honeyhive.hh_"), "{done:?}");
    case.assert_hidden();
}

#[test]
fn the_name_of_the_directory_of_the_users_files() {
    let mut case = Case::new("timeout", KEY);
    let dir = case.env.at(KEY);
    case.env.set("XDG_CONFIG_HOME", &dir);
    case.env
        .write(&format!("{KEY}/honeyhive/config.yaml"), "timeout: 7\n");
    case.assert_shown("7", "file:[home]/hh_***/honeyhive/config.yaml:1:10");
}
