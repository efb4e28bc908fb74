use crate::support::{TestEnv, rows};

const CANARY: &str = "hh_canarycanarycanarycanarycanary00";

#[test]
fn config_list_shows_values_and_sources() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", CANARY);
    env.set("HH_BASE_URL", "https://one.example");
    env.set("HH_API_URL", "https://two.example");
    let done = env.run(&["config", "list", "--output", "table"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"warning: HH_BASE_URL and HH_API_URL name different servers; HH_BASE_URL takes precedence");
    insta::assert_snapshot!(rows(&done.stdout, &["SETTING", "api_key", "base_url", "project"]), @"
    SETTING | VALUE | SOURCE
    api_key | hh_canar*** | env:HH_API_KEY
    base_url | https://one.example | env:HH_BASE_URL
    project | - | unset
    ");
    let json = env.items(&["config", "list"]);
    assert_eq!(json[0]["name"], "api_key");
    assert_eq!(json[0]["source"], "env:HH_API_KEY");
    assert_eq!(json[0]["value"], "hh_canar***");
}

#[test]
fn a_named_file_is_read_and_shadowed_by_the_environment() {
    let mut env = TestEnv::new();
    let files = [
        (
            "a.yaml",
            "api_key: hh_file\nproject: from-file\ntimeout: 12.5\n",
            ["1:10", "2:10", "3:10"],
        ),
        (
            "a.json",
            r#"{"api_key": "hh_file", "project": "from-file", "timeout": 12.5}"#,
            ["1:13", "1:35", "1:59"],
        ),
        (
            "a.toml",
            "api_key = \"hh_file\"\nproject = \"from-file\"\ntimeout = 12.5\n",
            ["1:11", "2:11", "3:11"],
        ),
    ];
    for (name, text, places) in files {
        env.write(name, text);
        let flags = ["--config-file", name];
        let settings = [
            ("api_key", "hh_***"),
            ("project", "from-file"),
            ("timeout", "12.5"),
        ];
        for ((setting, value), place) in settings.into_iter().zip(places) {
            env.assert_setting(setting, &flags, value, &format!("file:{name}:{place}"));
        }
        // The table of all settings contains the same rows.
        let list = env.run_with(&["config", "list"], &flags).stdout;
        let row = format!("project | from-file | file:{name}:{}", places[1]);
        assert_eq!(rows(&list, &["project"]), row);
    }
    env.set("HH_PROJECT", "from-env");
    for (name, ..) in files {
        env.assert_setting(
            "project",
            &["--config-file", name],
            "from-env",
            "env:HH_PROJECT",
        );
    }
}

#[test]
fn a_broken_file_is_named_without_its_contents() {
    let env = TestEnv::new();
    for (name, text) in [
        ("a.yaml", format!("api_key: {CANARY}\n  oops: [")),
        ("b.json", format!("{{\"api_key\": \"{CANARY}\"")),
        ("c.toml", format!("api_key = \"{CANARY}\n")),
        ("d.yaml", format!("api_key: [{CANARY}]\n")),
        ("e.yaml", format!("apikey: {CANARY}\n")),
        (
            "f.yaml",
            "hh_canarycanarycanarycanarycanarycan: 1\n".to_owned(),
        ),
        ("g.yaml", format!("api_key: \"${{{CANARY}}}\"\n")),
        ("h.txt", format!("api_key={CANARY}\n")),
    ] {
        assert!(
            text.contains("canarycanary"),
            "the file does not contain the secret"
        );
        env.write(name, &text);
        for command in [["config", "list"], ["project", "list"]] {
            let flags = ["--config-file", name, "--debug", "--verbose"];
            let done = env.run(&[command.as_slice(), &flags].concat());
            assert_eq!(done.code, 5, "{name}: {done:?}");
            assert!(done.stderr.contains(name), "{done:?}");
            assert!(!format!("{done:?}").contains("canarycanary"), "{done:?}");
        }
    }
    let near = env.run(&["config", "list", "--config-file", "e.yaml"]);
    insta::assert_snapshot!(near.stderr, @"
    error: e.yaml:1:1: unknown setting apikey
      hint: did you mean api_key?
    ");
}

#[test]
fn debug_shows_requests_and_never_the_key() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let key = env.read("admin.key");
    let done = env.run(&["project", "list", "--debug", "--verbose"]);
    assert_eq!(done.code, 0);
    assert!(done.stderr.contains("debug: GET 127.0.0.1"), "{done:?}");
    assert!(
        done.stderr.contains("/v1/projects attempt 1: 200 OK"),
        "{done:?}"
    );
    assert!(!format!("{done:?}").contains(&key[8..20]), "{done:?}");
}

#[test]
fn empty_lists_are_a_header_and_empty_json() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    insta::assert_snapshot!(env.run(&["session", "list"]).stdout, @"SESSION  NAME  STARTED  DURATION  SOURCE");
    insta::assert_snapshot!(env.run(&["event", "list"]).stdout, @"STARTED  TYPE  NAME  DURATION  SESSION  EVENT");
    insta::assert_snapshot!(env.run(&["event", "list", "-o", "json", "--jq", "."]).stdout, @r#"{"items":[],"total":0,"next":null}"#);
    insta::assert_snapshot!(env.run(&["event", "list", "--tree"]).stdout, @"");
}

#[test]
fn wrong_command_lines_end_with_2() {
    let env = TestEnv::new();
    for arguments in [
        &["nonsense"][..],
        &[
            "auth",
            "keys",
            "create",
            "--name",
            "n",
            "--level",
            "owner",
            "--all-projects",
        ],
        &["auth", "keys", "create", "--name", "n", "--level", "admin"],
        &["event", "list", "--limit", "0"],
        &["event", "list", "--session-id", "x"],
    ] {
        let done = env.run(arguments);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.stderr.starts_with("error: "), "{done:?}");
    }
    assert_eq!(env.run(&["--version"]).code, 0);
    assert_eq!(env.run(&["auth", "--help"]).code, 0);
}

