//! Events and sessions: create, show, update, search and export.

mod conditions;
mod create;
mod export;
mod resume;

use hh_testing::run_with_input;
use serde_json::{Value, json};

use crate::support::canary::KEY;
use crate::support::{Loopback, RunOutput, TestEnv};

const SESSION: &str = "3f2a91bc-2222-4333-8444-555555555555";
const CHAT: &str = "7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11";
const SEARCH: &str = "8e1c3f60-52a8-4be0-9a3d-1f0f6f2f3c22";
/// 2026-11-23T19:21:16.002Z in Unix milliseconds.
const START: f64 = 1_795_461_676_002.0;

/// Returns an environment with a server and the admin key.
fn with_server() -> TestEnv {
    let mut env = TestEnv::with_server();
    env.be_admin();
    env
}

/// Returns an environment whose server has a session with two events.
fn with_session() -> TestEnv {
    let env = with_server();
    let events = json!([
        {"event_id": SESSION, "session_id": SESSION, "event_type": "session", "event_name": "answer a question",
            "source": "dev", "inputs": {"question": "How?"}, "start_time": START, "duration": 2500},
        {"event_id": CHAT, "session_id": SESSION, "event_type": "model", "event_name": "chat", "source": "dev",
            "inputs": {"messages": [{"role": "system", "content": "Be brief.\nBe kind."}, {"role": "user", "content": "How?"}]},
            "outputs": {"text": "So."}, "config": {"model": "m-1"}, "start_time": START + 1.0, "duration": 1200,
            "metadata": {"prompt_tokens": 120, "completion_tokens": 30}, "metrics": {"accuracy": 0.5}},
        {"event_id": SEARCH, "session_id": SESSION, "parent_id": CHAT, "event_type": "tool", "event_name": "search",
            "source": "dev", "inputs": {"query": "hives"}, "error": "timed out", "start_time": START + 2.0, "duration": 300},
    ]);
    env.write("events.json", json!({"events": events}).to_string());
    let path = "/v1/events/batch";
    let done = env.run(&["api", "POST", path, "--input", "events.json"]);
    assert_eq!(done.code, 0, "{done:?}");
    env
}

/// Returns the output of a command with the id of the project replaced.
fn seen(env: &TestEnv, arguments: &[&str]) -> String {
    let project = env.items(&["project", "list"])[0]["id"].take();
    let seen = env.seen(&[arguments, &["--utc"]].concat());
    seen.replace(project.as_str().unwrap(), "[project]")
}

/// Creates an event and returns its id.
fn create(env: &TestEnv, options: &[&str]) -> String {
    let done = env.run_with(&["event", "create"], options);
    assert_eq!(
        (done.code, done.stderr.as_str(), done.stdout.lines().count()),
        (0, "", 1),
        "{done:?}"
    );
    done.stdout.trim().to_owned()
}

fn get(env: &TestEnv, id: &str) -> Value {
    env.json(&["event", "get", id])
}

fn assert_fails(done: &RunOutput, code: i32, message: &str) {
    assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{done:?}");
    assert!(done.stderr.contains(message), "{done:?}");
}

#[test]
fn an_event_is_shown_in_sections_and_as_one_object() {
    let env = with_session();
    insta::assert_snapshot!(seen(&env, &["event", "get", CHAT]));
    insta::assert_snapshot!("failed_event", seen(&env, &["event", "get", SEARCH]));
    let event = get(&env, &CHAT.to_ascii_uppercase());
    assert_eq!(event["event_id"], CHAT);
    assert_eq!(event["inputs"]["messages"][1]["content"], "How?");
    let selected = env.run(&["event", "get", CHAT, "--jq", ".outputs.text"]);
    assert_eq!(selected.stdout, "So.\n");
    let csv = env.run(&[
        "event",
        "get",
        CHAT,
        "-o",
        "csv",
        "--json",
        "event_name,duration",
    ]);
    assert_eq!(csv.stdout, "event_name,duration\nchat,1200.0\n");
}

