//! Network failures, retries and rate limits, and their output.

use hh_testing::{IdleListener, closed_address};

use super::{KEY, refused};
use crate::support::{Loopback, RunOutput, TestEnv};

const JSON: &str = "Content-Type: application/json\r\n\r\n";

fn env_with_key() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env
}

/// Lists projects at a server of the test that sends these responses; returns the output and the number of requests.
fn list<const N: usize>(env: &TestEnv, answers: [&str; N], flags: &[&str]) -> (RunOutput, usize) {
    let server = Loopback::answering(answers);
    let host = server.host();
    let mut done = env.run_with(&["project", "list", "--base-url", &server.url()], flags);
    done.stderr = done.stderr.replace(&host, "[host]");
    (done, server.requests().len())
}

// Feature S49.
#[test]
fn a_limit_of_the_server_is_waited_for() {
    let mut env = env_with_key();
    env.set("HH_MAX_RETRIES", "3");
    let answers = ["429 Too Many Requests\r\nRetry-After: 0.2\r\n\r\n"];
    let (done, requests) = list(&env, answers, &["--debug"]);
    assert_eq!((done.code, requests), (0, 2), "{done:?}");
    assert!(
        done.stderr
            .contains("waiting 200 ms as requested by the server or the rate limit"),
        "{done:?}"
    );
}

// Feature S49.
#[test]
fn a_wait_that_is_too_long_fails_immediately_with_the_wait() {
    let answer = format!(
        "429 Too Many Requests\r\nRetry-After: 90\r\n{JSON}{}",
        r#"{"message": "100 requests a minute are allowed"}"#
    );
    let mut env = env_with_key();
    env.set("HH_MAX_RETRIES", "3");
    let (done, requests) = list(&env, [&answer], &[]);
    assert_eq!((done.code, requests), (4, 1), "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    error: [host] responded with 429 Too Many Requests: 100 requests a minute are allowed
      hint: try again in 90 s; send fewer requests from this program (rate_limit_calls limits them) or from other programs with the same key
    ");
}

// Feature S49.
#[test]
fn the_limit_of_the_client_holds_requests_back() {
    let mut env = env_with_key();
    env.set("HH_RATE_LIMIT_CALLS", "1");
    env.set("HH_RATE_LIMIT_WINDOW", "0.2");
    env.set("HH_MAX_RETRIES", "1");
    env.set("HH_RETRY_DELAY", "0.1");
    // The second attempt counts as a request.
    let (done, requests) = list(&env, ["503 Service Unavailable\r\n\r\n"], &["--debug"]);
    assert_eq!((done.code, requests), (0, 2), "{done:?}");
    assert!(
        done.stderr
            .contains("ms as requested by the server or the rate limit"),
        "{done:?}"
    );

    env.set("HH_RATE_LIMIT_WINDOW", "3600");
    let (done, requests) = list(&env, ["503 Service Unavailable\r\n\r\n"], &[]);
    assert_eq!((done.code, requests), (4, 1), "{done:?}");
    assert!(
        done.stderr
            .contains("responded with 503 Service Unavailable"),
        "{done:?}"
    );
    assert!(done.stderr.contains("try again in 3600 s"), "{done:?}");
}

// Features S52, S57.
#[test]
fn test_mode_opens_no_socket() {
    let mut env = env_with_key();
    let commands = [
        &["auth", "whoami"][..],
        &["project", "list"],
        &["project", "create", "docs"],
        &["session", "list"],
        &["event", "list"],
    ];
    // The pair of sockets that a runtime creates for signals has no network connection.
    let reaches_out = |calls: &str| {
        calls
            .lines()
            .any(|line| line.contains("socket(") || line.contains("connect("))
    };
    let asks = ["project", "list", "--base-url", "http://127.0.0.1:9"];
    let Some((_, calls)) = env.run_traced(&asks) else {
        return;
    };
    assert!(reaches_out(&calls), "{calls}");
    env.set("HH_TEST_MODE", "true");
    for command in commands {
        let (done, calls) = env.run_traced(command).unwrap();
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!reaches_out(&calls), "{command:?}: {calls}");
    }
    // A named .env file has the same effect.
    env.unset("HH_TEST_MODE");
    env.write(".env.test", "HH_TEST_MODE=true\n");
    let (done, calls) = env
        .run_traced(&["project", "list", "--env-file", ".env.test"])
        .unwrap();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!reaches_out(&calls), "{calls}");
}

