use crate::support::TestEnv;

const CANARY: &str = "hh_canarycanarycanarycanarycanary00";

#[test]
fn config_list_shows_values_and_sources() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", CANARY);
    env.set("HH_BASE_URL", "https://one.example");
    env.set("HH_API_URL", "https://two.example");
    let done = env.run(&["config", "list", "--output", "table"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"warning: HH_BASE_URL and HH_API_URL name different servers; of the two, HH_BASE_URL counts");
    let shown: Vec<_> = done.stdout.lines().take(4).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    SETTING         VALUE                SOURCE
    api_key         hh_canar***          HH_API_KEY (environment)
    base_url        https://one.example  HH_BASE_URL (environment)
    project         -                    not set
    ");
    let json = env.run(&["config", "list", "--output", "json"]).stdout;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[0]["source"], "HH_API_KEY (environment)");
    assert_eq!(rows[0]["value"], "hh_canar***");
}

#[test]
fn a_named_file_is_read_and_shadowed_by_the_environment() {
    let mut env = TestEnv::new();
    for (name, text) in [
        (
            "a.yaml",
            "api_key: hh_file\nproject: from-file\ntimeout: 12.5\n",
        ),
        (
            "a.json",
            r#"{"api_key": "hh_file", "project": "from-file", "timeout": 12.5}"#,
        ),
        (
            "a.toml",
            "api_key = \"hh_file\"\nproject = \"from-file\"\ntimeout = 12.5\n",
        ),
    ] {
        write(&env, name, text);
    }
    for name in ["a.yaml", "a.json", "a.toml"] {
        let list = env.run(&["config", "list", "--config-file", name]).stdout;
        assert!(list.contains("timeout         12.5"), "{name}: {list}");
        assert!(
            list.contains(&format!("from-file                 {name} (named file)")),
            "{list}"
        );
    }
    env.set("HH_PROJECT", "from-env");
    let list = env
        .run(&["config", "list", "--config-file", "a.yaml"])
        .stdout;
    assert!(list.contains("HH_PROJECT (environment)"), "{list}");
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
            "the secret is there to be leaked"
        );
        write(&env, name, &text);
        for command in [["config", "list"], ["project", "list"]] {
            let flags = ["--config-file", name, "--debug", "--verbose"];
            let done = env.run(&[command.as_slice(), &flags].concat());
            assert_eq!(done.code, 5, "{name}: {done:?}");
            assert!(done.stderr.contains(name), "{done:?}");
            assert!(!format!("{done:?}").contains("canarycanary"), "{done:?}");
        }
    }
    let near = env.run(&["config", "list", "--config-file", "e.yaml"]);
    insta::assert_snapshot!(near.stderr, @"error: e.yaml: apikey is not a setting; did you mean api_key?");
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
    insta::assert_snapshot!(env.run(&["event", "list", "--output", "json"]).stdout, @"[]");
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
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
}

#[test]
fn config_list_shows_what_there_is_before_what_is_wrong() {
    let mut env = TestEnv::new();
    env.set("HH_TIMEOUT", "soon");
    let done = env.run(&["config", "list"]);
    assert_eq!(done.code, 5);
    assert!(done.stdout.contains("HH_TIMEOUT (environment)"), "{done:?}");
    insta::assert_snapshot!(done.stderr, @"error: the value of timeout from HH_TIMEOUT (environment) is not a number of seconds from 1 to 300");
    write(&env, "n.yaml", "project: 1.10\n");
    let done = env.run(&["config", "list", "--config-file", "n.yaml"]);
    insta::assert_snapshot!(done.stderr, @"error: n.yaml: project is text, but a number stands there; write it in quotes");
    write(&env, "t.yaml", "project: a\ndefault_project: b\n");
    let done = env.run(&["config", "list", "--config-file", "t.yaml"]);
    insta::assert_snapshot!(done.stderr, @"error: t.yaml: project is set twice, by two of its names; remove one");
}

#[test]
fn a_dollar_in_an_env_file_is_a_dollar() {
    let env = TestEnv::new();
    write(
        &env,
        "a.env",
        "export HH_PROJECT=a$HOME # note\nHH_SOURCE='b'\n",
    );
    let list = env.run(&["config", "list", "--env-file", "a.env"]).stdout;
    assert!(list.contains("a$HOME"), "{list}");
    assert!(list.contains("HH_SOURCE (env file)"), "{list}");
    write(&env, "b.env", &format!("HH_API_KEY='{CANARY}\n"));
    let done = env.run(&["config", "list", "--env-file", "b.env"]);
    assert_eq!(done.code, 5);
    insta::assert_snapshot!(done.stderr, @"error: b.env:1: has a quote that is not closed on the same line");
}

#[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
fn write(env: &TestEnv, name: &str, text: &str) {
    std::fs::write(env.path(name), text).unwrap();
}