#[test]
fn an_event_that_does_not_exist_and_a_part_of_an_id_are_errors() {
    let env = with_session();
    let unknown = "99999999-2222-4333-8444-555555555555";
    for command in [
        &["event", "get", unknown][..],
        &["event", "update", unknown, "--metrics", "a=1"],
    ] {
        assert_fails(&env.run(command), 4, "404");
    }
    let done = env.run(&["event", "get", unknown]);
    assert!(
        done.stderr.contains("hint: run `honeyhive event list`"),
        "{done:?}"
    );
    let part = env.run(&["event", "get", &CHAT[..8]]);
    assert_fails(&part, 2, "expected the whole ID of an event");
}

#[test]
fn an_event_is_created_from_options() {
    let env = with_session();
    let id = create(
        &env,
        &[
            "--type",
            "tool",
            "--name",
            "search",
            "--session",
            &SESSION[..8],
            "--parent",
            CHAT,
            "--source",
            "ci",
            "--input",
            "query=hives",
            "--input",
            "limit=3",
            "--input",
            "tags=[\"a\"]",
            "--outputs",
            "found=a=b",
            "--metadata",
            "cost=0.5",
            "--metrics",
            "ok=true",
            "--feedback",
            "rating=null",
            "--user-property",
            "tier=pro",
            "--error",
            "too slow",
        ],
    );
    let event = get(&env, &id);
    for (member, value) in [
        ("event_type", json!("tool")),
        ("event_name", json!("search")),
        ("session_id", json!(SESSION)),
        ("parent_id", json!(CHAT)),
        ("source", json!("ci")),
        (
            "inputs",
            json!({"query": "hives", "limit": 3, "tags": ["a"]}),
        ),
        ("outputs", json!({"found": "a=b"})),
        ("metadata", json!({"cost": 0.5})),
        ("metrics", json!({"ok": true})),
        ("feedback", json!({"rating": null})),
        ("user_properties", json!({"tier": "pro"})),
        ("error", json!("too slow")),
    ] {
        assert_eq!(event[member], value, "{member}");
    }
    // Without a session, the event gets a new one.
    let created = env.json(&["event", "create", "--type", "chain"]);
    let id = created["event_id"].as_str().unwrap();
    let session = get(&env, id)["session_id"].take();
    assert_eq!(created, json!({"event_id": id, "session_id": session}));
    assert_ne!(session, SESSION);
    // The beginning of an id that no session has would otherwise become another session.
    let done = env.run(&["event", "create", "--type", "tool", "--session", "99999999"]);
    assert_fails(&done, 4, "no session has an id that begins with 99999999");
}

#[test]
fn an_event_is_created_from_a_file_and_options_take_precedence() {
    let env = with_session();
    let event = json!({"event_type": "model", "event_name": "chat", "inputs": {"a": 1, "b": 2}, "duration": 5});
    env.write("event.json", event.to_string());
    let id = create(
        &env,
        &[
            "--file",
            "event.json",
            "--name",
            "other",
            "--input",
            "b=3",
            "--type",
            "chain",
        ],
    );
    let stored = get(&env, &id);
    assert_eq!(
        (&stored["event_name"], &stored["event_type"]),
        (&json!("other"), &json!("chain"))
    );
    assert_eq!(stored["inputs"], json!({"a": 1, "b": 3}));
    assert_eq!(stored["duration"], 5.0);
    // The output of one command is the input of the other.
    let mut copy = get(&env, SEARCH);
    copy["event_id"] = Value::Null;
    let copied = run_with_input(
        &mut env.command(&["event", "create", "--file", "-"]),
        &copy.to_string(),
    )
    .unwrap();
    assert_eq!(copied.code, 0, "{copied:?}");
    let copied = get(&env, copied.stdout.trim());
    for member in [
        "session_id",
        "parent_id",
        "inputs",
        "error",
        "start_time",
        "end_time",
    ] {
        assert_eq!(copied[member], copy[member], "{member}");
    }
}

