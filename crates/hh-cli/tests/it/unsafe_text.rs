//! Text from a server, a file, the environment or the command line never controls a terminal and never hides other
//! text, in the output of any command.

use serde_json::{Value, json};

use crate::support::{Loopback, RunOutput, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// One of every kind: C0 with an escape sequence, DEL, C1, and characters that turn, hide or break text, some above
/// U+FFFF.
const HOSTILE: [&str; 20] = [
    "\u{1b}[31m",
    "\u{7}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}2J",
    "\u{9d}0;t\u{9c}",
    "\u{ad}",
    "\u{61c}",
    "\u{180e}",
    "\u{200b}",
    "\u{200d}",
    "\u{200f}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "\u{206f}",
    "\u{feff}",
    "\u{fffb}",
    "\u{e0001}",
    "\u{e007f}",
];

fn hostile() -> String {
    format!("begin{}end", HOSTILE.concat())
}

fn is_unsafe(character: char) -> bool {
    let only_of_ascii = character.is_ascii_control();
    only_of_ascii && character != '\n'
        || !character.is_ascii() && HOSTILE.concat().contains(character)
}

#[track_caller]
fn assert_safe(what: &str, done: &RunOutput) {
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.contains(is_unsafe), "{what}: {text:?}");
    }
}

/// Collects the texts in a JSON value, including field names.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(fields) => {
            for (name, value) in fields {
                all.push(name.clone());
                texts(value, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a response of a server in which every text is hostile.
fn answer(path: &str) -> Value {
    let text = hostile();
    let owner = json!({ "type": "user", "name": text });
    let key = json!({
        "id": "keyid", "name": text, "shown": text, "level": "admin", "projects": [text], "owner": owner,
        "state": "active", "created_at": "2026-01-01T00:00:00Z", "note": text
    });
    let id = ID;
    let event = json!({
        "event_id": id, "session_id": id, "event_type": "session", "event_name": text, "source": text,
        "project_id": text, "config": { text.clone(): text }, "inputs": { "a": { "b": [text] } }, "error": text,
        "start_time": 1.0, "end_time": 2.0, "duration": 1.0, "metadata": { text.clone(): { text.clone(): 1 } }
    });
    match path {
        "whoami" => {
            json!({ "principal": owner, "organization": text, "permissions": text, "key": key })
        }
        "keys" => json!({ "keys": [key] }),
        "owners" => json!({ "owners": [{
            "id": text, "type": "user", "name": text, "created_at": "2026-01-01T00:00:00Z", "active_keys": 1
        }] }),
        "projects" => json!({ "projects": [{ "id": text, "name": text, "description": text }] }),
        "events" => json!({ "events": [event], "totalEvents": 1, "count": 1 }),
        "event" => json!({ "event": event }),
        // The responses to the request for the session and to the one for its events.
        "session" => {
            let mut session = event.clone();
            session["events"] = json!([event]);
            session["totalEvents"] = json!(1);
            session["count"] = json!(1);
            session
        }
        _ => json!({ "message": text, "errorCode": text, "request_id": text }),
    }
}

fn run(status: &str, path: &str, arguments: &[&str]) -> RunOutput {
    let body = answer(path);
    let head = format!("{status}\r\nContent-Type: application/json\r\n\r\n");
    let server = Loopback::always(&format!("{head}{body}"));
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    let done = env.run(arguments);
    assert!(!server.requests().is_empty(), "{arguments:?}: {done:?}");
    done
}

const ID: &str = "018f0000-0000-7000-8000-000000000001";

const LISTS: [(&str, &[&str]); 7] = [
    ("whoami", &["auth", "whoami"]),
    ("keys", &["auth", "keys", "list"]),
    ("owners", &["auth", "owners", "list"]),
    ("projects", &["project", "list"]),
    ("events", &["event", "list"]),
    ("events", &["session", "list"]),
    ("event", &["event", "get", ID]),
];

#[test]
fn json_of_a_hostile_server_is_escaped_and_parses_back_to_the_same_text() {
    for (path, arguments) in LISTS {
        let done = run("200 OK", path, &[arguments, &["--output", "json"]].concat());
        assert_eq!(done.code, 0, "{done:?}");
        assert_safe(path, &done);
        assert!(
            done.stdout.contains(r"\u202e") && done.stdout.contains(r"\udb40\udc01"),
            "{done:?}"
        );
        let mut all = Vec::new();
        texts(&serde_json::from_str(&done.stdout).unwrap(), &mut all);
        assert!(all.contains(&hostile()), "{path}: {all:?}");
    }
}

#[test]
fn tables_and_trees_of_a_hostile_server_show_a_replacement_for_each_character() {
    let shown = hostile().replace(is_unsafe, "\u{fffd}");
    let more: [(&str, &[&str]); 5] = [
        ("events", &["event", "list", "--tree"]),
        ("events", &["event", "list", "--tree", "--session-id", ID]),
        (
            "events",
            &["event", "list", "--tree", "--show", "inputs,outputs"],
        ),
        ("session", &["session", "get", ID]),
        (
            "session",
            &["session", "get", ID, "--tree", "--show", "inputs"],
        ),
    ];
    for (path, arguments) in LISTS.into_iter().chain(more) {
        let done = run("200 OK", path, arguments);
        assert_eq!(done.code, 0, "{done:?}");
        assert_safe(path, &done);
        assert!(done.stdout.contains(&shown), "{path}: {done:?}");
    }
}

#[test]
fn exported_lines_of_a_hostile_server_are_escaped() {
    let done = run("200 OK", "events", &["event", "export"]);
    assert_eq!((done.code, done.stdout.lines().count()), (0, 1), "{done:?}");
    assert_safe("export", &done);
    let event: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(event["error"], hostile());
}

#[test]
fn errors_of_a_hostile_server_are_safe() {
    let statuses = [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "500 Oh No",
    ];
    for status in statuses {
        for (_, arguments) in LISTS
            .into_iter()
            .chain([("", &["auth", "check"][..]), ("", &["doctor"])])
        {
            for format in ["table", "json"] {
                let done = run(
                    status,
                    "problem",
                    &[arguments, &["--output", format]].concat(),
                );
                assert_ne!(done.code, 0, "{done:?}");
                assert_safe(status, &done);
                assert!(
                    format!("{done:?}").contains("begin"),
                    "{status} {arguments:?}: {done:?}"
                );
            }
        }
    }
}

#[test]
fn values_of_the_environment_and_of_files_are_safe() {
    let mut env = TestEnv::new();
    // A variable cannot contain NUL, and HoneyHive trims blanks at its ends.
    env.set("HH_SESSION_NAME", &hostile());
    env.write(
        "c.json",
        serde_json::to_string(
            &json!({ "source": hostile(), "credential_command": ["x", hostile()] }),
        )
        .unwrap(),
    );
    env.set("HH_CONFIG_FILE", &env.at("c.json"));
    let shown = hostile().replace(is_unsafe, "\u{fffd}");
    for command in [
        &["config", "list", "--all"][..],
        &["config", "get", "session_name"],
        &["config", "explain", "session_name"],
        &["config", "get", "source"],
        &["config", "explain", "source"],
        &["config", "explain", "credential_command"],
        &["auth", "status"],
    ] {
        let what = format!("{command:?}");
        let table = env.run(command);
        assert_safe(&what, &table);
        let done = env.run_with(command, &["--output", "json"]);
        assert_safe(&what, &done);
        let mut all = Vec::new();
        texts(&serde_json::from_str(&done.stdout).unwrap(), &mut all);
        // A list is printed as JSON text, and `auth status` prints only the sources of keys.
        if !command.contains(&"credential_command") && !command.contains(&"status") {
            assert!(table.stdout.contains(&shown), "{what}: {table:?}");
            assert!(all.contains(&hostile()), "{what}: {all:?}");
        }
    }
}

#[test]
fn names_of_files_and_arguments_are_safe_in_errors() {
    let env = TestEnv::new();
    let name = format!("{}.yaml", hostile());
    env.write(&name, "nonsense: 1\n");
    let at = env.at(&name);
    env.write("folder/x", "");
    for arguments in [
        &["config", "list", "--config-file", at.as_str()][..],
        &["config", "list", "--config-file", "no-such.yaml\u{202e}"],
        &["config", "validate", &at],
        &["config", "trust", &at],
        &["config", "path", "--config-file", &at],
        &["config", "get", &at],
        &["auth", "scan", &at],
        &["project", "list", "--env-file", &at],
        &["project", "list", "--environment", &at],
        &[
            "project",
            "list",
            "--security-log",
            "folder\u{202e}/\u{9b}x",
        ],
        &["project", "list", &at],
        &["event", "list", "--limit", &at],
        &["event", "list", "--session-id", &at],
        &[at.as_str()],
    ] {
        for format in ["table", "json"] {
            let done = env.run(&[arguments, &["--output", format]].concat());
            assert_safe(&format!("{arguments:?}"), &done);
        }
    }
}

#[test]
fn an_emoji_and_a_right_to_left_name_stay_readable() {
    let name = "❤\u{fe0f} שלום 日本";
    let body = json!({ "projects": [{ "id": "p", "name": name, "description": "" }] });
    let server = Loopback::always(&format!(
        "200 OK\r\nContent-Type: application/json\r\n\r\n{body}"
    ));
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    for format in ["table", "json"] {
        let done = env.run(&["project", "list", "--output", format]);
        assert!(done.stdout.contains(name), "{done:?}");
    }
}