#[test]
fn a_host_that_does_not_resolve_is_named() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", CANARY);
    let done = env.run(&[
        "project",
        "list",
        "--base-url",
        "https://no-such-host.invalid",
    ]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(
        done.stderr
            .starts_with("error: cannot connect to no-such-host.invalid"),
        "{done:?}"
    );
    assert_eq!(done.stderr.lines().count(), 2, "{done:?}");
}

#[test]
fn config_list_prints_valid_settings_before_errors() {
    let mut env = TestEnv::new();
    env.set("HH_TIMEOUT", "soon");
    let done = env.run(&["config", "list"]);
    assert_eq!(done.code, 5);
    assert_eq!(
        rows(&done.stdout, &["timeout"]),
        "timeout | soon | env:HH_TIMEOUT"
    );
    insta::assert_snapshot!(done.stderr, @"error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds");
    env.write("n.yaml", "project: 1.10\n");
    let done = env.run(&["config", "list", "--config-file", "n.yaml"]);
    insta::assert_snapshot!(done.stderr, @"
    error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    error: n.yaml:1:10: invalid value for project: expected a string, found a number
      hint: quote the value
    ");
    env.write("t.yaml", "project: a\ndefault_project: b\n");
    let done = env.run(&["config", "list", "--config-file", "t.yaml"]);
    insta::assert_snapshot!(done.stderr, @"
    error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    error: t.yaml:2:1: default_project is set twice, first on line 1 as project
      hint: remove one
    ");
}

#[test]
fn a_dollar_in_an_env_file_is_a_dollar() {
    let env = TestEnv::new();
    env.write("a.env", "export HH_PROJECT=a$HOME # note\nHH_SOURCE='b'\n");
    let flags = ["--env-file", "a.env"];
    env.assert_setting("project", &flags, "a$HOME", "file:a.env:1:19");
    env.assert_setting("source", &flags, "b", "file:a.env:2:11");
    let record = env.json(&["config", "get", "source", "--env-file", "a.env"]);
    assert_eq!(record["layer"], "env file");
    env.write("b.env", format!("HH_API_KEY='{CANARY}\n"));
    let done = env.run(&["config", "list", "--env-file", "b.env"]);
    assert_eq!(done.code, 5);
    insta::assert_snapshot!(done.stderr, @"error: b.env:1: the quote is not closed");
}

#[test]
fn the_prefix_of_keys_is_no_key_and_is_named() {
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", "http://127.0.0.1:9");
    for (key, message) in [
        ("garbage", "does not begin with hh_, so it is"),
        ("hh_dev", "32 or more characters after hh_\n"),
        ("hh_dev_dev_dev", "than letters and digits after hh_\n"),
        ("hh_ingst_x", "begins with hh_ingst_ but is not"),
    ] {
        env.set("HH_API_KEY", key);
        let done = env.run(&["project", "list"]);
        env.unset("HH_API_KEY");
        assert!(done.stderr.contains(message), "{key}: {}", done.stderr);
    }
}
