//! Tests of the development, test, staging and production environments.

use super::{KEY, OTHER_KEY, refused, sent_key};
use crate::support::{Loopback, TestEnv, rows};

/// The example files of the product documentation, word for word.
const DEVELOPMENT: &str = "# .env.development\nHH_API_KEY=hh_dev_1234567890abcdef\n\
    HH_BASE_URL=https://api-dev.honeyhive.ai\nHH_TEST_MODE=false\nHH_DEBUG=true\n";
const TEST: &str = "# .env.test\nHH_API_KEY=hh_test_1234567890abcdef\n\
    HH_BASE_URL=https://api-test.honeyhive.ai\nHH_TEST_MODE=true\nHH_DEBUG=false\n";
const PRODUCTION: &str = "# production.yaml (deployed securely)\n\
    api_key: \"${HH_API_KEY}\" # Environment variable substitution\n\
    base_url: \"https://api.honeyhive.ai\"\nproject: \"my-app-prod\"\ntest_mode: false\ndebug: false\n\
    # Security settings\nverify_ssl: true\ntimeout: 30.0\n";

// Features S32, S62.
#[test]
fn production_is_a_variable_and_a_start() {
    let mut env = TestEnv::new();
    env.write("production.yaml", PRODUCTION);
    for key in ["hh_prod_key_here", "hh_prod_secure_key_here", KEY] {
        env.unset("HH_API_KEY");
        env.set("HH_API_KEY", key);
        assert_eq!(sent_key(&env, &[]), key);
        assert_eq!(sent_key(&env, &["--config-file", "production.yaml"]), key);
    }
}

// Features S35, S63.
#[test]
fn each_environment_has_its_own_key() {
    const STAGING_KEY: &str = "hh_stagingstagingstagingstaging0000";
    let mut env = TestEnv::new();
    env.write(
        "honeyhive.yaml",
        format!("api_key: {KEY}\nproject: docs\nsource: dev\n"),
    );
    env.write(
        "honeyhive.staging.yaml",
        format!("api_key: {STAGING_KEY}\nsource: staging\n"),
    );
    env.write(
        "honeyhive.production.toml",
        format!("api_key = \"{OTHER_KEY}\"\n"),
    );
    assert_eq!(sent_key(&env, &[]), KEY);
    let staging = ["--environment", "staging"];
    assert_eq!(sent_key(&env, &staging), STAGING_KEY);
    assert_eq!(sent_key(&env, &["--environment", "production"]), OTHER_KEY);
    // Settings that the overlay does not contain stay in effect.
    env.assert_setting(
        "project",
        &staging,
        "docs",
        "file:[home]/honeyhive.yaml:2:10",
    );
    env.assert_setting(
        "source",
        &staging,
        "staging",
        "file:[home]/honeyhive.staging.yaml:2:9",
    );
    env.set("HH_ENVIRONMENT", "staging");
    assert_eq!(sent_key(&env, &[]), STAGING_KEY);
    assert_eq!(sent_key(&env, &["--environment", "production"]), OTHER_KEY);
    let printed = refused(&env, &["--environment", "nowhere"], 5);
    assert!(printed.contains("nowhere"), "{printed}");
    // Variables of the process environment take precedence over an overlay.
    env.set("HH_API_KEY", KEY);
    assert_eq!(sent_key(&env, &[]), KEY);
}

// Features S35, S63.
#[test]
fn environments_can_share_one_file() {
    let env = TestEnv::new();
    for (name, text) in [
        (
            "a.yaml",
            format!(
                "api_key: {KEY}\nenvironments:\n  staging:\n    api_key: {OTHER_KEY}\n  empty:\n"
            ),
        ),
        (
            "a.json",
            format!(
                "{{\"api_key\": \"{KEY}\", \"environments\": {{\"staging\": {{\"api_key\": \"{OTHER_KEY}\"}}}}}}"
            ),
        ),
        (
            "a.toml",
            format!("api_key = \"{KEY}\"\n[environments.staging]\napi_key = \"{OTHER_KEY}\"\n"),
        ),
    ] {
        env.write(name, text);
        let file = ["--config-file", name];
        assert_eq!(sent_key(&env, &file), KEY);
        assert_eq!(
            sent_key(&env, &[&file[..], &["--environment", "staging"]].concat()),
            OTHER_KEY
        );
    }
    // The overlays of a named file are in the directory of that file.
    env.write("conf/app.yaml", format!("api_key: {KEY}\n"));
    env.write("conf/app.staging.yaml", format!("api_key: {OTHER_KEY}\n"));
    assert_eq!(
        sent_key(
            &env,
            &["--config-file", "conf/app.yaml", "--environment", "staging"]
        ),
        OTHER_KEY
    );
    env.write("conf/honeyhive.yaml", format!("api_key: {OTHER_KEY}\n"));
    env.write("conf/honeyhive.prod.yaml", format!("api_key: {KEY}\n"));
    assert_eq!(
        sent_key(
            &env,
            &[
                "--config-file",
                "conf/honeyhive.yaml",
                "--environment",
                "prod"
            ]
        ),
        KEY
    );
}

