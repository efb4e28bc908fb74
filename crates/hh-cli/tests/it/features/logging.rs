//! Tests of log levels, debug lines and the settings that commands print.

use super::{KEY, OTHER_KEY};
use crate::support::{Loopback, RunOutput, TestEnv, squeezed};

/// Runs a command that sends one request, with a key that causes a warning.
fn talk(variables: &[(&str, &str)], flags: &[&str]) -> RunOutput {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "hh_canarycanary_dev");
    env.set("HH_BASE_URL", &server.url());
    for (name, value) in variables {
        env.set(name, value);
    }
    let done = env.run_with(&["project", "list"], flags);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(server.request().bearer(), Some("hh_canarycanary_dev"));
    assert!(!format!("{done:?}").contains("canarycanary"), "{done:?}");
    done
}

fn has_debug(done: &RunOutput) -> bool {
    let is_one = |line: &str| {
        line.starts_with("debug: GET 127.0.0.1") && line.contains("/v1/projects attempt 1: 200 OK")
    };
    done.stderr.lines().any(is_one)
}

fn has_warning(done: &RunOutput) -> bool {
    done.stderr.contains("warning: the API key from HH_API_KEY")
}

// Features S53, S90.
#[test]
fn either_variable_switches_debug_lines_on() {
    assert!(!has_debug(&talk(&[], &[])));
    for name in ["HH_DEBUG", "HH_DEBUG_MODE"] {
        for value in ["true", "1", "YES", "on", "Enabled"] {
            assert!(has_debug(&talk(&[(name, value)], &[])), "{name}={value}");
        }
        for value in ["false", "0", "no", "OFF", "disabled", " "] {
            assert!(!has_debug(&talk(&[(name, value)], &[])), "{name}={value}");
        }
    }
    // One true variable is sufficient.
    assert!(has_debug(&talk(
        &[("HH_DEBUG", "true"), ("HH_DEBUG_MODE", "false")],
        &[]
    )));
    assert!(has_debug(&talk(
        &[("HH_DEBUG", "false"), ("HH_DEBUG_MODE", "true")],
        &[]
    )));
    assert!(!has_debug(&talk(
        &[("HH_DEBUG", "false"), ("HH_DEBUG_MODE", "false")],
        &[]
    )));
    let mut env = TestEnv::new();
    env.set("HH_DEBUG", "false");
    env.set("HH_DEBUG_MODE", "true");
    env.assert_setting("debug", &[], "true", "env:HH_DEBUG_MODE");
}

// Features S53, S89.
#[test]
fn debug_lines_are_on_stderr_with_a_redacted_key() {
    let done = talk(&[], &["--debug", "--verbose"]);
    assert!(has_debug(&done), "{done:?}");
    assert!(done.stderr.contains("hh_canar***"), "{done:?}");
    assert_eq!(squeezed(&done.stdout), "NAME | ID | DESCRIPTION");
    // `--quiet` takes precedence over both.
    let done = talk(&[], &["--debug", "--verbose", "--quiet"]);
    assert_eq!(done.stderr, "");
}

// Feature S88.
#[test]
fn the_log_level_is_the_least_severe_line() {
    for (level, debug, warning) in [
        ("trace", true, true),
        ("debug", true, true),
        ("DEBUG", true, true),
        ("info", false, true),
        ("warning", false, true),
        ("warn", false, true),
        ("error", false, false),
        ("Critical", false, false),
    ] {
        let done = talk(&[("HH_LOG_LEVEL", level)], &[]);
        assert_eq!(
            (has_debug(&done), has_warning(&done)),
            (debug, warning),
            "{level}: {done:?}"
        );
    }
    // The summary of `--verbose` has the level info.
    let summary = |level| {
        talk(&[("HH_LOG_LEVEL", level)], &["--verbose"])
            .stderr
            .contains("version ")
    };
    assert_eq!([summary("info"), summary("warning")], [true, false]);
    // `--debug` prints all lines.
    let done = talk(&[("HH_LOG_LEVEL", "error")], &["--debug"]);
    assert!(has_debug(&done) && has_warning(&done), "{done:?}");
}

