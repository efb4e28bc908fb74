//! Notes: probable mistakes that are not failures.

use super::site::Site;
use super::{KEY, assert_seen, env_with_key, run};
use crate::support::TestEnv;

const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// Returns the notes of a run, which must exit with this code.
#[track_caller]
fn notes(env: &TestEnv, flags: &[&str], code: i32) -> String {
    let site = Site::well();
    let done = run(env, &[&["--base-url", &site.url()], flags].concat());
    assert_eq!(done.code, code, "{done:?}");
    let lines = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("note   "));
    env.filtered(&lines.collect::<Vec<_>>().join("\n"))
}

// Feature S66.
#[test]
fn a_key_that_a_ci_recipe_does_not_pass_on() {
    let mut env = TestEnv::new();
    env.set("HH_TEST_API_KEY", KEY);
    assert_seen!(notes(&env, &[], 3), @"note     HH_TEST_API_KEY is set, but HH_API_KEY is not: HoneyHive does not read HH_TEST_API_KEY; add `HH_API_KEY: $HH_TEST_API_KEY` to the pipeline configuration");
    // With the variable passed to HoneyHive, doctor prints no note.
    env.set("HH_API_KEY", KEY);
    assert!(!notes(&env, &[], 0).contains("to the pipeline configuration"));
}

#[test]
fn a_key_for_another_service_in_the_environment() {
    let mut env = env_with_key();
    assert_eq!(notes(&env, &[], 0), "");
    env.set("TRACELOOP_API_KEY", "hidden-word");
    assert_seen!(notes(&env, &[], 0), @"note     TRACELOOP_API_KEY is set: HoneyHive does not read it, but an OpenLLMetry SDK in the same program uses it to send spans to another server");
}

#[test]
fn a_key_in_the_place_of_another_kind() {
    let typed = |prefix: &str| format!("{prefix}{}_{}", "a".repeat(24), "b".repeat(64));
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", &typed("hh_ingst_"));
    env.set("HH_DATA_PLANE_API_KEY", KEY);
    env.set("HH_CONTROL_PLANE_API_KEY", &typed("hh_fgdp_"));
    assert_seen!(notes(&env, &[], 0), @"
    note     api_key (HH_API_KEY (environment)) contains a key of another kind (ingestion), which belongs in ingestion_api_key
    note     data_plane_api_key (HH_DATA_PLANE_API_KEY (environment)) contains a key of another kind (project), which belongs in api_key
    note     control_plane_api_key (HH_CONTROL_PLANE_API_KEY (environment)) contains a key of another kind (fine-grained data plane), which belongs in data_plane_api_key
    note     data_plane_api_key from HH_DATA_PLANE_API_KEY (environment) has no effect: not implemented yet
    note     control_plane_api_key from HH_CONTROL_PLANE_API_KEY (environment) has no effect: not implemented yet
    ");
    let mut env = env_with_key();
    env.set("HH_INGESTION_API_KEY", KEY);
    assert_seen!(notes(&env, &[], 3), @"note     ingestion_api_key (HH_INGESTION_API_KEY (environment)) contains a key of another kind (project), which belongs in api_key");
}

#[test]
fn a_proxy_for_plain_http_alone() {
    let mut env = env_with_key();
    env.set("http_proxy", "http://user:hidden-word@proxy.test:3128");
    // Requests to a server on this machine use no proxy.
    assert_eq!(notes(&env, &[], 0), "");
    env.set("HH_TEST_MODE", "true");
    let done = run(&env, &["--base-url", "https://host.example"]);
    let note = done.stdout.lines().find(|line| line.starts_with("note   "));
    assert_seen!(note.unwrap_or_default(), @"note     http_proxy (http_proxy (environment)) is set, but https_proxy is not: requests use HTTPS, so no proxy is used; set https_proxy to use one");
}

#[test]
fn a_key_that_others_can_see() {
    let env = TestEnv::new();
    assert_seen!(notes(&env, &["--api-key", KEY], 0), @"note     the key is from --api-key, which is visible to other users of this machine; use HH_API_KEY instead");
}

#[test]
fn a_login_that_another_key_hides() {
    let mut env = TestEnv::new();
    env.store_key("work", "http://127.0.0.1:9", OTHER_KEY);
    env.set("HH_API_KEY", KEY);
    assert_seen!(notes(&env, &[], 0), @r#"note     profile "work" is not used: the key from HH_API_KEY (environment) takes precedence"#);
}
