//! Changes that are refused, and what is said then.

use super::{BEFORE_TOML, JSON, TOML, YAML, assert_change};
use crate::config::KEY;
use crate::support::TestEnv;

/// Runs a change that must be refused, leaving the file as it is; returns what was said.
#[track_caller]
fn refused(file: &str, before: &str, arguments: &[&str]) -> String {
    let env = TestEnv::new();
    env.write(file, before);
    env.set_mode(file, 0o640);
    let done = env.run_with(&["config"], arguments);
    assert_ne!(done.code, 0, "{done:?}");
    assert_eq!(done.stdout, "");
    assert_eq!(env.read(file), before);
    assert_eq!(env.mode(file), 0o640);
    env.seen_of(&done)
}

#[test]
fn values_that_cannot_be_edited_are_refused() {
    let flow = "{project: docs, timeout: 5}\n";
    insta::assert_snapshot!(refused(YAML, flow, &["set", "source", "x"]), @"
    ! error: [home]/.config/honeyhive/config.yaml: source cannot be changed without writing the file anew
    ! | hint: edit it by hand
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, flow, &["unset", "timeout"]), @"
    ! error: [home]/.config/honeyhive/config.yaml:1:17: timeout cannot be changed without writing the file anew
    ! | hint: edit it by hand
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, "project: docs\n...\n", &["set", "source", "x"]), @"
    ! error: [home]/.config/honeyhive/config.yaml: source cannot be changed without writing the file anew
    ! | hint: edit it by hand
    exit 5
    ");
    insta::assert_snapshot!(refused(TOML, BEFORE_TOML, &["unset", "otlp_headers"]), @"
    ! error: [home]/.config/honeyhive/config.toml:10:2: otlp_headers cannot be changed without writing the file anew
    ! | hint: edit it by hand
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, "project: a\nproject: b\n", &["set", "project", "c"]), @"
    ! error: [home]/.config/honeyhive/config.yaml:1:1: project cannot be changed without writing the file anew
    ! | hint: edit it by hand
    exit 5
    ");
    let broken = refused(YAML, "project: [", &["set", "project", "c"]);
    assert!(broken.contains("the file is not valid YAML"), "{broken}");
    insta::assert_snapshot!(refused(JSON, "[]\n", &["set", "project", "c"]), @"
    ! error: [home]/.config/honeyhive/config.json:1:1: the file does not hold a table of settings
    exit 5
    ");
    insta::assert_snapshot!(refused(JSON, "{\"project\": \"a\"", &["unset", "project"]), @"
    ! error: [home]/.config/honeyhive/config.json:1:15: the file is not valid JSON
    exit 5
    ");
}

#[test]
fn values_that_the_setting_does_not_take_are_refused() {
    let set = |name, value| refused(YAML, "project: docs\n", &["set", name, value]);
    insta::assert_snapshot!(set("timeout", "soon"), @"
    ! error: the value for timeout is not a number of seconds from 1 to 300
    exit 5
    ");
    insta::assert_snapshot!(set("timeout", "301"), @"
    ! error: the value for timeout is not a number of seconds from 1 to 300
    exit 5
    ");
    insta::assert_snapshot!(set("max_retries", "2.5"), @"
    ! error: the value for max_retries is not a whole number from 0 to 10
    exit 5
    ");
    insta::assert_snapshot!(set("debug", "maybe"), @"
    ! error: the value for debug is not a boolean (true or false)
    exit 5
    ");
    insta::assert_snapshot!(set("log_level", "loud"), @"
    ! error: the value for log_level is not one of trace, debug, info, warning, warn, error, critical
    exit 5
    ");
    insta::assert_snapshot!(set("base_url", "localhost:8080"), @"
    ! error: the value for base_url must begin with http:// or https://
    exit 5
    ");
    insta::assert_snapshot!(set("base_url", "https://me:canarycanary@host.example"), @"
    ! error: the value for base_url must not hold a user name or password
    exit 5
    ");
    insta::assert_snapshot!(set("project", "a/b"), @r"
    ! error: the value for project is not a project name: 1 to 100 characters, none of / \ ? # &
    exit 5
    ");
    insta::assert_snapshot!(set("otlp_headers", "x=canarycanary"), @r#"
    ! warning: other users of this machine can see otlp_headers on the command line; better give - and the value on standard input
    ! error: the value for otlp_headers is not a table of texts, in JSON such as {"name": "text"}
    exit 5
    "#);
    insta::assert_snapshot!(set("project", " "), @r"
    ! error: the value for project is not a project name: 1 to 100 characters, none of / \ ? # &
    exit 5
    ");
    insta::assert_snapshot!(set("project", "${oops"), @"
    ! error: the value for project has a substitution that is none of ${NAME}, ${NAME:-default} and ${NAME:?message}
    ! | hint: write $${ for a literal ${
    exit 5
    ");
}

/// What would stop every later command is told at once, and the file stays as it is.
#[test]
fn a_secret_variable_in_a_setting_that_is_shown_is_refused() {
    let told = refused(YAML, "timeout: 7\n", &["set", "project", "${HH_API_KEY}"]);
    assert!(told.contains("HH_API_KEY"), "{told}");
}

#[test]
fn a_second_way_to_the_key_is_refused() {
    let before = format!("api_key: {KEY}\n");
    let told = refused(
        YAML,
        &before,
        &["set", "credential_command", "print-the-key"],
    );
    assert!(told.contains("api_key"), "{told}");
}

#[test]
fn settings_that_no_file_may_hold_are_refused() {
    let set = |name, value| refused(YAML, "project: docs\n", &["set", name, value]);
    insta::assert_snapshot!(set("config_file", "a.yaml"), @"
    ! error: config_file works as HH_CONFIG_FILE or as a flag only, not in a file
    exit 5
    ");
    insta::assert_snapshot!(set("env_file", "a.env"), @"
    ! error: env_file works as HH_ENV_FILE or as a flag only, not in a file
    exit 5
    ");
    insta::assert_snapshot!(set("environment", "prod"), @"
    ! error: environment works as HH_ENVIRONMENT or as a flag only, not in a file
    exit 5
    ");
    insta::assert_snapshot!(set("profile", "work"), @"
    ! error: profile works as HH_PROFILE or as a flag only, not in a file
    exit 5
    ");
    insta::assert_snapshot!(set("timout", "5"), @"
    ! error: timout is not a setting
    ! | hint: did you mean timeout?
    exit 2
    ");
    insta::assert_snapshot!(set("flavors", "5"), @"
    ! error: flavors is not a setting
    ! | hint: see `honeyhive config list`
    exit 2
    ");
    let unset = refused(YAML, "profile: docs\n", &["unset", "profile"]);
    insta::assert_snapshot!(unset, @"
    ! error: profile works as HH_PROFILE or as a flag only, not in a file
    exit 5
    ");
}

#[test]
fn a_key_is_not_written_next_to_its_key_file_setting() {
    let before = "api_key_file: /run/secrets/key\n";
    insta::assert_snapshot!(refused(YAML, before, &["set", "api_key", KEY]), @"
    ! warning: other users of this machine can see api_key on the command line; better give - and the value on standard input
    ! error: [home]/.config/honeyhive/config.yaml:1: api_key_file is set in its place
    ! | hint: unset api_key first
    exit 5
    ");
    // It is the setting that is unset, by whichever name.
    assert_change(YAML, before, &["unset", "api_key"], "");
}
