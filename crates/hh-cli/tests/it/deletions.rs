//! Deletions of events, sessions, the data of a user and projects.

mod prompts;

use serde_json::{Value, json};

use crate::support::{Loopback, RunOutput, TestEnv, usual};

const SESSION: &str = "3f2a91bc-2222-4333-8444-555555555555";
const CHAT: &str = "7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11";
const SEARCH: &str = "8e1c3f60-52a8-4be0-9a3d-1f0f6f2f3c22";
const UNKNOWN: &str = "99999999-2222-4333-8444-555555555555";

/// Every command that deletes, with an object that exists.
const COMMANDS: &[&[&str]] = &[
    &["event", "delete", CHAT],
    &["session", "delete", SESSION],
    &[
        "event",
        "delete",
        "--user-property",
        "user_id=u1",
        "--project",
        "default",
    ],
    &["project", "delete", "default"],
];

/// Returns an environment whose server has a session of a user with two events in the project `default`.
fn with_session() -> TestEnv {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let user = json!({"user_id": "u1"});
    create(
        &env,
        &json!([
            {"event_id": SESSION, "session_id": SESSION, "event_type": "session", "event_name": "answer"},
            {"event_id": CHAT, "session_id": SESSION, "event_type": "model", "user_properties": user},
            {"event_id": SEARCH, "session_id": SESSION, "event_type": "tool", "parent_id": CHAT},
        ]),
    );
    env
}

/// Creates events; each is an object without inputs.
fn create(env: &TestEnv, events: &Value) {
    let mut events = events.clone();
    for event in events.as_array_mut().unwrap() {
        event["inputs"] = json!({});
    }
    env.write("events.json", json!({"events": events}).to_string());
    let done = env.run(&["api", "POST", "/v1/events/batch", "--input", "events.json"]);
    assert_eq!(done.code, 0, "{done:?}");
}

/// Returns the number of events on the server, with the sessions.
fn count(env: &TestEnv) -> usize {
    env.items(&["event", "list"]).as_array().unwrap().len()
}

fn assert_fails(done: &RunOutput, code: i32, message: &str) {
    assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{done:?}");
    assert!(done.stderr.contains(message), "{done:?}");
}

/// Returns an environment whose server is a loopback server with one project.
fn at(server: &Loopback) -> TestEnv {
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", "hh_1234567890abcdef1234567890abcdef");
    env
}

/// Returns the response to the deletion of a session and of a project, and the usual one to any other request.
fn deleted(request: &hh_testing::Request, data: &Value) -> String {
    let ok = "200 OK\r\nContent-Type: application/json\r\n\r\n";
    let mut body = data.clone();
    match request.path() {
        "/v1/projects" => {
            body = json!({"projects": [{"id": "p1", "name": "default", "description": ""}]});
        }
        path if path.starts_with("/v1/sessions") || path.starts_with("/v1/projects/") => {
            body["success"] = true.into();
            body["deleted"] = SESSION.into();
        }
        _ => return usual(request),
    }
    format!("{ok}{body}")
}

#[test]
fn a_dry_run_prints_what_would_be_deleted_and_deletes_nothing() {
    let env = with_session();
    let project = env.items(&["project", "list"])[0]["id"].take();
    let expected = [
        (
            format!("Would delete event {CHAT}\n"),
            json!({"event_id": CHAT, "sessions": 0, "events": 1}),
        ),
        (
            format!("Would delete session {SESSION} with 2 events\n"),
            json!({"session_id": SESSION, "sessions": 1, "events": 2}),
        ),
        (
            "Would delete 0 sessions and 1 event of project default with user property user_id=u1\n".to_owned(),
            json!({"project_id": project, "project": "default", "user_property": "user_id", "value": "u1",
                "sessions": 0, "events": 1}),
        ),
        (
            "Would delete project default with 1 session and 2 events\n".to_owned(),
            json!({"project_id": project, "project": "default", "sessions": 1, "events": 2}),
        ),
    ];
    for (command, (text, mut data)) in COMMANDS.iter().zip(expected) {
        // --dry-run takes precedence over --yes, so that it can be added to any command.
        for flags in [&["--dry-run"][..], &["--yes", "--dry-run"]] {
            let done = env.run_with(command, flags);
            assert_eq!(
                (done.code, &done.stdout, done.stderr.as_str()),
                (0, &text, ""),
                "{command:?}"
            );
        }
        data["dry_run"] = true.into();
        data["complete"] = true.into();
        assert_eq!(env.json(&[*command, &["--dry-run"]].concat()), data);
    }
    assert_eq!(count(&env), 3);
}

