//! Rejected changes and their errors.

use super::{BEFORE_TOML, JSON, TOML, YAML, assert_change};
use crate::config::KEY;
use crate::support::TestEnv;

/// Runs a change that must fail and leave the file unchanged; returns the output.
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
    ! error: [home]/.config/honeyhive/config.yaml: cannot change source without reformatting the file
    ! | hint: edit the file manually
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, flow, &["unset", "timeout"]), @"
    ! error: [home]/.config/honeyhive/config.yaml:1:17: cannot change timeout without reformatting the file
    ! | hint: edit the file manually
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, "project: docs\n...\n", &["set", "source", "x"]), @"
    ! error: [home]/.config/honeyhive/config.yaml: cannot change source without reformatting the file
    ! | hint: edit the file manually
    exit 5
    ");
    insta::assert_snapshot!(refused(TOML, BEFORE_TOML, &["unset", "otlp_headers"]), @"
    ! error: [home]/.config/honeyhive/config.toml:10:2: cannot change otlp_headers without reformatting the file
    ! | hint: edit the file manually
    exit 5
    ");
    insta::assert_snapshot!(refused(YAML, "project: a\nproject: b\n", &["set", "project", "c"]), @"
    ! error: [home]/.config/honeyhive/config.yaml:1:1: cannot change project without reformatting the file
    ! | hint: edit the file manually
    exit 5
    ");
    let broken = refused(YAML, "project: [", &["set", "project", "c"]);
    assert!(broken.contains("invalid YAML"), "{broken}");
    insta::assert_snapshot!(refused(JSON, "[]\n", &["set", "project", "c"]), @"
    ! error: [home]/.config/honeyhive/config.json:1:1: expected a table of settings
    exit 5
    ");
    insta::assert_snapshot!(refused(JSON, "{\"project\": \"a\"", &["unset", "project"]), @"
    ! error: [home]/.config/honeyhive/config.json:1:15: invalid JSON: a brace is not closed
    exit 5
    ");
}

#[test]
fn values_that_the_setting_does_not_take_are_refused() {
    let set = |name, value| refused(YAML, "project: docs\n", &["set", name, value]);
    insta::assert_snapshot!(set("timeout", "soon"), @"
    ! error: invalid value for timeout: expected 1 to 300 seconds
    exit 5
    ");
    insta::assert_snapshot!(set("timeout", "301"), @"
    ! error: invalid value for timeout: expected 1 to 300 seconds
    exit 5
    ");
    insta::assert_snapshot!(set("max_retries", "2.5"), @"
    ! error: invalid value for max_retries: expected a whole number from 0 to 10
    exit 5
    ");
    insta::assert_snapshot!(set("debug", "maybe"), @"
    ! error: invalid value for debug: expected true or false
    exit 5
    ");
    insta::assert_snapshot!(set("log_level", "loud"), @"
    ! error: invalid value for log_level: expected one of trace, debug, info, warning, warn, error, critical
    exit 5
    ");
    insta::assert_snapshot!(set("base_url", "localhost:8080"), @"
    ! error: invalid value for base_url: expected a URL that begins with http:// or https://
    exit 5
    ");
    insta::assert_snapshot!(set("base_url", "https://me:canarycanary@host.example"), @"
    ! error: invalid value for base_url: expected a URL without a user name or password
    exit 5
    ");
    insta::assert_snapshot!(set("project", "a/b"), @r"
    ! error: invalid value for project: expected 1 to 100 characters, without / \ ? # & or control characters
    exit 5
    ");
    insta::assert_snapshot!(set("otlp_headers", "x=canarycanary"), @r#"
    ! warning: the value of otlp_headers on the command line is visible to other users of this machine; use - and pass the value on standard input instead
    ! error: invalid value for otlp_headers: expected a JSON object of strings, such as {"name": "text"}
    exit 5
    "#);
    insta::assert_snapshot!(set("project", " "), @r"
    ! error: invalid value for project: expected 1 to 100 characters, without / \ ? # & or control characters
    exit 5
    ");
    insta::assert_snapshot!(set("project", "${oops"), @"
    ! error: invalid value for project: malformed substitution (expected ${NAME}, ${NAME:-default} or ${NAME:?message})
    ! | hint: write $${ for a literal ${
    exit 5
    ");
}

/// A value that would make every later command fail is rejected immediately, and the file stays unchanged.
#[test]
fn a_secret_variable_in_a_setting_that_is_shown_is_refused() {
    let printed = refused(YAML, "timeout: 7\n", &["set", "project", "${HH_API_KEY}"]);
    assert!(printed.contains("HH_API_KEY"), "{printed}");
}

#[test]
fn a_second_way_to_the_key_is_refused() {
    let before = format!("api_key: {KEY}\n");
    let printed = refused(
        YAML,
        &before,
        &["set", "credential_command", "print-the-key"],
    );
    assert!(printed.contains("api_key"), "{printed}");
}

#[test]
fn settings_that_no_file_may_hold_are_refused() {
    let set = |name, value| refused(YAML, "project: docs\n", &["set", name, value]);
    insta::assert_snapshot!(set("config_file", "a.yaml"), @"
    ! error: config_file cannot be set in a configuration file
    ! | hint: set HH_CONFIG_FILE instead
    exit 5
    ");
    insta::assert_snapshot!(set("env_file", "a.env"), @"
    ! error: env_file cannot be set in a configuration file
    ! | hint: set HH_ENV_FILE instead
    exit 5
    ");
    insta::assert_snapshot!(set("environment", "prod"), @"
    ! error: environment cannot be set in a configuration file
    ! | hint: set HH_ENVIRONMENT instead
    exit 5
    ");
    insta::assert_snapshot!(set("profile", "work"), @"
    ! error: profile cannot be set in a configuration file
    ! | hint: set HH_PROFILE instead
    exit 5
    ");
    insta::assert_snapshot!(set("timout", "5"), @"
    ! error: unknown setting timout
    ! | hint: did you mean timeout?
    exit 2
    ");
    insta::assert_snapshot!(set("flavors", "5"), @"
    ! error: unknown setting flavors
    ! | hint: run `honeyhive config list --all` to list all settings
    exit 2
    ");
    let unset = refused(YAML, "profile: docs\n", &["unset", "profile"]);
    insta::assert_snapshot!(unset, @"
    ! error: profile cannot be set in a configuration file
    ! | hint: set HH_PROFILE instead
    exit 5
    ");
}

#[test]
fn a_key_is_not_written_next_to_its_key_file_setting() {
    let before = "api_key_file: /run/secrets/key\n";
    insta::assert_snapshot!(refused(YAML, before, &["set", "api_key", KEY]), @"
    ! warning: the value of api_key on the command line is visible to other users of this machine; use - and pass the value on standard input instead
    ! error: [home]/.config/honeyhive/config.yaml:1: cannot set api_key because api_key_file is set
    ! | hint: run `honeyhive config unset api_key` first
    exit 5
    ");
    // `unset` accepts any name of the setting.
    assert_change(YAML, before, &["unset", "api_key"], "");
}