// Feature S61.
#[test]
fn a_slow_server_ends_the_call_after_the_timeout() {
    let listener = IdleListener::new();
    let url = listener.url();
    let mut env = env_with_key();
    env.set("HH_TIMEOUT", "1");
    let start = std::time::Instant::now();
    let done = env.run(&["project", "list", "--base-url", &url]);
    assert!(start.elapsed().as_secs_f64() >= 1.0);
    assert_eq!(done.code, 4, "{done:?}");
    let printed = done
        .stderr
        .replace(url.trim_start_matches("http://"), "[host]");
    insta::assert_snapshot!(printed, @"
    error: no complete response from [host] within 1 s
      hint: check the network connection and firewalls, or increase HH_TIMEOUT
    ");
}

// Feature S77.
#[test]
fn a_rejected_key_is_explained() {
    let mut env = env_with_key();
    let body = format!(r#"{{"message": "the key {KEY} is not valid"}}"#);
    assert!(body.contains(KEY), "the response does not contain the key");
    let answer = format!("401 Unauthorized\r\n{JSON}{body}");
    let (done, requests) = list(&env, [&answer], &[]);
    assert_eq!((done.code, requests), (3, 1), "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    error: [host] responded with 401 Unauthorized: the key [redacted] is not valid
      hint: check the key hh_12345*** from HH_API_KEY (environment), which was sent to http://[host] (--base-url)
    ");
    env.unset("HH_API_KEY");
    insta::assert_snapshot!(refused(&env, &[], 3), @"
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    ");
}

// Feature S79.
#[test]
fn a_missing_permission_is_explained() {
    let env = env_with_key();
    let (done, requests) = list(&env, ["403 Forbidden\r\n\r\n"], &[]);
    assert_eq!((done.code, requests), (6, 1), "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    error: [host] responded with 403 Forbidden
      hint: check the key hh_12345*** from HH_API_KEY (environment): it may lack the read permission or may not apply to this project, or the feature may not be enabled for your organization
    ");
}

// Feature S80.
#[test]
fn a_404_lists_its_three_possible_causes() {
    let env = env_with_key();
    let (done, requests) = list(&env, ["404 Not Found\r\n\r\n"], &[]);
    assert_eq!((done.code, requests), (4, 1), "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    error: [host] responded with 404 Not Found
      hint: check whether the requested object exists, whether the key is valid and allows this operation, and whether base_url names the right server
    ");
}

// Feature S81.
#[test]
fn network_failures_give_different_errors() {
    let mut env = env_with_key();
    env.set("HH_TIMEOUT", "1");
    let at = |env: &TestEnv, url: &str| {
        let done = env.run(&["project", "list", "--base-url", url]);
        assert_eq!(done.code, 4, "{done:?}");
        let host = url.split('/').nth(2).unwrap();
        done.stderr.replace(host, "[host]")
    };
    let closed = closed_address();
    insta::assert_snapshot!(at(&env, &format!("http://{closed}")), @"
    error: cannot connect to [host]: connection refused
      hint: check the network connection and that the server is running; `honeyhive config list` shows where base_url came from
    ");
    insta::assert_snapshot!(at(&env, "https://no-such-host.invalid"), @"
    error: cannot connect to [host]: the name does not resolve
      hint: check the network connection and that the server is running; `honeyhive config list` shows where base_url came from
    ");
    let silent = IdleListener::new();
    insta::assert_snapshot!(at(&env, &silent.url()), @"
    error: no complete response from [host] within 1 s
      hint: check the network connection and firewalls, or increase HH_TIMEOUT
    ");
    let plain = Loopback::answering(["400 Bad Request\r\n\r\n"]);
    insta::assert_snapshot!(at(&env, &plain.url().replace("http:", "https:")), @"
    error: cannot set up TLS with [host]: it does not use TLS
      hint: check whether the server expects http
    ");
    env.set(
        "HH_HTTPS_PROXY",
        &format!("http://user:hidden-word@{closed}"),
    );
    let printed = at(&env, "https://api.test.invalid");
    assert!(!printed.contains("hidden-word"), "{printed}");
    insta::assert_snapshot!(printed.replace(&closed.to_string(), "[proxy]"), @"
    error: cannot connect to [host]: the proxy [proxy] cannot be reached: connection refused
      hint: check the proxy settings; `honeyhive config list` shows where proxy_url, https_proxy, all_proxy and no_proxy came from
    ");
}

// Feature S86.
#[test]
fn projects_are_listed_and_debug_shows_the_request() {
    let env = env_with_key();
    let projects = r#"{"projects": [{"id": "1", "name": "docs", "description": "Answers"}, {"id": "2", "name": "search", "description": ""}]}"#;
    let answer = format!("200 OK\r\n{JSON}{projects}");
    let (done, requests) = list(&env, [&answer], &["--debug"]);
    assert_eq!((done.code, requests), (0, 1), "{done:?}");
    insta::assert_snapshot!(done.stdout, @"
    NAME    ID  DESCRIPTION
    docs    1   Answers
    search  2
    ");
    let (request, _) = done.stderr.split_once(" in ").unwrap();
    insta::assert_snapshot!(request, @"debug: GET [host]/v1/projects attempt 1: 200 OK");
    assert!(!done.stderr.contains(&KEY[8..]), "{done:?}");
}

// Features S89, S90.
#[test]
fn debug_reports_every_attempt() {
    let mut env = env_with_key();
    env.set("HH_MAX_RETRIES", "2");
    env.set("HH_RETRY_DELAY", "0.1");
    let answers = ["503 Service Unavailable\r\n\r\n", "502 Bad Gateway\r\n\r\n"];
    let attempts = |done: &RunOutput| {
        let lines = done
            .stderr
            .lines()
            .filter(|line| line.contains(" attempt "));
        let lines = lines.filter_map(|line| line.split_once(" in "));
        lines.map(|(line, _)| line.to_owned()).collect::<Vec<_>>()
    };
    let (quiet, _) = list(&env, answers, &[]);
    assert!(attempts(&quiet).is_empty(), "{quiet:?}");
    let (flag, requests) = list(&env, answers, &["--debug"]);
    assert_eq!((flag.code, requests), (0, 3), "{flag:?}");
    insta::assert_snapshot!(attempts(&flag).join("\n"), @"
    debug: GET [host]/v1/projects attempt 1: 503 Service Unavailable
    debug: GET [host]/v1/projects attempt 2: 502 Bad Gateway
    debug: GET [host]/v1/projects attempt 3: 200 OK
    ");
    for name in ["HH_DEBUG", "HH_DEBUG_MODE"] {
        env.set(name, "true");
        let (variable, _) = list(&env, answers, &[]);
        assert_eq!(attempts(&variable), attempts(&flag));
        env.unset(name);
    }
}
