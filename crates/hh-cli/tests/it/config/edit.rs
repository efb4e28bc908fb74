//! Tests of `config set` and `config unset`.

mod refused;

use super::{KEY, OTHER_KEY};
use crate::support::TestEnv;

const YAML: &str = ".config/honeyhive/config.yaml";
const JSON: &str = ".config/honeyhive/config.json";
const TOML: &str = ".config/honeyhive/config.toml";

/// Runs a change that must succeed, and compares the file byte for byte.
#[track_caller]
fn assert_change(file: &str, before: &str, arguments: &[&str], after: &str) {
    let env = TestEnv::new();
    env.write(file, before);
    let done = env.run_with(&["config"], arguments);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert_eq!(env.read(file), after, "{arguments:?}");
    assert_eq!(env.mode(file), 0o600);
    // The directory contains only the file and its lock.
    let dir = env.path(file).parent().unwrap().read_dir().unwrap();
    let names = dir.map(|entry| entry.unwrap().path());
    let lock = env.path(file).with_extension("lock");
    assert_eq!(names.filter(|name| *name != lock).count(), 1);
}

const BEFORE_YAML: &str = "# What we use here.\n\n\
    timeout: 12.5   # seconds\n\
    allowed_ips:\n  - 192.0.2.1 # the office\n  - 192.0.2.2\n\
    project: 'docs' # ours\n\n\
    # The end.\n";

#[test]
fn yaml_keeps_everything_but_the_line() {
    let with = |old: &str, new: &str| BEFORE_YAML.replace(old, new);
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "timeout", "30"],
        &with("12.5", "30"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "project", "search"],
        &with("'docs'", "search"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "project", "a: b"],
        &with("'docs'", "\"a: b\""),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "project", "yes"],
        &with("'docs'", "\"yes\""),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "project", "1.10"],
        &with("'docs'", "\"1.10\""),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "default_project", "x"],
        &with("'docs'", "x"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "debug", "ON"],
        &format!("{BEFORE_YAML}debug: true\n"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "source", "${HH_STAGE:-dev}"],
        &format!("{BEFORE_YAML}source: \"${{HH_STAGE:-dev}}\"\n"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "default_evaluators", "iban, \"name\""],
        &format!("{BEFORE_YAML}default_evaluators: [\"iban\",\"\\\"name\\\"\"]\n"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["unset", "timeout"],
        &with("timeout: 12.5   # seconds\n", ""),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["unset", "HH_PROJECT"],
        &with("project: 'docs' # ours\n", ""),
    );
}

#[test]
fn unchanged_values_are_not_rewritten() {
    let env = TestEnv::new();
    env.write(YAML, BEFORE_YAML);
    let before = env.path(YAML).metadata().unwrap().modified().unwrap();
    insta::assert_snapshot!(env.seen(&["config", "unset", "source"]), @"
    ! source is not set in [home]/.config/honeyhive/config.yaml; nothing was changed
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "12.5"]), @"
    ! timeout already has this value in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    assert_eq!(env.read(YAML), BEFORE_YAML);
    assert_eq!(
        env.path(YAML).metadata().unwrap().modified().unwrap(),
        before
    );
}

#[test]
fn yaml_keeps_its_line_endings() {
    assert_change(
        YAML,
        "project: docs",
        &["set", "timeout", "5"],
        "project: docs\ntimeout: 5\n",
    );
    assert_change(
        YAML,
        "project: docs\r\n",
        &["set", "timeout", "5"],
        "project: docs\r\ntimeout: 5\r\n",
    );
    assert_change(
        YAML,
        "project: docs\r\ntimeout: 5\r\n",
        &["unset", "project"],
        "timeout: 5\r\n",
    );
    assert_change(YAML, "project: docs", &["unset", "project"], "");
    assert_change(
        YAML,
        "# Nothing yet.\n",
        &["set", "timeout", "5"],
        "# Nothing yet.\ntimeout: 5\n",
    );
    assert_change(
        YAML,
        "---\nproject: docs\n",
        &["set", "project", "x"],
        "---\nproject: x\n",
    );
    assert_change(
        YAML,
        "project:\ntimeout: 5\n",
        &["set", "timeout", "6"],
        "project:\ntimeout: 6\n",
    );
}

