//! Faults of the configuration and of the key.

use super::site::Site;
use super::{KEY, assert_seen, env_with_key, run, seen};
use crate::support::TestEnv;

/// Returns the lines of the output from this step on.
fn from(seen: &str, step: &str) -> String {
    let lines = seen.lines().skip_while(|line| !line.contains(step));
    lines.collect::<Vec<_>>().join("\n")
}

fn asked(answer: &str) -> String {
    let site = Site::with_keys(answer);
    let env = env_with_key();
    let seen = seen(
        &env,
        &["--base-url", &site.url()],
        &[(&site.host(), "[host]")],
    );
    from(&seen, "authentication")
}

// Feature S77.
#[test]
fn a_rejected_key() {
    assert_seen!(asked("401 Unauthorized\r\n\r\n"), @"
    failed | authentication | [time] | [host] responded with 401 Unauthorized
             -> check the key hh_12345*** from HH_API_KEY (environment): it may be mistyped, truncated, revoked or expired, or for a server other than http://[host] (--base-url)
    skipped | permissions | requires authentication
    skipped | clock | [time] | the server does not report its time
    ! error: authentication: [host] responded with 401 Unauthorized
    ! | hint: check the key hh_12345*** from HH_API_KEY (environment): it may be mistyped, truncated, revoked or expired, or for a server other than http://[host] (--base-url)
    exit 3
    ");
}

// Feature S79.
#[test]
fn a_missing_permission() {
    assert_seen!(asked("403 Forbidden\r\n\r\n"), @"
    ok | authentication | [time] | the server recognizes the key
    failed | permissions | [time] | [host] responded with 403 Forbidden
             -> check the key hh_12345*** from HH_API_KEY (environment): it may not allow this operation or may not apply to this project, or the feature may not be enabled for your organization
    skipped | clock | [time] | the server does not report its time
    ! error: permissions: [host] responded with 403 Forbidden
    ! | hint: check the key hh_12345*** from HH_API_KEY (environment): it may not allow this operation or may not apply to this project, or the feature may not be enabled for your organization
    exit 6
    ");
}

// Feature S80.
#[test]
fn a_404_that_may_be_a_rejected_key() {
    assert_seen!(asked("404 Not Found\r\n\r\n"), @"
    failed | authentication | [time] | [host] responded with 404 Not Found
             -> check whether the requested object exists, whether the key is valid and allows this operation, and whether base_url names the right server
    skipped | permissions | requires authentication
    skipped | clock | [time] | the server does not report its time
    ! error: authentication: [host] responded with 404 Not Found
    ! | hint: check whether the requested object exists, whether the key is valid and allows this operation, and whether base_url names the right server
    exit 4
    ");
}

// Feature S77.
#[test]
fn a_missing_key() {
    let site = Site::well();
    let env = TestEnv::new();
    let seen = seen(&env, &["--base-url", &site.url()], &[]);
    assert_seen!(from(&seen, "key"), @"
    failed | key | [time] | no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
             -> run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    skipped | authentication | requires key
    skipped | permissions | requires key
    skipped | clock | [time] | the server does not report its time
    ! error: key: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
    ! | hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    ");
}

#[test]
fn a_malformed_key() {
    let site = Site::well();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "sk-hidden-word");
    let seen = seen(&env, &["--base-url", &site.url()], &[]);
    assert_seen!(from(&seen, "key"), @"
    failed | key | [time] | the API key from HH_API_KEY (environment) begins with sk-, so it is a key of another service
             -> use a HoneyHive API key, which begins with hh_
    skipped | authentication | requires key
    skipped | permissions | requires key
    skipped | clock | [time] | the server does not report its time
    ! error: key: the API key from HH_API_KEY (environment) begins with sk-, so it is a key of another service
    ! | hint: use a HoneyHive API key, which begins with hh_
    exit 3
    ");
}

#[test]
fn a_file_that_is_not_trusted() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("honeyhive.yaml", "base_url: https://evil.test\n");
    assert_seen!(seen(&env, &[], &[]), @"
    failed | configuration | [time] | [home]/honeyhive.yaml:1:11: an untrusted project file cannot set base_url to a server other than https://*.honeyhive.ai
             -> review the file and run `honeyhive config trust [home]/honeyhive.yaml`, or specify it with --config-file or HH_CONFIG_FILE
    skipped | proxy | requires configuration
    skipped | dns | requires configuration
    skipped | tcp | requires configuration
    skipped | tls | requires configuration
    skipped | health | requires configuration
    skipped | key | requires configuration
    skipped | authentication | requires configuration
    skipped | permissions | requires configuration
    skipped | clock | requires configuration
    ! error: configuration: [home]/honeyhive.yaml:1:11: an untrusted project file cannot set base_url to a server other than https://*.honeyhive.ai
    ! | hint: review the file and run `honeyhive config trust [home]/honeyhive.yaml`, or specify it with --config-file or HH_CONFIG_FILE
    exit 5
    ");
}

#[test]
fn a_setting_that_is_wrong() {
    let mut env = env_with_key();
    env.set("HH_TIMEOUT", "soon");
    let seen = seen(&env, &[], &[]);
    assert_seen!(seen.lines().take(2).collect::<Vec<_>>().join("\n"), @"
    failed | configuration | [time] | invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
             -> correct the value
    ");
    assert!(seen.ends_with("exit 5"), "{seen}");
}

/// A program whose tracer has an ingestion key needs no other key.
#[test]
fn an_ingestion_key_alone_is_no_failure() {
    let site = Site::well();
    let mut env = TestEnv::new();
    let key = format!("hh_ingst_{}_{}", "a".repeat(24), "b".repeat(64));
    env.set("HH_INGESTION_API_KEY", &key);
    let seen = seen(&env, &["--base-url", &site.url()], &[]);
    assert_seen!(from(&seen, "key"), @"
    note | key | [time] | only an ingestion key is set, which can only send spans
             -> set HH_API_KEY to a project key for all other operations
    skipped | authentication | requires key
    skipped | permissions | requires key
    skipped | clock | [time] | the server does not report its time
    ! No problems found
    exit 0
    ");
}

#[test]
fn test_mode_opens_no_connection() {
    let mut env = TestEnv::new();
    env.set("HH_TEST_MODE", "true");
    assert_seen!(seen(&env, &[], &[]), @"
    ok | configuration | [time] | no configuration file; requests go to https://api.honeyhive.ai (default)
    ok | key | [time] | no key is set; test mode does not require one
    skipped | network | test mode is on (HH_TEST_MODE (environment)), so no connection is opened
    ! No problems found
    exit 0
    ");
    let Some((done, calls)) = env.run_traced(&["doctor"]) else {
        return;
    };
    assert_eq!(done.code, 0, "{done:?}");
    let reaches_out = calls
        .lines()
        .any(|line| line.contains("socket(") || line.contains("connect("));
    assert!(!reaches_out, "{calls}");
    env.set("HH_API_KEY", "sk-hidden-word");
    assert_eq!(run(&env, &[]).code, 3);
}
