//! Tests of `config validate` and `config schema`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::KEY;
use crate::support::TestEnv;

#[test]
fn what_is_in_effect_is_checked() {
    let mut env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "validate"]), @"
    ! No problems found in the settings in effect
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "validate", "-q"]), @"exit 0");
    insta::assert_snapshot!(env.seen(&["config", "validate", "--output", "json", "-q"]), @r#"
    {
      "valid": true,
      "problems": [],
      "warnings": []
    }
    exit 0
    "#);
    env.set("HH_TIMEOUT", "0");
    env.set("HH_POOL_TIMEOUT", "2");
    env.write("honeyhive.yaml", "projekt: docs\ndebug: maybe\n");
    env.write(".honeyhive/config.json", "{\"batch_size\": 1001}");
    insta::assert_snapshot!(env.seen(&["config", "validate"]), @"
    ! warning: pool_timeout from HH_POOL_TIMEOUT (environment) has no effect: not implemented yet
    ! error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    ! error: [home]/.honeyhive/config.json:1:16: invalid value for batch_size: expected a whole number from 1 to 1000
    ! error: [home]/honeyhive.yaml:1:1: unknown setting projekt
    ! | hint: did you mean project?
    ! error: [home]/honeyhive.yaml:2:8: invalid value for debug: expected true or false
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["config", "validate", "-q", "--output", "json"]), @r#"
    {
      "valid": false,
      "problems": [
        "invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds",
        "[home]/.honeyhive/config.json:1:16: invalid value for batch_size: expected a whole number from 1 to 1000",
        "[home]/honeyhive.yaml:1:1: unknown setting projekt; did you mean project?",
        "[home]/honeyhive.yaml:2:8: invalid value for debug: expected true or false"
      ],
      "warnings": [
        "pool_timeout from HH_POOL_TIMEOUT (environment) has no effect: not implemented yet"
      ]
    }
    ! {"error":{"kind":"config","exit_code":5,"message":"invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds","hint":null,"problems":[{"message":"invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds","hint":null},{"message":"[home]/.honeyhive/config.json:1:16: invalid value for batch_size: expected a whole number from 1 to 1000","hint":null},{"message":"[home]/honeyhive.yaml:1:1: unknown setting projekt","hint":"did you mean project?"},{"message":"[home]/honeyhive.yaml:2:8: invalid value for debug: expected true or false","hint":null}]}}
    exit 5
    "#);
    env.store_key("work", "http://127.0.0.1:9", KEY);
    env.set_mode(crate::support::STORE, 0o644);
    let done = env.run(&["config", "validate"]);
    assert!(done.stderr.contains("chmod 600"), "{done:?}");
}

