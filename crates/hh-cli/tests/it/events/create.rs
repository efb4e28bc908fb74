//! The session of a created event, and the values of its members.

use serde_json::json;

use super::{SESSION, assert_fails, create, get, with_server, with_session};
use crate::support::canary::KEY;
use crate::support::{Loopback, TestEnv};

#[test]
fn what_was_typed_as_a_user_property_deletes_the_data_of_the_user() {
    let env = with_server();
    let ids = [
        "12e5",
        "1e3",
        "1.10",
        "12345678901234567890123",
        "42",
        "true",
        "null",
        "[1]",
        "\"a\"",
    ];
    for id in ids {
        let property = format!("user_id={id}");
        let event = create(&env, &["--type", "tool", "--user-property", &property]);
        assert_eq!(get(&env, &event)["user_properties"]["user_id"], id);
        let delete = [
            "event",
            "delete",
            "--user-property",
            &property,
            "--project",
            "default",
        ];
        for (flag, count) in [("--dry-run", 1), ("--yes", 1), ("--dry-run", 0)] {
            let data = env.json(&[&delete[..], &[flag]].concat());
            assert_eq!(data["events"], count, "{id} {flag}");
        }
    }
    // The data of a program that sends numbers.
    let event = create(&env, &["--type", "tool"]);
    let patch = json!({"event_id": event, "user_properties": {"user_id": 1_200_000}});
    env.write("patch.json", patch.to_string());
    assert_eq!(
        env.run(&["api", "PUT", "/events", "--input", "patch.json"])
            .code,
        0
    );
    let delete = [
        "event",
        "delete",
        "--user-property",
        "user_id=12e5",
        "--project",
        "default",
        "--dry-run",
    ];
    assert_eq!(env.json(&delete)["events"], 1);
    let update = ["event", "update", &event, "--user-property", "user_id=007"];
    assert_eq!(env.run(&update).code, 0);
    assert_eq!(get(&env, &event)["user_properties"]["user_id"], "007");
}

#[test]
fn a_whole_number_that_does_not_fit_into_64_bits_keeps_its_digits() {
    let env = with_server();
    let event = create(
        &env,
        &[
            "--type",
            "tool",
            "--input",
            "zip=12345678901234567890123",
            "--input",
            "low=-12345678901234567890123",
            "--input",
            "max=18446744073709551615",
            "--input",
            "size=1e30",
        ],
    );
    let expected = json!({
        "zip": "12345678901234567890123",
        "low": "-12345678901234567890123",
        "max": u64::MAX,
        "size": 1e30,
    });
    assert_eq!(get(&env, &event)["inputs"], expected);
}

#[test]
fn the_session_of_an_event_is_named_and_printed() {
    let env = with_server();
    let command = [
        "event",
        "create",
        "--type",
        "tool",
        "--session-name",
        "nightly run",
    ];
    for session in [&[][..], &["--session", "nightly-42"]] {
        let created = env.json(&[&command[..], session].concat());
        let id = created["session_id"].as_str().unwrap();
        assert_eq!(
            get(&env, created["event_id"].as_str().unwrap())["session_id"],
            id
        );
        let name = env.run(&["session", "get", id, "--jq", ".session.event_name"]);
        assert_eq!(name.stdout, "nightly run\n");
    }
    // The text of the session leads to the same session.
    let unnamed = [
        "event",
        "create",
        "--type",
        "tool",
        "--session",
        "nightly-42",
    ];
    let again = env.json(&unnamed);
    let other = env.run_with(
        &unnamed,
        &["--session-name", "other", "--jq", ".session_id"],
    );
    let id = again["session_id"].as_str().unwrap();
    assert_eq!(other.stdout, format!("{id}\n"));
    assert_eq!(
        other.stderr,
        format!("note: session {id} already has the name nightly run\n")
    );
    // A session that an event created without a name.
    let created = env.json(&["event", "create", "--type", "tool"]);
    let id = created["session_id"].as_str().unwrap();
    env.write(
        "event.json",
        json!({"event_type": "tool", "inputs": {}, "session_id": id, "session_name": "from a file"}).to_string(),
    );
    assert_eq!(
        env.run(&["event", "create", "--file", "event.json"]).code,
        0
    );
    let name = env.run(&["session", "get", id, "--jq", ".session.event_name"]);
    assert_eq!(name.stdout, "from a file\n");
}

#[test]
fn an_event_of_the_type_session_is_the_session() {
    let env = with_server();
    for options in [
        &["--name", "nightly"][..],
        &["--session-name", "nightly"],
        &["--name", "nightly", "--session", "run-7"],
    ] {
        let command = ["event", "create", "--type", "session", "--input", "a=1"];
        let created = env.json(&[&command[..], options].concat());
        let id = created["session_id"].as_str().unwrap();
        assert_eq!(created["event_id"], id, "{options:?}");
        let report = env.json(&["session", "get", id]);
        let session = &report["session"];
        assert_eq!(
            (
                &session["event_type"],
                &session["event_name"],
                &session["inputs"]
            ),
            (&json!("session"), &json!("nightly"), &json!({"a": 1})),
            "{options:?}"
        );
        assert_eq!(report["summary"]["events"], 0);
    }
    // A file with only the id of the event, and the other name of --session.
    let event = json!({"event_type": "session", "inputs": {}, "event_id": SESSION});
    env.write("session.json", event.to_string());
    let created = env.json(&["event", "create", "--file", "session.json"]);
    assert_eq!(created, json!({"event_id": SESSION, "session_id": SESSION}));
    let tool = ["event", "create", "--type", "tool", "--session-id", SESSION];
    assert_eq!(env.json(&tool)["session_id"], SESSION);
}

#[test]
fn a_mistake_in_the_options_or_the_file_gets_a_hint_and_nothing_is_sent() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", KEY);
    let event = r#"{"event_type": "tool", "inputs": {}}"#;
    env.write("list.json", format!("[{event}]"));
    env.write("lines.jsonl", format!("{event}\n{event}\n"));
    let tool = ["event", "create", "--type", "tool"];
    for (options, message) in [
        (
            &["--input", "a=1", "--input", "a=2"][..],
            "--input sets a twice",
        ),
        (
            &["--user-property", "a=1", "--user-property", "a=1"],
            "--user-property sets a twice",
        ),
        (&["--output", "found=3"], "hint: did you mean --outputs?"),
        (&["-o", "found=3"], "hint: did you mean --outputs?"),
    ] {
        assert_fails(&env.run_with(&tool, options), 2, message);
    }
    let update = [
        "event",
        "update",
        super::CHAT,
        "--outputs",
        "a=1",
        "--outputs",
        "a=2",
    ];
    assert_fails(&env.run(&update), 2, "--outputs sets a twice");
    for file in ["list.json", "lines.jsonl"] {
        let done = env.run(&["event", "create", "--file", file]);
        assert_fails(&done, 5, "expected one JSON object");
        assert!(
            done.stderr
                .contains("`honeyhive api POST /v1/events/batch --input FILE`"),
            "{done:?}"
        );
    }
    server.assert_untouched("the arguments are invalid");
}

#[test]
fn the_deletion_of_a_session_as_an_event_names_the_command_for_sessions() {
    let env = with_session();
    let done = env.run(&["event", "delete", SESSION, "--yes"]);
    assert_fails(&done, 4, "is a session");
    let hint = format!("run `honeyhive session delete {SESSION}` to delete the session");
    assert!(done.stderr.contains(&hint), "{done:?}");
}