#[test]
fn values_over_several_lines_go_and_what_follows_them_stays() {
    let with = |old: &str, new: &str| BEFORE_YAML.replace(old, new);
    let list = "allowed_ips:\n  - 192.0.2.1 # the office\n  - 192.0.2.2\n";
    assert_change(
        YAML,
        BEFORE_YAML,
        &["set", "allowed_ips", "192.0.2.9"],
        &with(list, "allowed_ips: [\"192.0.2.9\"]\n"),
    );
    assert_change(
        YAML,
        BEFORE_YAML,
        &["unset", "allowed_ips"],
        &with(list, ""),
    );
    let below = "\n# About the project.\nproject: x\n";
    for block in ["source: |\n  x\n", "source: >-\n  x\n\n  y\n"] {
        let before = format!("{block}{below}");
        assert_change(YAML, &before, &["unset", "source"], below);
        let after = format!("source: other\n{below}");
        assert_change(YAML, &before, &["set", "source", "other"], &after);
    }
    assert_change(
        YAML,
        "default_evaluators:\n- a\n- b\nproject: x\n",
        &["unset", "default_evaluators"],
        "project: x\n",
    );
    assert_change(
        YAML,
        "timeout:   # later\nproject: x\n",
        &["set", "timeout", "5"],
        "timeout: 5   # later\nproject: x\n",
    );
    assert_change(
        JSON,
        "\u{feff}{\"timeout\": 5}",
        &["set", "timeout", "6"],
        "\u{feff}{\"timeout\": 6}",
    );
}

#[test]
fn yaml_written_otherwise_is_understood() {
    assert_change(
        YAML,
        "\"timeout\":    5 # five\n",
        &["set", "timeout", "6"],
        "\"timeout\":    6 # five\n",
    );
    assert_change(
        YAML,
        "project: ~ # none\n",
        &["set", "project", "x"],
        "project: x # none\n",
    );
    assert_change(
        YAML,
        "source: a\n  b\ntimeout: 5\n",
        &["set", "source", "ü"],
        "source: \"ü\"\ntimeout: 5\n",
    );
    assert_change(
        YAML,
        " timeout: 5 # ü\n project: x\n",
        &["unset", "project"],
        " timeout: 5 # ü\n",
    );
}

const BEFORE_JSON: &str = "{\n  \"timeout\": 12.5,\n\n  \"allowed_ips\": [\n    \"192.0.2.1\"\n  ],\n  \"project\" : \"docs\"\n}\n";

#[test]
fn json_keeps_everything_but_the_value() {
    let with = |old: &str, new: &str| BEFORE_JSON.replace(old, new);
    assert_change(
        JSON,
        BEFORE_JSON,
        &["set", "timeout", "30"],
        &with("12.5", "30"),
    );
    assert_change(
        JSON,
        BEFORE_JSON,
        &["set", "project", "a \"b\""],
        &with("\"docs\"", "\"a \\\"b\\\"\""),
    );
    assert_change(
        JSON,
        BEFORE_JSON,
        &["set", "allowed_ips", "192.0.2.9"],
        &with("[\n    \"192.0.2.1\"\n  ]", "[\"192.0.2.9\"]"),
    );
    assert_change(
        JSON,
        BEFORE_JSON,
        &["set", "debug", "1"],
        &with("\"docs\"", "\"docs\",\n  \"debug\": true"),
    );
    assert_change(
        JSON,
        BEFORE_JSON,
        &["unset", "timeout"],
        &with("\"timeout\": 12.5,\n\n  ", ""),
    );
    assert_change(
        JSON,
        BEFORE_JSON,
        &["unset", "project"],
        &with(",\n  \"project\" : \"docs\"", ""),
    );
    assert_change(
        JSON,
        "{}",
        &["set", "debug", "off"],
        "{\n  \"debug\": false\n}\n",
    );
    assert_change(JSON, "{\"debug\": true}", &["unset", "debug"], "{}");
}