#[test]
fn an_invalid_event_is_an_error_and_nothing_is_sent() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", KEY);
    env.write("list.json", "[]");
    env.write("unknown.json", r#"{"event_type": "tool", "shade": 1}"#);
    for (options, code, message) in [
        (&["--name", "x"][..], 2, "--type"),
        (&["--type", "span"], 2, "invalid value 'span'"),
        (
            &["--type", "tool", "--input", "query"],
            2,
            "expected NAME=VALUE",
        ),
        (
            &["--type", "tool", "--input", "=1"],
            2,
            "expected NAME=VALUE",
        ),
        (
            &["--type", "tool", "--parent", "1"],
            2,
            "expected the whole ID",
        ),
        (
            &["--file", "missing.json"],
            5,
            "cannot read the event from missing.json",
        ),
        (
            &["--file", "list.json"],
            5,
            "cannot read the event from list.json",
        ),
        (&["--file", "unknown.json"], 5, "unknown field `shade`"),
    ] {
        assert_fails(&env.run_with(&["event", "create"], options), code, message);
    }
    for options in [&[CHAT][..], &[CHAT, "--project", "docs"]] {
        assert_fails(
            &env.run_with(&["event", "update"], options),
            2,
            "required arguments",
        );
    }
    server.assert_untouched("the arguments are invalid");
}

#[test]
fn an_update_replaces_the_outputs_and_merges_the_other_members() {
    let env = with_session();
    let options = [
        "--outputs",
        "answer=42",
        "--metadata",
        "reviewed=true",
        "--metrics",
        "accuracy=0.9",
        "--feedback",
        "rating=5",
        "--user-property",
        "name=Bee",
    ];
    let done = env.run_with(&["event", "update", CHAT], &options);
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr),
        (0, "", format!("Updated event {CHAT}\n"))
    );
    let event = get(&env, CHAT);
    assert_eq!(event["outputs"], json!({"answer": 42}));
    let metadata = json!({"prompt_tokens": 120, "completion_tokens": 30, "reviewed": true});
    assert_eq!(event["metadata"], metadata);
    assert_eq!(event["metrics"], json!({"accuracy": 0.9}));
    assert_eq!(event["feedback"], json!({"rating": 5}));
    assert_eq!(event["user_properties"], json!({"name": "Bee"}));
    let updated = env.json(&["event", "update", SESSION, "--feedback", "rating=1"]);
    assert_eq!(updated, json!({"event_id": SESSION}));
    assert_eq!(get(&env, SESSION)["feedback"], json!({"rating": 1}));
}

#[test]
fn keys_in_events_are_redacted_before_they_are_sent() {
    let created = format!(r#"{{"success": true, "event_id": "{CHAT}"}}"#);
    let server = Loopback::always(&format!(
        "200 OK\r\nContent-Type: application/json\r\n\r\n{created}"
    ));
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", "hh_1234567890abcdef1234567890abcdef");
    let member = format!("auth=Bearer {KEY}");
    env.write(
        "event.json",
        json!({"event_type": "tool", "inputs": {"header": KEY}}).to_string(),
    );
    for command in [
        &[
            "event", "create", "--type", "tool", "--input", &member, "--error", KEY,
        ][..],
        &["event", "create", "--file", "event.json"],
        &[
            "event",
            "update",
            CHAT,
            "--metadata",
            &member,
            "--outputs",
            &member,
        ],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 0, "{done:?}");
    }
    for request in server.requests() {
        let text = request.text();
        assert!(!text.contains(&KEY[10..]) && text.contains("***"), "{text}");
    }
    // As a condition, a key would be sent to the server.
    let condition = format!("inputs.header = {KEY}");
    for options in [["--where", &condition], ["--name", KEY]] {
        let done = env.run_with(&["event", "list"], &options);
        assert_fails(&done, 2, "found an API key");
    }
}