#[test]
fn an_event_is_deleted_without_its_child_events() {
    let env = with_session();
    let done = env.run(&["event", "delete", CHAT, "--yes"]);
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr),
        (0, "", format!("Deleted event {CHAT}\n"))
    );
    assert_fails(&env.run(&["event", "get", CHAT]), 4, "404");
    let child = env.json(&["event", "get", SEARCH]);
    assert_eq!(child["parent_id"], CHAT);
    let data = env.json(&["event", "delete", SEARCH, "-y"]);
    let expected =
        json!({"event_id": SEARCH, "sessions": 0, "events": 1, "dry_run": false, "complete": true});
    assert_eq!(data, expected);
    assert_eq!(count(&env), 1);
}

#[test]
fn a_session_is_deleted_by_the_beginning_of_its_id() {
    let env = with_session();
    let other = SESSION.replace("555555555555", "666666666666");
    create(
        &env,
        &json!([{"event_id": other, "session_id": other, "event_type": "session"}]),
    );
    let several = env.run(&["session", "delete", &SESSION[..8], "--yes"]);
    assert_fails(&several, 2, "2 sessions have an id that begins with");
    assert_eq!(count(&env), 4);
    let done = env.run(&["session", "delete", &SESSION[..26], "--yes"]);
    let message = format!("Deleted session {SESSION} with 2 events\n");
    assert_eq!((done.code, done.stderr), (0, message));
    assert_eq!(env.items(&["event", "list"])[0]["event_id"], other);
}

#[test]
fn the_data_of_a_user_is_deleted_in_one_project() {
    let env = with_session();
    assert_eq!(env.run(&["project", "create", "docs"]).code, 0);
    create(
        &env,
        &json!([
            {"event_type": "tool", "project": "docs", "user_properties": {"user_id": "u1"}},
            {"event_type": "tool", "user_properties": {"user_id": "u2"}},
        ]),
    );
    let delete = ["event", "delete", "--user-property", "user_id=u1", "--yes"];
    let unnamed = env.run(&delete);
    assert_fails(&unnamed, 2, "--user-property requires a project");
    assert!(
        unnamed.stderr.contains("hint: add --project NAME"),
        "{unnamed:?}"
    );
    let unknown = env.run_with(&delete, &["--project", "typo"]);
    assert_fails(&unknown, 4, "project typo was not found");

    // The project of the configuration applies.
    env.write("honeyhive.yaml", "project: default\n");
    let done = env.run_with(&delete, &["--config-file", "honeyhive.yaml"]);
    let message =
        "Deleted 0 sessions and 1 event of project default with user property user_id=u1\n";
    assert_eq!((done.code, done.stderr.as_str()), (0, message));
    for (project, users) in [("docs", "u1\n"), ("default", "u2\nnull\n")] {
        let list = [
            "event",
            "list",
            "--project",
            project,
            "--event-type",
            "tool",
        ];
        let left = env.run_with(&list, &["--jq", ".items[].user_properties.user_id"]);
        assert_eq!(left.stdout, users);
    }
}

