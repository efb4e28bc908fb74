//! Invalid command lines: JSON errors, suggestions, numbers, and keys in the place of a path.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::TestEnv;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

#[test]
fn a_usage_error_is_json_where_all_other_errors_are() {
    let mut env = TestEnv::new();
    let mut all = String::new();
    let mut record = |env: &TestEnv, words: &str| {
        let done = env.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (2, ""),
            "{words}: {done:?}"
        );
        let error: Value = serde_json::from_str(&done.stderr).unwrap();
        let error = &error["error"];
        assert_eq!(
            (&error["kind"], &error["exit_code"]),
            (&"usage".into(), &2.into())
        );
        writeln!(
            all,
            "{words}\n    {}\n    {}",
            error["message"], error["hint"]
        )
        .unwrap();
    };
    for words in [
        "doctor -o json --foo",
        "-o json docter",
        "--output=json event list --limit x",
        "event list -ojson --output xml",
        "auth keys create --output json",
        "auth -o json",
        "config set timeout=20 --format jsonl",
        "event list --newer 1h -o JSON",
        "auth login --api-key-stdin --api-key x -o json",
    ] {
        record(&env, words);
    }
    env.set("HH_OUTPUT_FORMAT", "json");
    record(&env, "project list --bar");
    insta::assert_snapshot!(all);
    // Other formats, and options that only imply JSON, keep the text.
    for words in [
        "doctor --foo -o yaml",
        "doctor --foo --json x",
        "doctor --jq . --foo",
        "doctor --foo -- -o json",
    ] {
        env.unset("HH_OUTPUT_FORMAT");
        let done = env.run(&words.split(' ').collect::<Vec<_>>());
        assert!(
            done.stderr.starts_with("error: unexpected argument"),
            "{words}: {done:?}"
        );
    }
    let done = env.run(&["project", "list", "-o", "json", "--token", KEY, KEY]);
    assert!(!done.stderr.contains(&KEY[12..]), "{done:?}");
}

#[test]
fn guesses_about_sessions_servers_projects_and_settings_get_the_right_suggestion() {
    let env = TestEnv::new();
    let mut all = String::new();
    for words in [
        "session show 11111111-2222-4333-8444-555555555555",
        "session view 11111111",
        "session describe 11111111",
        "event list 11111111-2222-4333-8444-555555555555",
        "events list 11111111",
        "session list 11111111",
        "server stop",
        "server kill",
        "server shutdown",
        "server restart",
        "stop",
        "project use docs",
        "project switch docs",
        "project select docs",
        "projects default docs",
        "config set timeout=20",
        "config set api_key=hh_1234567890abcdef1234567890abcdef",
        "config set project=hh_1234567890abcdef1234567890abcdef",
        "config set nonsense=1",
        "config set timeout",
        "event list 5",
    ] {
        let done = env.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, 2, "{words}: {done:?}");
        assert!(!format!("{done:?}").contains(&KEY[12..]), "{done:?}");
        let hint = done
            .stderr
            .lines()
            .find(|line| line.starts_with("  hint: "));
        let words = words.replace(&KEY[8..], "***");
        writeln!(all, "{words}\n  {}", hint.unwrap_or("  (no hint)")).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_number_that_is_not_one_is_explained() {
    let env = TestEnv::new();
    for (option, value, expected) in [
        ("--limit", "x", "expected a whole number from 1 to 7500"),
        ("--limit", "0", "expected a whole number from 1 to 7500"),
        ("--limit", "7501", "expected a whole number from 1 to 7500"),
        ("--limit", "1.5", "expected a whole number from 1 to 7500"),
        (
            "--limit",
            "99999999999",
            "expected a whole number from 1 to 7500",
        ),
        ("--page", "0", "expected a whole number of at least 1"),
        ("--page", "first", "expected a whole number of at least 1"),
    ] {
        let done = env.run(&["event", "list", option, value]);
        assert!(done.stderr.contains(expected), "{done:?}");
        assert!(!done.stderr.contains("invalid digit"), "{done:?}");
    }
}

#[test]
fn a_key_in_the_place_of_a_path_is_refused_and_not_printed() {
    let env = TestEnv::new();
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "x",
        "--level",
        "admin",
        "--all-projects",
    ];
    for (command, option) in [
        (&create[..], Some("--key-file")),
        (&["auth", "keys", "rotate", "some-id"], Some("--key-file")),
        (&["server", "start"], Some("--admin-key-file")),
        (&["server", "start"], Some("--data-dir")),
        (&["doctor"], Some("--bundle")),
        (&["api", "POST", "/v1/events"], Some("--input")),
        (&["auth", "scan"], None),
        (&["auth", "scan", "."], None),
    ] {
        for key in [KEY.to_owned(), format!(" {KEY}")] {
            let words: Vec<_> = command
                .iter()
                .copied()
                .chain(option)
                .chain([key.as_str()])
                .collect();
            let done = env.run(&words);
            assert_eq!(done.code, 2, "{done:?}");
            assert!(
                done.stderr
                    .contains("expected a path, but found an API key"),
                "{done:?}"
            );
            assert!(!format!("{done:?}").contains(&KEY[12..]), "{done:?}");
        }
    }
    assert!(!env.path(KEY).exists());
}