#[test]
fn search_is_another_name_of_list_and_all_reads_every_page() {
    let env = with_session();
    let batch: Vec<_> = (0..1500)
        .map(|n| json!({"event_type": "tool", "event_name": "bulk", "inputs": {}, "start_time": START + f64::from(n)}))
        .collect();
    env.write("bulk.json", json!({"events": batch}).to_string());
    assert_eq!(
        env.run(&["api", "POST", "/v1/events/batch", "--input", "bulk.json"])
            .code,
        0
    );
    let all = env.json(&["event", "search", "--name", "bulk", "--all"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 1500);
    assert_eq!((&all["total"], &all["next"]), (&json!(1500), &Value::Null));
    let some = [
        "event",
        "search",
        "--type",
        "tool",
        "--where",
        "error exists",
    ];
    let found = env.items(&some);
    assert_eq!(found[0]["event_id"], SEARCH);
    assert_eq!(
        found,
        env.items(&["event", "list", "--error", "--session", SESSION])
    );
    let page = env.json(&["event", "list", "--name", "bulk", "--limit", "7"]);
    assert_eq!((&page["total"], &page["next"]), (&json!(1500), &json!(2)));
    for other in ["--limit", "--page"] {
        let done = env.run(&["session", "list", "--all", other, "2"]);
        assert_fails(&done, 2, "cannot be used with");
    }
    assert!(
        env.items(&["session", "list", "--all"])
            .as_array()
            .unwrap()
            .len()
            > 1000
    );
}

#[test]
fn a_list_continues_while_the_server_needs_more_time() {
    let event = format!(
        r#"{{"event_id": "{CHAT}", "session_id": "{SESSION}", "event_type": "model", "event_name": "chat",
        "project_id": "p", "start_time": 1.0, "end_time": 1.0, "duration": 0.0}}"#
    );
    let page = |events: &str, rest: &str| {
        format!(
            "200 OK\r\nContent-Type: application/json\r\n\r\n{{\"events\": [{events}], \"totalEvents\": 0, \"count\": 0{rest}}}"
        )
    };
    let server = Loopback::answering([
        &page("", r#", "total_is_exact": false, "next": "a""#),
        &page(&event, r#", "next": "b""#),
        &page("", ""),
    ]);
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.set("HH_API_KEY", KEY);
    let list = env.json(&[
        "event",
        "list",
        "--where",
        "metadata.rare = 1",
        "--limit",
        "5",
    ]);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["total"], 1);
    let cursors = server.requests().into_iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        (body["cursor"].clone(), body["limit"].clone())
    });
    let expected = [
        (json!(""), json!(5)),
        (json!("a"), json!(5)),
        (json!("b"), json!(4)),
    ];
    assert_eq!(cursors.collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_is_shown_with_counts_or_as_a_tree() {
    let mut env = with_session();
    insta::assert_snapshot!("session", seen(&env, &["session", "get", &SESSION[..8]]));
    let report = env.json(&["session", "get", SESSION]);
    assert_eq!(report["session"]["event_name"], "answer a question");
    assert_eq!(
        report["summary"],
        json!({"events": 2, "types": {"model": 1, "tool": 1}, "errors": 1, "prompt_tokens": 120, "completion_tokens": 30})
    );
    env.set("COLUMNS", "60");
    let tree = env
        .run(&[
            "session",
            "get",
            SESSION,
            "--tree",
            "--show",
            "inputs,outputs",
            "--utc",
        ])
        .stdout;
    let (_, tree) = tree.split_once("\n\n").unwrap();
    insta::assert_snapshot!("tree", tree);
    let list = env
        .run(&[
            "event",
            "list",
            "--session-id",
            SESSION,
            "--tree",
            "--show",
            "outputs,inputs",
        ])
        .stdout;
    let lines = |text: &str| {
        text.lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(lines(&list), lines(tree));
    assert_fails(
        &env.run(&["event", "list", "--show", "inputs"]),
        2,
        "--tree",
    );
    let done = env.run(&["session", "get", SESSION, "--tree", "-o", "yaml"]);
    assert_fails(&done, 2, "--tree cannot be used with --output yaml");
    for unknown in ["99999999", "99999999-2222-4333-8444-555555555555"] {
        let done = env.run(&["session", "get", unknown]);
        assert_fails(&done, 4, "hint: run `honeyhive session list`");
    }
    assert_fails(
        &env.run(&["session", "get", "3f2"]),
        2,
        "at least the first 8 characters",
    );
}
