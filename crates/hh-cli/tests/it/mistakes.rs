//! Common mistakes with keys and variables: each is named as what it is, before a request is sent.

use crate::support::{Loopback, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// Returns the errors of a command that would send a request, without the key.
fn refused(env: &TestEnv, arguments: &[&str]) -> String {
    let server = Loopback::start();
    let done = env.run(&[arguments, &["--base-url", &server.url()]].concat());
    assert_ne!(done.code, 0, "{done:?}");
    assert!(!done.stderr.contains(&KEY[3..]), "{done:?}");
    server.assert_untouched(&done.stderr);
    format!("{}exit {}\n", env.filtered(&done.stderr), done.code)
}

#[test]
fn an_empty_key_is_not_called_unset() {
    let mut env = TestEnv::new();
    let list = ["project", "list"];
    let mut all = String::new();
    for value in ["", "  ", "\u{feff}"] {
        env.set("HH_API_KEY", value);
        all += &refused(&env, &list);
        env.unset("HH_API_KEY");
    }
    env.set("HONEYHIVE_API_KEY", "");
    all += &refused(&env, &list);
    env.set("HH_API_KEY_FILE", "");
    all += &refused(&env, &list);
    env.unset("HONEYHIVE_API_KEY");
    env.unset("HH_API_KEY_FILE");
    all += &refused(&env, &["project", "list", "--api-key", ""]);
    env.write("a.env", "# key\nHH_API_KEY=\"\"\n");
    all += &refused(&env, &["project", "list", "--env-file", "a.env"]);
    env.write("a.yaml", "project: docs\napi_key: ''\n");
    all += &refused(&env, &["project", "list", "--config-file", "a.yaml"]);
    env.write("b.yaml", "project: docs\napi_key:\n");
    all += &refused(&env, &["auth", "status", "--config-file", "b.yaml"]);
    insta::assert_snapshot!(all, @"
    error: no API key was found: HH_API_KEY (environment) is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: HH_API_KEY (environment) is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: HH_API_KEY (environment) is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: HONEYHIVE_API_KEY (environment) is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: HH_API_KEY_FILE (environment) is empty, HONEYHIVE_API_KEY (environment) is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    warning: --api-key is visible to other users of this machine; use HH_API_KEY or `honeyhive auth login --api-key-stdin` instead
    error: no API key was found: --api-key is empty, there is no configuration file, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: the key in a.env:2:12 (env file) is empty, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: the key in a.yaml:2:10 (named file) is empty, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    error: no API key was found: the key in b.yaml:2:8 (named file) is empty, and no profile is saved
      hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    ");
}

#[test]
fn a_misspelled_variable_is_mentioned_with_every_missing_key() {
    let mut env = TestEnv::new();
    let mut all = String::new();
    for name in [
        "HH_APIKEY",
        "HONEYHIVE_KEY",
        "HH_KEY",
        "hh_api_key",
        "HONEYHIVE_TOKEN",
        "HONEY_HIVE_API_KEY",
        "HH_API_KEYS",
    ] {
        env.set(name, KEY);
        all += &refused(&env, &["project", "list"]);
        env.unset(name);
    }
    insta::assert_snapshot!(all, @"
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HH_APIKEY; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HONEYHIVE_KEY; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HH_KEY; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable hh_api_key; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HONEYHIVE_TOKEN; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HONEY_HIVE_API_KEY; did you mean HH_API_KEY?
    exit 3
    error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
      hint: unknown variable HH_API_KEYS; did you mean HH_API_KEY?
    exit 3
    ");
    env.set("HH_APIKEY", KEY);
    for command in [
        &["session", "list"][..],
        &["event", "list"],
        &["project", "create", "x"],
        &["auth", "whoami"],
        &["auth", "status"],
        &["auth", "token"],
        &["auth", "keys", "list"],
    ] {
        let printed = refused(&env, command);
        assert!(
            printed.contains("unknown variable HH_APIKEY; did you mean HH_API_KEY?"),
            "{command:?}: {printed}"
        );
    }
    let done = env.run(&["doctor"]);
    assert!(done.stdout.contains("did you mean HH_API_KEY?"), "{done:?}");
}

#[test]
fn a_line_of_an_env_file_that_does_not_set_the_key_is_mentioned() {
    let mut env = TestEnv::new();
    for (text, mistake) in [
        (
            format!("HONEYHIVE_KEY={KEY}\n"),
            "unknown variable HONEYHIVE_KEY; did you mean HH_API_KEY?",
        ),
        (
            format!("HH-API-KEY={KEY}\n"),
            "unknown variable HH-API-KEY; did you mean HH_API_KEY?",
        ),
        (
            format!("set HH_API_KEY={KEY}\n"),
            "a.env:1: this line does not set HH_API_KEY; write HH_API_KEY=VALUE",
        ),
        (
            format!("\n{KEY}\n"),
            "a.env:2: an API key without a name is ignored; write HH_API_KEY=KEY",
        ),
        (
            format!("A=\"\nHH_API_KEY={KEY}\n\"\n"),
            "a.env:2: HH_API_KEY is not read, because it is part of the quoted value that begins on line 1",
        ),
    ] {
        env.write("a.env", text);
        let printed = refused(&env, &["project", "list", "--env-file", "a.env"]);
        assert!(
            printed.contains(&format!("  hint: {mistake}\n")),
            "{printed}"
        );
    }
    // The variable is one of another program if there is a key.
    env.set("HONEYHIVE_KEY", "x");
    env.set("HH_API_KEY", KEY);
    let server = Loopback::start();
    let done = env.run(&["project", "list", "--base-url", &server.url()]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{done:?}");
}

#[test]
fn text_around_a_key_is_named() {
    let mut env = TestEnv::new();
    let mut all = String::new();
    for (before, after) in [
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("\u{201c}", "\u{201d}"),
        ("Bearer ", ""),
        ("Authorization: Bearer ", ""),
        ("HH_API_KEY=", ""),
        ("export HH_API_KEY=", ""),
    ] {
        env.set("HH_API_KEY", &format!("{before}{KEY}{after}"));
        all += &refused(&env, &["project", "list"]);
        env.unset("HH_API_KEY");
    }
    env.write("key", format!("HH_API_KEY=\"{KEY}\"\n"));
    env.set("HH_API_KEY_FILE", "key");
    all += &refused(&env, &["project", "list"]);
    env.unset("HH_API_KEY_FILE");
    env.write("a.yaml", format!("api_key: \"'{KEY}'\"\n"));
    all += &refused(&env, &["project", "list", "--config-file", "a.yaml"]);
    insta::assert_snapshot!(all, @r#"
    error: the API key from HH_API_KEY (environment) is in double quotes
      hint: remove the quotes
    exit 3
    error: the API key from HH_API_KEY (environment) is in single quotes
      hint: remove the quotes
    exit 3
    error: the API key from HH_API_KEY (environment) is in backquotes
      hint: remove the quotes
    exit 3
    error: the API key from HH_API_KEY (environment) is in typographic quotes
      hint: remove the quotes
    exit 3
    error: the API key from HH_API_KEY (environment) begins with "Bearer"
      hint: use only the key itself, which begins with hh_
    exit 3
    error: the API key from HH_API_KEY (environment) begins with "Authorization:"
      hint: use only the key itself, which begins with hh_
    exit 3
    error: the API key from HH_API_KEY (environment) begins with "HH_API_KEY="
      hint: use only the key itself, which begins with hh_
    exit 3
    error: the API key from HH_API_KEY (environment) begins with "export"
      hint: use only the key itself, which begins with hh_
    exit 3
    error: the API key from HH_API_KEY_FILE -> key (environment) begins with "HH_API_KEY="
      hint: use only the key itself, which begins with hh_
    exit 3
    error: the API key from a.yaml:1:10 (named file) is in single quotes
      hint: remove the quotes
    exit 3
    "#);
}

#[test]
fn a_byte_order_mark_before_a_key_is_ignored() {
    let with_bom = format!("\u{feff}{KEY}\r\n");
    let mut env = TestEnv::new();
    let sent = |env: &TestEnv, arguments: &[&str], input: &str| {
        let server = Loopback::start();
        let url = server.url();
        let done = env.run_with_input(&[arguments, &["--base-url", &url]].concat(), input);
        assert_eq!(done.code, 0, "{arguments:?}: {done:?}");
        let request = server.request();
        assert_eq!(request.bearer(), Some(KEY), "{arguments:?}");
    };
    let login = ["auth", "login", "--no-save", "--api-key-stdin"];
    sent(&env, &login, &with_bom);
    sent(&env, &["project", "list", "--api-key", &with_bom], "");
    env.write("key", &with_bom);
    env.write("a.env", format!("\u{feff}HH_API_KEY={KEY}\r\n"));
    env.write("b.env", format!("A=1\nHH_API_KEY={with_bom}"));
    env.write("a.yaml", format!("\u{feff}api_key: {KEY}\r\n"));
    env.write("a.json", format!("\u{feff}{{\"api_key\": \"{KEY}\"}}"));
    env.write("a.toml", format!("\u{feff}api_key = \"{KEY}\"\n"));
    env.write("command.yaml", "credential_command: [/bin/cat, key]\n");
    for flags in [
        ["--env-file", "a.env"],
        ["--env-file", "b.env"],
        ["--config-file", "a.yaml"],
        ["--config-file", "a.json"],
        ["--config-file", "a.toml"],
        ["--config-file", "command.yaml"],
    ] {
        sent(&env, &[&["project", "list"][..], &flags].concat(), "");
    }
    for (name, value) in [
        ("HH_API_KEY", with_bom.as_str()),
        ("HH_API_KEY_FILE", "\u{feff}key"),
    ] {
        env.set(name, value);
        sent(&env, &["project", "list"], "");
        env.unset(name);
    }
    env.set("HH_PROJECT", "\u{feff}docs");
    assert_eq!(env.run(&["config", "get", "project"]).stdout, "docs\n");
    let done = env.run_with_input(&["config", "set", "source", "-"], "\u{feff}dev\n");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(env.run(&["config", "get", "source"]).stdout, "dev\n");
}

#[test]
fn text_in_another_encoding_is_named() {
    let mut env = TestEnv::new();
    let wide = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let swapped = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_be_bytes).collect()
    };
    env.write("key", wide(KEY));
    env.write("a.env", wide(&format!("HH_API_KEY={KEY}\n")));
    env.write("b.env", swapped(&format!("HH_API_KEY={KEY}\n")));
    env.write("a.yaml", wide(&format!("api_key: {KEY}\n")));
    env.write("command.yaml", "credential_command: [/bin/cat, key]\n");
    let mut all = String::new();
    for flags in [
        ["--env-file", "a.env"],
        ["--env-file", "b.env"],
        ["--config-file", "a.yaml"],
        ["--config-file", "command.yaml"],
    ] {
        all += &refused(&env, &[&["project", "list"][..], &flags].concat());
    }
    env.set("HH_API_KEY_FILE", "key");
    all += &refused(&env, &["project", "list"]);
    insta::assert_snapshot!(all, @"
    error: the .env file a.env (--env-file) is UTF-16 text (little-endian)
      hint: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`
    exit 5
    error: the .env file b.env (--env-file) is UTF-16 text (big-endian)
      hint: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`
    exit 5
    error: the configuration file a.yaml (--config-file) is UTF-16 text (little-endian)
      hint: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`
    exit 5
    error: credential_command from command.yaml:1:21 (named file): the output of /bin/cat is UTF-16 text (little-endian)
      hint: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`
    exit 3
    error: HH_API_KEY_FILE names key, which is UTF-16 text (little-endian)
      hint: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`
    exit 5
    ");
}

#[test]
fn a_key_in_the_place_of_a_name_is_refused() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "hh_abcdef1234567890abcdef1234567890");
    let mut all = String::new();
    for name in [
        "HH_PROJECT",
        "HH_SOURCE",
        "HH_SESSION_NAME",
        "HH_PROFILE",
        "HH_ENVIRONMENT",
        "HH_CONFIG_FILE",
        "HH_ENV_FILE",
        "HH_SECURITY_LOG",
        "HH_CA_BUNDLE",
    ] {
        env.set(name, KEY);
        all += &refused(&env, &["project", "list"]);
        env.unset(name);
    }
    for option in ["--environment", "--profile", "--config-file", "--env-file"] {
        all += &refused(&env, &["project", "list", option, KEY]);
    }
    env.write("a.yaml", format!("project: {KEY}\n"));
    all += &refused(&env, &["project", "list", "--config-file", "a.yaml"]);
    all += &refused(&env, &["config", "set", "project", KEY]);
    insta::assert_snapshot!(all, @"
    error: invalid value for project (HH_PROJECT): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for source (HH_SOURCE): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for session_name (HH_SESSION_NAME): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for profile (HH_PROFILE): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for environment (HH_ENVIRONMENT): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for config_file (HH_CONFIG_FILE): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for env_file (HH_ENV_FILE): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for security_log (HH_SECURITY_LOG): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for ca_bundle (HH_CA_BUNDLE): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for environment (--environment): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for profile (--profile): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for config_file (--config-file): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for env_file (--env-file): expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: a.yaml:1:10: invalid value for project: expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    error: invalid value for project: expected a name, but found an API key
      hint: set HH_API_KEY to the key; if others can see the place where the key was, revoke the key
    exit 5
    ");
}

#[test]
fn variables_for_other_programs_do_not_stop_a_command() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", ""),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/JSON, grpc"),
        ("OTEL_SERVICE_NAME", "my service / x"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a,=b,%,\u{1}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "?"),
        ("OTEL_SDK_DISABLED", "maybe"),
        ("NO_COLOR", "?"),
        ("CI", "?"),
    ] {
        env.set(name, value);
        let server = Loopback::start();
        let done = env.run(&["project", "list", "--base-url", &server.url()]);
        assert_eq!(
            (done.code, done.stderr.as_str()),
            (0, ""),
            "{name}: {done:?}"
        );
        let done = env.run(&["config", "validate"]);
        assert_eq!(done.code, 0, "{name}: {done:?}");
        env.unset(name);
    }
}

#[test]
fn a_key_in_the_place_of_a_name_is_not_sent() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "hh_fedcba0987654321fedcba0987654321");
    let name = format!("ci {KEY}");
    for arguments in [
        &["project", "create", KEY][..],
        &["project", "create", "docs", "--description", KEY],
        &["auth", "owners", "create", KEY],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            &name,
            "--level",
            "admin",
            "--all-projects",
        ],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            "ci",
            "--level",
            "admin",
            "--project",
            KEY,
        ],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            "ci",
            "--level",
            "admin",
            "--all-projects",
            "--note",
            KEY,
        ],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            "ci",
            "--level",
            "admin",
            "--all-projects",
            "--owner",
            KEY,
        ],
        &["auth", "keys", "update", "some-id", "--name", KEY],
        &["event", "list", "--project", KEY],
    ] {
        let said = refused(&env, arguments);
        assert!(
            said.contains("expected a name, but found an API key"),
            "{said}"
        );
        assert!(said.ends_with("exit 2\n"), "{said}");
    }
}