const BEFORE_TOML: &str = "# What we use here.\n\n\
    timeout = 12.5 # seconds\n\
    allowed_ips = [\n  \"192.0.2.1\", # the office\n]\n\
    project = 'docs' # ours\n\n\
    # Ours too.\n[otlp_headers]\nx = \"y\"\n";

#[test]
fn toml_keeps_everything_but_the_line() {
    let with = |old: &str, new: &str| BEFORE_TOML.replace(old, new);
    assert_change(
        TOML,
        BEFORE_TOML,
        &["set", "timeout", "30"],
        &with("12.5", "30"),
    );
    assert_change(
        TOML,
        BEFORE_TOML,
        &["set", "project", "it's"],
        &with("'docs'", "\"it's\""),
    );
    assert_change(
        TOML,
        BEFORE_TOML,
        &["unset", "project"],
        &with("project = 'docs' # ours\n", ""),
    );
    assert_change(
        TOML,
        BEFORE_TOML,
        &["set", "allowed_ips", "a,b"],
        &with("[\n  \"192.0.2.1\", # the office\n]", "[\"a\",\"b\"]"),
    );
    // A new setting is inserted above the first header; otherwise it would be part of that table.
    assert_change(
        TOML,
        BEFORE_TOML,
        &["set", "debug", "yes"],
        &with("[otlp_headers]", "debug = true\n\n[otlp_headers]"),
    );
    assert_change(
        TOML,
        "project = \"a\"",
        &["set", "debug", "no"],
        "project = \"a\"\ndebug = false\n",
    );
}

#[test]
fn a_new_file_is_private_and_so_is_its_directory() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "7"]), @"
    ! Set timeout in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    assert_eq!(env.read(YAML), "timeout: 7\n");
    assert_eq!(env.mode(YAML), 0o600);
    assert_eq!(env.mode(".config/honeyhive"), 0o700);
    env.assert_setting(
        "timeout",
        &[],
        "7",
        "file:[home]/.config/honeyhive/config.yaml:1:10",
    );
    insta::assert_snapshot!(env.seen(&["config", "set", "source", "ci", "--output", "json"]), @r#"
    {
      "name": "source",
      "file": "[home]/.config/honeyhive/config.yaml",
      "changed": true
    }
    ! Set source in [home]/.config/honeyhive/config.yaml
    exit 0
    "#);
    insta::assert_snapshot!(env.seen(&["config", "unset", "source", "--output", "json"]), @r#"
    {
      "name": "source",
      "file": "[home]/.config/honeyhive/config.yaml",
      "changed": true
    }
    ! Removed source from [home]/.config/honeyhive/config.yaml
    exit 0
    "#);
    insta::assert_snapshot!(env.seen(&["config", "unset", "source", "--output", "json", "-q"]), @r#"
    {
      "name": "source",
      "file": "[home]/.config/honeyhive/config.yaml",
      "changed": false
    }
    exit 0
    "#);
    insta::assert_snapshot!(env.seen(&["config", "unset", "timeout"]), @"
    ! Removed timeout from [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    assert_eq!(env.read(YAML), "");
    env.assert_setting("timeout", &[], "30", "default");
}

#[test]
fn a_dash_reads_the_value_from_standard_input() {
    let env = TestEnv::new();
    let done = env.run_with_input(&["config", "set", "api_key", "-"], &format!("{KEY}\n"));
    insta::assert_snapshot!(env.seen_of(&done), @"
    ! Set api_key in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    assert_eq!(env.read(YAML), format!("api_key: {KEY}\n"));
    env.assert_setting(
        "api_key",
        &[],
        "hh_12345***",
        "file:[home]/.config/honeyhive/config.yaml:1:10",
    );
    for nothing in ["", " \n"] {
        let done = env.run_with_input(&["config", "set", "api_key", "-"], nothing);
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.seen_of(&done), @"
            ! error: invalid value for api_key: the value is empty
            ! | hint: unset the setting instead
            exit 5
            ");
        }
    }
    assert_eq!(env.read(YAML), format!("api_key: {KEY}\n"));
}

#[test]
fn a_value_too_long_to_read_is_not_cut() {
    let env = TestEnv::new();
    let long = "a".repeat(64 * 1024 + 1);
    let done = env.run_with_input(&["config", "set", "source", "-"], &long);
    assert!(
        !env.path(YAML).exists(),
        "{done:?}: {}",
        env.read(YAML).len()
    );
    assert_ne!(done.code, 0, "{done:?}");
}

#[test]
fn a_secret_on_the_command_line_is_warned_about_and_never_shown() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "set", "api_key", KEY]), @"
    ! warning: the value of api_key on the command line is visible to other users of this machine; use - and pass the value on standard input instead
    ! Set api_key in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "set", "proxy_password", "canarycanary"]), @"
    ! warning: the value of proxy_password on the command line is visible to other users of this machine; use - and pass the value on standard input instead
    ! Set proxy_password in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "set", "proxy_password", "-q", "canarycanary"]), @"exit 0");
    let text = env.read(YAML);
    assert!(
        text.contains(KEY) && text.contains("canarycanary"),
        "{text}"
    );
}