// Feature S88.
#[test]
fn the_log_level_holds_for_the_commands_that_show_settings() {
    let mut env = TestEnv::new();
    env.set("HH_TIMOUT", "7");
    let done = env.run(&["config", "get", "timeout"]);
    assert!(
        done.stderr
            .starts_with("warning: unknown variable HH_TIMOUT"),
        "{done:?}"
    );
    env.set("HH_LOG_LEVEL", "error");
    let done = env.run(&["config", "get", "timeout"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
}

// Feature S83.
#[test]
fn the_settings_in_effect_are_shown_with_a_redacted_key() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_PROJECT", "docs");
    let list = env.items(&["config", "list"]);
    let text = list.to_string();
    assert!(
        text.contains("hh_12345***") && text.contains("docs"),
        "{text}"
    );
    assert!(!text.contains(&KEY[8..]), "{text}");
}

// Feature S84.
#[test]
fn the_source_of_the_key_is_a_field() {
    let mut env = TestEnv::new();
    let source = |env: &TestEnv, flags: &[&str]| {
        env.json(&[&["config", "get", "api_key"], flags].concat())["source"].clone()
    };
    assert_eq!(source(&env, &[]), "unset");
    env.store_key("work", "http://127.0.0.1:9", KEY);
    assert_eq!(source(&env, &[]), "stored");
    env.write("a.yaml", format!("api_key: {KEY}\n"));
    assert_eq!(
        source(&env, &["--config-file", "a.yaml"]),
        "file:a.yaml:1:10"
    );
    env.set("HH_API_KEY", OTHER_KEY);
    assert_eq!(source(&env, &[]), "env:HH_API_KEY");
    assert_eq!(source(&env, &["--api-key", KEY]), "param");
}

// Feature S87.
#[test]
#[expect(clippy::too_many_lines, reason = "the test lists all settings")]
fn the_list_has_every_setting_its_value_and_its_source_and_planned_ones_with_all() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    let list = env.seen(&["config", "list"]);
    insta::assert_snapshot!(list, @"
    SETTING | VALUE | SOURCE
    api_key | hh_12345*** | env:HH_API_KEY
    credential_command | - | unset
    ingestion_api_key | - | unset
    credential_storage | auto | default
    key_max_age_days | 90 | default
    profile | - | unset
    base_url | https://api.honeyhive.ai | default
    project | - | unset
    source | dev | default
    session_name | - | unset
    allowed_ips | - | unset
    config_file | - | unset
    env_file | - | unset
    environment | - | unset
    test_mode | false | default
    strict | false | default
    debug | false | default
    verbose | false | default
    log_level | info | default
    security_log | - | unset
    output_format | table | default
    timeout | 30 | default
    max_retries | 0 | env:HH_MAX_RETRIES
    retry_delay | 1 | default
    rate_limit_calls | - | unset
    rate_limit_window | - | unset
    verify_ssl | true | default
    insecure_http_hosts | - | unset
    ca_bundle | - | unset
    ssl_cert_path | - | unset
    proxy_url | - | unset
    proxy_username | - | unset
    proxy_password | - | unset
    http_proxy | - | unset
    https_proxy | - | unset
    all_proxy | - | unset
    no_proxy | - | unset
    batch_size | 100 | default
    flush_interval | 5 | default
    max_queue_size | 8192 | default
    max_queue_bytes | 67108864 | default
    disable_tracing | false | default
    exit 0
    ");
    let all = env.seen(&["config", "list", "--all"]);
    let listed: Vec<_> = list.lines().collect();
    let planned = all.lines().filter(|line| !listed.contains(line));
    insta::assert_snapshot!(planned.collect::<Vec<_>>().join("\n"), @"
    data_plane_api_key | - | unset
    control_plane_api_key | - | unset
    control_plane_url | https://api.cp.us.honeyhive.ai | default
    service_name | - | unset
    service_version | - | unset
    resource_attributes | - | unset
    log_format | - | unset
    log_file | - | unset
    structured_logging | false | default
    telemetry | true | default
    export_timeout_seconds | 300 | default
    max_connections | 100 | default
    max_keepalive_connections | 10 | default
    keepalive_expiry | 30 | default
    connection_pool_size | 10 | default
    pool_timeout | 10 | default
    ssl_key_path | - | unset
    spool_dir | - | unset
    disable_batch | false | default
    disable_http_tracing | true | default
    capture_inputs | true | default
    capture_outputs | true | default
    capture_exceptions | true | default
    sampling_rate | 1 | default
    error_sampling_rate | 1 | default
    slow_threshold | 1000 | default
    otlp_enabled | true | default
    otlp_endpoint | - | unset
    otlp_protocol | http/protobuf | default
    otlp_headers | - | unset
    max_attributes | 1024 | default
    max_events | 1024 | default
    max_links | 128 | default
    max_span_size | 10485760 | default
    preserve_core_attributes | true | default
    mask_inputs | false | default
    mask_outputs | false | default
    sensitive_keys | password,token,key,secret | default
    pii_patterns | - | unset
    evaluation_enabled | true | default
    evaluation_timeout | 30 | default
    evaluation_retries | 2 | default
    evaluation_parallel | true | default
    evaluation_max_workers | 4 | default
    default_evaluators | - | unset
    ");
}

#[test]
fn a_planned_setting_is_listed_once_it_is_set() {
    let mut env = TestEnv::new();
    let is_listed = |env: &TestEnv, flags: &[&str]| {
        let list = env.items(&[&["config", "list"], flags].concat());
        let mut records = list.as_array().unwrap().iter();
        records.any(|record| record["name"] == "spool_dir")
    };
    assert!(!is_listed(&env, &[]));
    assert!(is_listed(&env, &["--all"]));
    env.set("HH_SPOOL_DIR", "/nonexistent");
    assert!(is_listed(&env, &[]));
}

#[test]
fn a_setting_that_would_protect_data_and_does_not_yet_stops_every_request() {
    for (variable, value) in [
        ("HH_MASK_INPUTS", "true"),
        ("HH_SANITIZE_OUTPUTS", "1"),
        ("HH_PII_PATTERNS", "email"),
        ("HH_CAPTURE_INPUTS", "false"),
    ] {
        let mut env = TestEnv::with_server();
        env.be_admin();
        assert_eq!(env.run(&["project", "list"]).code, 0);
        env.set(variable, value);
        for command in [
            ["project", "list"],
            ["config", "validate"],
            ["config", "list"],
        ] {
            let done = env.run(&command);
            assert_eq!(done.code, 5, "{variable} {done:?}");
            assert!(done.stderr.contains("not supported yet"), "{done:?}");
        }
    }
    let env = TestEnv::new();
    let done = env.run(&["config", "set", "mask_inputs", "true"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert_eq!(env.run(&["config", "set", "mask_inputs", "false"]).code, 0);
}
