//! Lists: sessions that do not exist, projects, trees, filters and narrow tables.

use serde_json::json;

use crate::support::TestEnv;

const SESSION: &str = "11111111-2222-4333-8444-555555555555";

/// Returns an environment with a server that has one session.
fn with_session() -> TestEnv {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let session =
        json!({"session_id": SESSION, "session_name": "a session with a rather long name"});
    env.write("session.json", json!({"session": session}).to_string());
    let start = ["api", "POST", "/session/start", "--input", "session.json"];
    let done = env.run(&start);
    assert_eq!(done.code, 0, "{done:?}");
    env
}

#[test]
fn a_session_that_does_not_exist_is_an_error() {
    let env = with_session();
    let unknown = "99999999-2222-4333-8444-555555555555";
    for options in [
        &[][..],
        &["--event-type", "model"],
        &["--tree"],
        &["--page", "2"],
    ] {
        let list = ["event", "list", "--session-id", unknown];
        let seen = env.seen(&[&list[..], options].concat());
        insta::allow_duplicates!(insta::assert_snapshot!(seen, @"
        ! error: session 99999999-2222-4333-8444-555555555555 was not found
        ! | hint: run `honeyhive session list` to list sessions, or select another project with --project
        exit 4
        "));
    }
    // The session has no event of this type.
    let none = env.run(&[
        "event",
        "list",
        "--session-id",
        SESSION,
        "--event-type",
        "model",
    ]);
    assert_eq!(none.code, 0, "{none:?}");
    let found = env.items(&["event", "list", "--session-id", SESSION]);
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[test]
fn the_note_about_an_empty_list_names_the_project() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let note = |env: &TestEnv, options: &[&str]| env.run_with(&["event", "list"], options).stderr;
    assert_eq!(
        note(&env, &[]),
        "No events found in the only project of the key, or in project default if the key applies to several; use --project to select another project\n"
    );
    assert_eq!(
        note(&env, &["--project", "default"]),
        "No events found in project default\n"
    );
    env.set("HH_PROJECT", "default");
    assert_eq!(note(&env, &[]), "No events found in project default\n");
    env.set("HH_TEST_MODE", "true");
    let note = note(&env, &["--session-id", SESSION]);
    assert!(note.ends_with("\nNo events found\n"), "{note}");
}

#[test]
fn a_tree_is_only_for_text() {
    let mut env = with_session();
    for format in ["json", "yaml", "csv", "jsonl"] {
        let done = env.run(&["event", "list", "--tree", "-o", format]);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{done:?}");
        let message = format!("the option --tree cannot be used with --output {format}");
        assert!(done.stderr.contains(&message), "{done:?}");
    }
    env.set("HH_OUTPUT_FORMAT", "json");
    assert_eq!(env.run(&["event", "list", "--tree"]).code, 2);
    let text = env.run(&["event", "list", "--tree", "-o", "table"]);
    assert!(text.stdout.starts_with("a session"), "{text:?}");
}

#[test]
fn a_filter_that_treats_a_list_as_an_array_gets_a_note() {
    let env = TestEnv::new();
    let note = |filter: &str| env.run(&["config", "list", "--jq", filter]).stderr;
    for filter in [".[0]", " .[0]", ".[0].name", ".[-1]", ".[3].file.x"] {
        assert!(
            note(filter).contains("use .items[0] for its first element"),
            "{filter}"
        );
    }
    for filter in [
        ".items[0]",
        ".items[0].file",
        ".next",
        ".total",
        ".[\"total\"]",
        "null",
    ] {
        assert_eq!(note(filter), "", "{filter}");
    }
    // An object is not a list.
    assert_eq!(
        env.run(&["config", "get", "timeout", "--jq", ".[0]"])
            .stderr,
        ""
    );
    let quiet = env.run(&["config", "list", "--jq", ".[0]", "--quiet"]);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn errors_of_a_filter_contain_no_data() {
    let mut env = TestEnv::new();
    env.set("HH_PROJECT", "hidden-word");
    for filter in [
        ".items.name",
        ".items | .[\"x\"]",
        ".items[] | .value | tonumber",
        ".items[] | .value + 1",
        ".items[] | error",
        ".items[] | .value | error",
        ".items[] | .value | fromjson",
        ".items[] | .value[0]",
        ".items[] | keys[0] | .a",
        ".items[] | .value | @base64d",
        ".items[] | .value | test(\"[\")",
        ".items[] | {(.value): 1} | implode",
    ] {
        let done = env.run(&["config", "list", "--json", "value", "--jq", filter]);
        assert!(!done.stderr.contains("hidden"), "{filter}: {done:?}");
        assert!(done.stderr.len() < 120, "{filter}: {done:?}");
    }
}

#[test]
fn a_narrow_list_of_events_keeps_the_time_rather_than_the_id() {
    let mut env = with_session();
    let header = |env: &TestEnv| {
        let done = env.run(&["event", "list"]);
        let header = done.stdout.lines().next().unwrap().to_owned();
        header.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    env.set("COLUMNS", "80");
    assert_eq!(header(&env), "STARTED TYPE NAME DURATION SESSION");
    env.set("COLUMNS", "60");
    assert!(header(&env).starts_with("STARTED "), "{}", header(&env));
    env.set("COLUMNS", "160");
    assert_eq!(header(&env), "STARTED TYPE NAME DURATION SESSION EVENT");
}