#[test]
fn an_overridden_value_is_reported() {
    let mut env = TestEnv::new();
    env.set("HH_TIMEOUT", "9");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "7"]), @"
    ! Set timeout in [home]/.config/honeyhive/config.yaml
    ! note: the value from HH_TIMEOUT (environment) takes precedence
    exit 0
    ");
    env.write("honeyhive.yaml", "source: ours\n");
    insta::assert_snapshot!(env.seen(&["config", "set", "source", "mine"]), @"
    ! Set source in [home]/.config/honeyhive/config.yaml
    ! note: the value from [home]/honeyhive.yaml:1:9 (project file) takes precedence
    exit 0
    ");
    env.store_key("work", "http://127.0.0.1:9", OTHER_KEY);
    let done = env.run_with_input(&["config", "set", "api_key", "-"], KEY);
    assert!(!done.stderr.contains("takes precedence"), "{done:?}");
    // A substitution cannot be resolved while the file is written, so the command checks it once and warns.
    insta::assert_snapshot!(env.seen(&["config", "set", "session_name", "${HH_NO_SUCH_VARIABLE}"]), @"
    ! Set session_name in [home]/.config/honeyhive/config.yaml
    ! warning: [home]/.config/honeyhive/config.yaml:4:15: invalid value for session_name: variable HH_NO_SUCH_VARIABLE is not set; set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    exit 0
    ");
}

#[test]
fn a_broken_file_of_someone_else_does_not_stop_a_change() {
    let mut env = TestEnv::new();
    env.write("honeyhive.yaml", "project: [");
    env.set("HH_DEBUG", "maybe");
    let done = env.run(&["config", "set", "timeout", "7"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(env.read(YAML), "timeout: 7\n");
}

#[test]
fn changes_at_the_same_time_all_arrive() {
    let env = TestEnv::new();
    let settings = [
        "timeout",
        "batch_size",
        "flush_interval",
        "max_retries",
        "project",
        "source",
        "session_name",
        "service_name",
    ];
    let change = |name: &&str| {
        let arguments = ["config", "set", "-q", name, "7"];
        let mut command = env.program(env!("CARGO_BIN_EXE_honeyhive"), &arguments);
        command.spawn().unwrap()
    };
    let running: Vec<_> = settings.iter().map(change).collect();
    for mut one in running {
        assert!(one.wait().unwrap().success());
    }
    let text = env.read(YAML);
    for name in settings {
        assert!(text.contains(&format!("{name}: ")), "no {name} in {text}");
    }
}
