//! The errors of these commands for unusable names, values, files and stores.

use crate::config::KEY;
use crate::support::{STORE, TestEnv};

#[test]
fn explain_and_get_fail_with_a_value_that_cannot_be_used() {
    let mut env = TestEnv::new();
    env.write("a.yaml", "timeout: 7\n");
    env.set("HH_TIMEOUT", "soon");
    env.set("HH_DEBUG", "maybe");
    let file = ["--config-file", "a.yaml"];
    let explain = ["config", "explain", "timeout"];
    insta::assert_snapshot!(env.seen(&[&explain[..], &file].concat()), @"
    timeout: time limit of one call in seconds, including retries
      value | soon
      from | HH_TIMEOUT (environment)
      shadows | 7 from a.yaml:1:10 (named file)
      type | seconds, 1 to 300
      default | 30
      variables | HH_TIMEOUT, HH_API_TIMEOUT
      in files | timeout
    ! error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["config", "get", "timeout", "--config-file", "a.yaml"]), @"
    ! error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    exit 5
    ");
    // Mistakes in other settings do not affect these commands.
    assert_eq!(env.run(&["config", "get", "source"]).code, 0);
    assert_eq!(env.run(&["config", "explain", "source"]).code, 0);
    env.unset("HH_TIMEOUT");
    env.write("a.yaml", "timeout: ${HH_NO_SUCH_VARIABLE}\n");
    insta::assert_snapshot!(env.seen(&[&explain[..], &file].concat()), @"
    timeout: time limit of one call in seconds, including retries
      value | invalid, see below
      from | a.yaml:1:10 with ${HH_NO_SUCH_VARIABLE} (named file)
      type | seconds, 1 to 300
      default | 30
      variables | HH_TIMEOUT, HH_API_TIMEOUT
      in files | timeout
    ! error: a.yaml:1:10: invalid value for timeout: variable HH_NO_SUCH_VARIABLE is not set
    ! | hint: set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["config", "get", "timeout", "--config-file", "a.yaml", "--output", "json"]), @r#"
    {
      "name": "timeout",
      "value": null,
      "source": "file:a.yaml:1:10",
      "layer": "named file",
      "file": "a.yaml",
      "line": 1,
      "column": 10,
      "used_variables": [
        "HH_NO_SUCH_VARIABLE"
      ],
      "problem": "a.yaml:1:10: invalid value for timeout: variable HH_NO_SUCH_VARIABLE is not set; set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}",
      "shadowed": []
    }
    ! {"error":{"kind":"config","exit_code":5,"message":"a.yaml:1:10: invalid value for timeout: variable HH_NO_SUCH_VARIABLE is not set","hint":"set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}"}}
    exit 5
    "#);
}

/// Checks that an unusable file is an error, because without it the printed value would be wrong.
fn assert_files_are_reported(command: &str) {
    let mut env = TestEnv::new();
    env.write("honeyhive.yaml", "timeout: 7\n");
    env.write("bad.yaml", "timeout: 7\n  oops: [");
    for (flag, value) in [
        ("--config-file", "missing.yaml"),
        ("--config-file", "bad.yaml"),
        ("--env-file", "missing.env"),
        ("--environment", "staging"),
    ] {
        let done = env.run(&["config", command, "timeout", flag, value]);
        assert_eq!(done.code, 5, "{flag} {value}: {done:?}");
        assert!(done.stderr.contains(value), "{flag} {value}: {done:?}");
    }
    env.set("HH_CONFIG_FILE", "missing.yaml");
    let done = env.run(&["config", command, "timeout"]);
    assert_eq!(done.code, 5, "{done:?}");
}

#[test]
fn get_reports_a_file_that_is_not_read() {
    assert_files_are_reported("get");
}

#[test]
fn explain_reports_a_file_that_is_not_read() {
    assert_files_are_reported("explain");
}

#[test]
fn get_and_explain_report_an_unusable_store() {
    let env = TestEnv::new();
    env.store_key("work", "http://127.0.0.1:9", KEY);
    assert_eq!(env.setting("api_key", &[]).1, "stored");
    env.set_mode(STORE, 0o644);
    for command in ["get", "explain"] {
        let done = env.run(&["config", command, "api_key"]);
        assert_eq!(done.code, 5, "{command}: {done:?}");
        assert!(done.stderr.contains("chmod 600"), "{command}: {done:?}");
    }
    let done = env.run(&["config", "list"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(done.stderr.contains("chmod 600"), "{done:?}");
}

#[test]
fn an_unknown_setting_is_answered_with_the_nearest() {
    let env = TestEnv::new();
    for command in ["get", "explain", "unset"] {
        let done = env.run(&["config", command, "timout"]);
        assert_eq!(done.code, 2, "{done:?}");
        assert_eq!(
            done.stderr,
            "error: unknown setting timout\n  hint: did you mean timeout?\n"
        );
    }
    insta::assert_snapshot!(env.seen(&["config", "get", "apikey"]), @"
    ! error: unknown setting apikey
    ! | hint: did you mean api_key?
    exit 2
    ");
    insta::assert_snapshot!(env.seen(&["config", "get", "Max-Retries"]), @"
    ! error: unknown setting Max-Retries
    ! | hint: did you mean max_retries?
    exit 2
    ");
    insta::assert_snapshot!(env.seen(&["config", "get", "flavors"]), @"
    ! error: unknown setting flavors
    ! | hint: run `honeyhive config list --all` to list all settings
    exit 2
    ");
}

#[test]
fn a_setting_name_is_not_suggested_for_itself() {
    let env = TestEnv::new();
    for name in ["api_key_file", "environments"] {
        let done = env.run(&["config", "get", name]);
        assert_eq!(done.code, 2, "{done:?}");
        let itself = format!("did you mean {name}?");
        assert!(!done.stderr.contains(&itself), "{done:?}");
    }
}

#[test]
fn every_variable_that_explain_names_is_one_that_it_explains() {
    let env = TestEnv::new();
    for setting in ["api_key", "base_url", "otlp_headers"] {
        let shown = env.run(&["config", "explain", setting]).stdout;
        let line = shown
            .lines()
            .find_map(|line| line.trim().strip_prefix("variables"));
        let variables: Vec<_> = line.unwrap().split(',').map(str::trim).collect();
        assert!(variables.len() > 1, "{shown}");
        for variable in variables {
            let done = env.run(&["config", "explain", variable]);
            assert_eq!(
                (done.code, done.stdout.as_str()),
                (0, shown.as_str()),
                "{variable}: {done:?}"
            );
        }
    }
}