/// A number would also equal the text `042`, which can be another user.
#[test]
fn the_value_of_a_user_property_is_compared_as_a_text() {
    let env = with_session();
    let ids = [json!(42), json!("42"), json!("042"), json!(42.5)];
    let events: Vec<_> = ids
        .iter()
        .map(|id| json!({"event_type": "tool", "event_name": "of user", "user_properties": {"user_id": id}}))
        .collect();
    create(&env, &events.into());
    let delete = [
        "event",
        "delete",
        "--project",
        "default",
        "--yes",
        "--user-property",
    ];
    assert_eq!(
        env.json(&[&delete[..], &["user_id=42"]].concat())["events"],
        2
    );
    let left = env.run(&[
        "event",
        "list",
        "--name",
        "of user",
        "--jq",
        "[.items[].user_properties.user_id | tostring] | sort",
    ]);
    let left: Value = serde_json::from_str(&left.stdout).unwrap();
    assert_eq!(left, json!(["042", "42.5"]));
    for invalid in ["user_id", "=42", "user_id="] {
        let done = env.run_with(&delete, &[invalid]);
        assert_fails(&done, 2, "expected NAME=VALUE");
    }
    let both = env.run(&[
        "event",
        "delete",
        CHAT,
        "--user-property",
        "user_id=u1",
        "--yes",
    ]);
    assert_fails(&both, 2, "cannot be used with");
    assert_fails(&env.run(&["event", "delete", "--yes"]), 2, "required");
}

#[test]
fn a_project_is_deleted_by_its_name_or_the_beginning_of_its_id() {
    let env = with_session();
    for name in ["docs", "evals"] {
        assert_eq!(env.run(&["project", "create", name]).code, 0);
    }
    let key = [
        "auth",
        "keys",
        "create",
        "--name",
        "ci",
        "--level",
        "read_only",
        "--project",
        "docs",
        "--key-file",
        "ci.key",
    ];
    assert_eq!(env.run(&key).code, 0);
    let keys = [
        "auth",
        "keys",
        "list",
        "--jq",
        ".items[] | select(.name == \"ci\") | .id",
    ];
    let id = env.run(&keys).stdout;
    let limited = env.run(&["project", "delete", "docs", "--yes"]);
    assert_fails(&limited, 1, "revoke the key first");
    assert_fails(&limited, 1, id.trim());
    assert_fails(&limited, 1, "hint: run `honeyhive auth keys show ID`");

    let done = env.run(&["project", "delete", "default", "--yes"]);
    let message = "Deleted project default with 1 session and 2 events\n";
    assert_eq!((done.code, done.stderr.as_str()), (0, message));
    let evals = env.run(&[
        "project",
        "list",
        "--jq",
        ".items[] | select(.name == \"evals\") | .id",
    ]);
    let data = env.json(&["project", "delete", &evals.stdout[..8], "--yes"]);
    assert_eq!(
        (&data["project"], &data["events"]),
        (&json!("evals"), &json!(0))
    );
    let left = env.run(&["project", "list", "--jq", ".items[].name"]);
    assert_eq!(left.stdout, "docs\n");
    for command in [
        &["project", "delete", "default", "--yes"][..],
        &["project", "delete", "default", "--dry-run"],
    ] {
        assert_fails(&env.run(command), 4, "project default was not found");
    }
}

#[test]
fn an_unknown_id_is_an_error_and_deletes_nothing() {
    let env = with_session();
    for flag in ["--yes", "--dry-run"] {
        for id in [UNKNOWN, SESSION] {
            let done = env.run(&["event", "delete", id, flag]);
            assert_fails(&done, 4, "404");
            assert!(
                done.stderr.contains("`honeyhive session delete"),
                "{done:?}"
            );
        }
        let done = env.run(&["session", "delete", UNKNOWN, flag]);
        assert_fails(&done, 4, &format!("session {UNKNOWN} was not found"));
        let done = env.run(&["session", "delete", &UNKNOWN[..8], flag]);
        assert_fails(&done, 4, "no session has an id that begins with 99999999");
    }
    let part = env.run(&["event", "delete", &CHAT[..8], "--yes"]);
    assert_fails(&part, 2, "expected the whole ID of an event");
    assert_eq!(count(&env), 3);
}