#[test]
fn one_file_is_validated_alone() {
    let mut env = TestEnv::new();
    env.write("ok.yaml", "project: docs\nbase_url: http://127.0.0.1:9\n");
    insta::assert_snapshot!(env.seen(&["config", "validate", "ok.yaml"]), @"
    ! No problems found in ok.yaml
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "validate", "--output", "json", "ok.yaml", "-q"]), @r#"
    {
      "valid": true,
      "problems": [],
      "warnings": []
    }
    exit 0
    "#);
    env.write(
        "broken.toml",
        "timeout = \"soon\"\nprojekt = \"docs\"\n\n[environments.prod]\ndebug = 7\nretries = 3\n\n[environments.dev]\nmax_retries = 11\n",
    );
    insta::assert_snapshot!(env.seen(&["config", "validate", "broken.toml"]), @"
    ! error: broken.toml:1:11: invalid value for timeout: expected 1 to 300 seconds
    ! error: broken.toml:2:1: unknown setting projekt
    ! | hint: did you mean project?
    ! error: broken.toml:5:9: invalid value for debug: expected true or false
    ! error: broken.toml:6:1: unknown setting retries
    ! error: broken.toml:9:15: invalid value for max_retries: expected a whole number from 0 to 10
    exit 5
    ");
    let report = env.json(&["config", "validate", "broken.toml"]);
    assert_eq!(report["valid"], false);
    assert_eq!(report["problems"].as_array().unwrap().len(), 5);
    // The result does not depend on mistakes outside of the file.
    env.set("HH_TIMEOUT", "soon");
    env.write("honeyhive.yaml", "projekt: docs\n");
    let done = env.run(&["config", "validate", "ok.yaml"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(env.seen(&["config", "validate", "missing.yaml"]), @"
    ! error: the configuration file missing.yaml does not exist
    exit 5
    ");
}

#[test]
fn warnings_of_one_file_are_its_own() {
    let mut env = TestEnv::new();
    env.set("HH_LOG_FILE", "ca.pem");
    env.write("a.yaml", "pool_timeout: 2\n");
    let done = env.run(&["config", "validate", "a.yaml"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.stderr
            .contains("warning: pool_timeout from a.yaml:1:15"),
        "{done:?}"
    );
    assert!(!done.stderr.contains("log_file"), "{done:?}");
}

#[test]
fn the_number_of_reported_mistakes_is_limited() {
    let env = TestEnv::new();
    let lines = (0..26).map(|at| format!("x{}: 1\n", char::from(b'a' + at)));
    env.write("a.yaml", lines.collect::<String>());
    let done = env.run(&["config", "validate", "a.yaml"]);
    assert_eq!(
        (done.code, done.stderr.lines().count()),
        (5, 21),
        "{done:?}"
    );
    assert_eq!(
        done.stderr.lines().last(),
        Some("error: a.yaml: further problems (not listed): 6")
    );
}

#[test]
fn an_alias_and_its_setting_are_one() {
    let env = TestEnv::new();
    env.write(
        "a.yaml",
        "default_project: docs\nsanitize_inputs: yes\nmask_inputs: no\n",
    );
    insta::assert_snapshot!(env.seen(&["config", "validate", "a.yaml"]), @"
    ! warning: mask_inputs from a.yaml:2:18 (named file) has no effect: not implemented yet
    ! error: a.yaml:2:18: invalid value for mask_inputs: this protection is not supported yet, and data would be sent without it
    ! | hint: remove the setting
    ! error: a.yaml:3:1: mask_inputs is set twice, first on line 2 as sanitize_inputs
    ! | hint: remove one
    exit 5
    ");
}

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_schema_is_json_and_names_every_setting() {
    let env = TestEnv::new();
    let done = env.run(&["config", "schema"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let schema: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["additionalProperties"], false);
    let settings = &schema["$defs"]["settings"]["properties"];
    let list = env.items(&["config", "list", "--all"]);
    let outside_files = [
        "profile",
        "config_file",
        "env_file",
        "environment",
        "all_proxy",
    ];
    let mut seen = BTreeSet::new();
    for record in list.as_array().unwrap() {
        let name = record["name"].as_str().unwrap();
        let is_there = settings[name].is_object() && schema["properties"][name].is_object();
        assert_eq!(is_there, !outside_files.contains(&name), "{name}");
        if is_there {
            assert!(settings[name]["description"].is_string(), "{name}");
            seen.insert(name);
        }
    }
    // The remaining names are aliases, files of secrets and, at the top level, the environments and the schema.
    let others: Vec<_> = names(settings).difference(&seen).copied().collect();
    insta::assert_snapshot!(others.join("\n"), @"
    api_key_file
    control_plane_api_key_file
    data_plane_api_key_file
    default_project
    enable_evaluation
    ingestion_api_key_file
    otlp_headers_file
    proxy_password_file
    sanitize_inputs
    sanitize_outputs
    ");
    let top: Vec<_> = names(&schema["properties"])
        .difference(&names(settings))
        .copied()
        .collect();
    assert_eq!(top, ["$schema", "environments"]);
    for (name, setting) in settings.as_object().unwrap() {
        let target = setting["$ref"].as_str();
        let target = target.map(|target| schema.pointer(target.trim_start_matches('#')));
        assert_ne!(target, Some(None), "{name}");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&settings["timeout"]).unwrap(), @r#"
    {
      "anyOf": [
        {
          "maximum": 300.0,
          "minimum": 1.0,
          "type": "number"
        },
        {
          "type": "string"
        }
      ],
      "default": 30,
      "description": "time limit of one call in seconds, including retries"
    }
    "#);
    // The schema does not depend on the settings in effect.
    assert_eq!(
        env.run(&["config", "schema", "--output", "json"]).stdout,
        done.stdout
    );
    assert_eq!(
        env.run(&["config", "schema", "--config-file", "missing.yaml"])
            .stdout,
        done.stdout
    );
}

#[test]
fn a_file_full_of_mistakes_is_reported_in_few_lines() {
    let env = TestEnv::new();
    let names: Vec<_> = (0..60_000).map(|at| format!("\"n{at}\":1")).collect();
    let inner: Vec<_> = (0..40_000)
        .map(|at| format!("\"e{at}\":{{\"k\":1}}"))
        .collect();
    for text in [
        format!("{{{}}}", names.join(",")),
        format!("{{\"environments\":{{{}}}}}", inner.join(",")),
    ] {
        env.write("a.json", text);
        let done = env.run(&["config", "validate", "a.json"]);
        assert_eq!(done.code, 5);
        assert_eq!(done.stderr.lines().count(), 21, "{}", done.stderr);
    }
    for (line, count) in [
        ("HH_SOURCE x\n", 21),
        ("set HH_SOURCE=x\n", 1),
        ("no variable\n", 0),
    ] {
        env.write("a.env", line.repeat(50_000));
        let done = env.run(&["config", "get", "timeout", "--env-file", "a.env"]);
        assert_eq!(done.stderr.lines().count(), count, "{}", done.stderr);
    }
}

#[test]
fn values_that_test_mode_accepts_are_valid() {
    let mut env = TestEnv::new();
    env.set("HH_TEST_MODE", "true");
    for key in ["hh_mock_key", "hh_ingst_abc"] {
        env.set("HH_API_KEY", key);
        assert_eq!(
            env.seen(&["config", "validate"]),
            "! No problems found in the settings in effect\nexit 0"
        );
        env.unset("HH_API_KEY");
    }
}