// Feature S50.
#[test]
fn the_env_file_of_development_sets_its_four_variables_and_nothing_else() {
    let env = TestEnv::new();
    env.write(".env.development", DEVELOPMENT);
    let flags = ["--env-file", ".env.development"];
    for (setting, value, place) in [
        ("api_key", "hh_dev_1***", "2:12"),
        ("base_url", "https://api-dev.honeyhive.ai", "3:13"),
        ("test_mode", "false", "4:14"),
        ("debug", "true", "5:10"),
    ] {
        env.assert_setting(
            setting,
            &flags,
            value,
            &format!("file:.env.development:{place}"),
        );
    }
    let list = |flags: &[&str]| {
        env.items(&[&["config", "list"], flags].concat())
            .as_array()
            .unwrap()
            .clone()
    };
    let (before, after) = (list(&[]), list(&flags));
    let changed = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after);
    let changed: Vec<_> = changed
        .map(|(_, after)| after["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        changed,
        ["api_key", "base_url", "env_file", "test_mode", "debug"]
    );
}

// Feature S50.
#[test]
fn quotes_comments_and_export_are_understood() {
    let env = TestEnv::new();
    env.write(
        "a.env",
        "\u{feff}# first\r\n\r\n  export HH_PROJECT='a # b'   # ours\r\nHH_SOURCE=\"c \\\"d\\\" #e\"\r\n\
         HH_SESSION_NAME = f g # h\r\nexport\tHH_SERVICE_NAME=i#j\r\nHH_LOG_FORMAT=\r\nOTHER=k\r\n",
    );
    let flags = ["--env-file", "a.env"];
    env.assert_setting("project", &flags, "a # b", "file:a.env:3:21");
    env.assert_setting("source", &flags, "c \"d\" #e", "file:a.env:4:11");
    env.assert_setting("session_name", &flags, "f g", "file:a.env:5:19");
    env.assert_setting("service_name", &flags, "i#j", "file:a.env:6:24");
    env.assert_setting("log_format", &flags, "null", "unset");
}

// Feature S51.
#[test]
fn the_base_url_selects_the_host() {
    for variable in [
        "HH_BASE_URL",
        "HH_DATA_PLANE_URL",
        "HH_API_URL",
        "HONEYHIVE_SERVER_URL",
        "HH_SERVER_URL",
    ] {
        let server = Loopback::start();
        let host = server.host();
        let mut env = TestEnv::new();
        env.set("HH_API_KEY", KEY);
        env.set(variable, &server.url());
        let done = env.run(&["project", "list"]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{done:?}");
        assert_eq!(server.request().header("host"), Some(host.as_str()));
    }
    // A command warns about two variables with different servers; the preferred variable is in effect.
    let (server, other) = (Loopback::start(), Loopback::start());
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_URL", &other.url());
    let warning = "warning: HH_BASE_URL and HH_API_URL name different servers; HH_BASE_URL takes precedence\n";
    for command in [["project", "list"], ["config", "list"]] {
        assert_eq!(env.run(&command).stderr, warning, "{command:?}");
    }
    server.request();
    other.assert_untouched("HH_API_URL");
    // Two variables with the same server cause no warning.
    env.unset("HH_API_URL");
    env.set("HH_API_URL", &format!("{}/", env.url()));
    assert_eq!(env.run(&["config", "list"]).stderr, "");
}

// Feature S54.
#[test]
fn an_env_file_is_loaded_and_then_used() {
    let server = Loopback::start();
    let host = server.host();
    let env = TestEnv::new();
    env.write(
        ".env.development",
        DEVELOPMENT.replace("https://api-dev.honeyhive.ai", &server.url()),
    );
    let done = env.run(&["project", "list", "--env-file", ".env.development"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stderr.contains("debug: "), "{done:?}");
    let request = server.request();
    assert_eq!(request.bearer(), Some("hh_dev_1234567890abcdef"));
    assert_eq!(request.header("host"), Some(host.as_str()));
}

// Feature S55.
#[test]
fn the_env_file_of_the_tests_names_its_host_and_sends_nothing() {
    let server = Loopback::start();
    let env = TestEnv::new();
    env.write(".env.test", TEST);
    let flags = ["--env-file", ".env.test"];
    env.assert_setting(
        "base_url",
        &flags,
        "https://api-test.honeyhive.ai",
        "file:.env.test:3:13",
    );
    env.assert_setting("test_mode", &flags, "true", "file:.env.test:4:14");
    env.write(
        ".env.test",
        TEST.replace("https://api-test.honeyhive.ai", &server.url()),
    );
    let done = env.run_with(&["project", "list"], &flags);
    insta::assert_snapshot!(env.seen_of(&done), @"
    NAME | ID | DESCRIPTION
    ! note: test mode is on (.env.test:4:14 (env file)), so no request is sent
    exit 0
    ");
    server.assert_untouched("test mode");
}

// Feature S56.
#[test]
fn a_mock_key_opens_no_connection() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "hh_mock_key");
    env.set("HH_TEST_MODE", "true");
    env.set("HH_BASE_URL", &server.url());
    for command in [
        &["project", "list"][..],
        &["event", "list"],
        &["session", "list"],
        &["auth", "whoami"],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 0, "{command:?}: {done:?}");
    }
    server.assert_untouched("test mode");
}