#[test]
fn without_a_terminal_and_without_yes_no_request_is_sent() {
    let server = Loopback::start();
    let env = at(&server);
    for command in COMMANDS {
        let done = env.run_with_input(command, "y\n");
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{done:?}");
        assert_eq!(
            done.stderr,
            "error: cannot ask for confirmation without a terminal\n  \
             hint: add --yes to delete without confirmation, or --dry-run to print what would be deleted\n"
        );
    }
    server.assert_untouched("the command needs a confirmation");
}

#[test]
fn a_deletion_that_continues_in_the_background_is_mentioned() {
    let data = json!({"sessions": 1, "events": 9, "dry_run": false, "complete": false});
    let server = Loopback::with(move |request| deleted(request, &data));
    let env = at(&server);
    for (command, message) in [
        (
            COMMANDS[1],
            format!("Deleted session {SESSION} with 9 events\n"),
        ),
        (
            COMMANDS[3],
            "Deleted project default with 1 session and 9 events\n".to_owned(),
        ),
    ] {
        let done = env.run_with(command, &["--yes"]);
        let note = "note: not everything is deleted yet; the server continues the deletion in the background\n";
        assert_eq!((done.code, done.stderr), (0, message + note));
    }
    assert_eq!(
        env.json(&["session", "delete", SESSION, "--yes"])["complete"],
        false
    );
}

/// Such a server ignores the member `dry_run`, and its responses contain no numbers.
#[test]
fn a_server_without_dry_runs_deletes_only_with_yes() {
    let server = Loopback::with(|request| {
        if request.path() == "/v1/auth/whoami" {
            return "404 Not Found\r\n\r\n{}".to_owned();
        }
        deleted(request, &json!({}))
    });
    let env = at(&server);
    for command in COMMANDS {
        let done = env.run_with(command, &["--dry-run"]);
        assert_fails(
            &done,
            5,
            "the server does not support dry runs of deletions",
        );
        assert!(
            done.stderr
                .contains("hint: use --yes to delete without a dry run"),
            "{done:?}"
        );
    }
    for (command, message) in [
        (COMMANDS[1], format!("Deleted session {SESSION}\n")),
        (COMMANDS[3], "Deleted project default\n".to_owned()),
    ] {
        let done = env.run_with(command, &["--yes"]);
        assert_eq!((done.code, done.stderr), (0, message));
    }
    let requests = server.requests();
    let deletions = requests
        .iter()
        .filter(|request| request.text().starts_with("DELETE "));
    assert_eq!(deletions.count(), 2);
}

#[test]
fn a_server_without_the_operation_gives_a_hint() {
    let server = Loopback::with(|request| match request.path() {
        "/v1/projects" => deleted(request, &json!({})),
        _ => "404 Not Found\r\n\r\n{}".to_owned(),
    });
    let env = at(&server);
    for command in &COMMANDS[2..] {
        let done = env.run_with(command, &["--yes"]);
        assert_fails(&done, 4, "hint: the server may not support this operation");
    }
}

#[test]
fn test_mode_deletes_nothing_and_says_so() {
    let mut env = TestEnv::new();
    env.set("HH_TEST_MODE", "true");
    for command in COMMANDS {
        for flag in ["--yes", "--dry-run"] {
            let done = env.run_with(command, &[flag]);
            assert_fails(&done, 1, "not available in test mode");
        }
    }
}

#[test]
fn names_of_other_programs_suggest_delete() {
    let env = TestEnv::new();
    for group in ["event", "session", "project"] {
        for word in ["rm", "remove", "delet"] {
            let done = env.run(&[group, word, CHAT]);
            let hint = format!("did you mean `honeyhive {group} delete`?");
            assert_fails(&done, 2, &hint);
        }
    }
}