// Feature S58.
#[test]
fn the_production_key_is_substituted_from_a_variable() {
    let mut env = TestEnv::new();
    env.write("production.yaml", PRODUCTION);
    let flags = ["--config-file", "production.yaml"];
    insta::assert_snapshot!(refused(&env, &flags, 5), @"
    error: production.yaml:2:10: invalid value for api_key: variable HH_API_KEY is not set
      hint: set HH_API_KEY, or write ${HH_API_KEY:-default}
    ");
    env.set("HH_API_KEY", "hh_prod_secure_key_here");
    assert_eq!(sent_key(&env, &flags), "hh_prod_secure_key_here");
    // Substitution works with other names and with the other syntax too, so it does not depend on the variable's
    // precedence.
    for text in [
        "${HH_PROD_KEY}",
        "$<HH_PROD_KEY>",
        "${HH_NO_SUCH_VARIABLE:-hh_1234567890abcdef1234567890abcdef}",
    ] {
        let mut env = TestEnv::new();
        env.write("production.yaml", PRODUCTION.replace("${HH_API_KEY}", text));
        env.set("HH_PROD_KEY", KEY);
        assert_eq!(sent_key(&env, &flags), KEY);
        env.assert_setting(
            "api_key",
            &flags,
            "hh_12345***",
            "file:production.yaml:2:10",
        );
    }
    // A name without braces is not substituted, and substituted text is not substituted again.
    env.unset("HH_API_KEY");
    env.set("HH_STAGE", "${HH_REGION}");
    env.set("HH_REGION", "eu");
    env.write(
        "a.yaml",
        "source: '$HH_REGION $${HH_REGION} ${HH_STAGE} ${HH_REGION:-us}'\n",
    );
    let file = ["--config-file", "a.yaml"];
    env.assert_setting(
        "source",
        &file,
        "$HH_REGION ${HH_REGION} ${HH_REGION} eu",
        "file:a.yaml:1:9",
    );
}

// Feature S59.
#[test]
fn every_setting_of_production_is_shown_with_its_line() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("production.yaml", PRODUCTION);
    let done = env.run(&[
        "config",
        "list",
        "--config-file",
        "production.yaml",
        "--all",
    ]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let names = [
        "base_url",
        "project",
        "test_mode",
        "debug",
        "verify_ssl",
        "timeout",
    ];
    insta::assert_snapshot!(rows(&done.stdout, &names), @"
    base_url | https://api.honeyhive.ai | file:production.yaml:3:11
    project | my-app-prod | file:production.yaml:4:10
    test_mode | false | file:production.yaml:5:12
    debug | false | file:production.yaml:6:8
    verify_ssl | true | file:production.yaml:8:13
    timeout | 30.0 | file:production.yaml:9:10
    ");
}
