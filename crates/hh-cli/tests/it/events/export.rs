//! Exports to standard output and to new files.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{CHAT, SEARCH, START, assert_fails, with_server, with_session};
use crate::support::TestEnv;

/// Stores events with these numbers, oldest first, and returns nothing.
pub(super) fn store(env: &TestEnv, count: u32) {
    for first in (0..count).step_by(1000) {
        let event = |number: u32| {
            json!({"event_type": "tool", "event_name": "bulk", "inputs": {"number": number, "text": "a\n\"b\", c"},
                "start_time": START + f64::from(number / 3)})
        };
        let batch: Vec<_> = (first..count.min(first + 1000)).map(event).collect();
        env.write("bulk.json", json!({"events": batch}).to_string());
        let done = env.run(&["api", "POST", "/v1/events/batch", "--input", "bulk.json"]);
        assert_eq!(done.code, 0, "{done:?}");
    }
}

/// Returns the numbers of the events in JSON lines, in the order of the numbers.
fn numbers(lines: &str) -> Vec<u64> {
    let number = |line| serde_json::from_str::<Value>(line).unwrap()["inputs"]["number"].as_u64();
    let mut numbers: Vec<_> = lines.lines().map(|line| number(line).unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn an_export_has_every_event_of_many_pages_once() {
    let env = with_server();
    store(&env, 2500);
    let all: Vec<_> = (0..2500).collect();
    let done = env.run(&["event", "export", "--name", "bulk"]);
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (0, ""),
        "{:.300}",
        done.stderr
    );
    assert_eq!(numbers(&done.stdout), all);
    let written = env.run(&[
        "event",
        "export",
        "--name",
        "bulk",
        "--output-file",
        "all.jsonl",
    ]);
    assert_eq!(
        (
            written.code,
            written.stdout.as_str(),
            written.stderr.as_str()
        ),
        (0, "", "Exported 2500 events to all.jsonl\n")
    );
    assert!(env.read("all.jsonl") == done.stdout);
    assert!(!env.path("all.jsonl.resume").exists());
    // The file is replaced.
    let fewer = [
        "event",
        "export",
        "--where",
        "inputs.number < 5",
        "--output-file",
        "all.jsonl",
    ];
    assert_eq!(env.run(&fewer).code, 0);
    assert_eq!(numbers(&env.read("all.jsonl")), [0, 1, 2, 3, 4]);
}

#[test]
fn the_name_of_the_file_selects_the_format_unless_an_option_does() {
    let mut env = with_session();
    let first_line = |env: &TestEnv, file: &str, options: &[&str]| {
        let export = [
            "event",
            "export",
            "--json",
            "event_id,event_name",
            "--output-file",
            file,
        ];
        let done = env.run_with(&export, options);
        assert_eq!(done.code, 0, "{done:?}");
        env.read(file).lines().next().unwrap().to_owned()
    };
    let json = format!(r#"{{"event_id":"{SEARCH}","event_name":"search"}}"#);
    assert_eq!(first_line(&env, "e.csv", &[]), "event_id,event_name");
    assert_eq!(first_line(&env, "e.CSV", &[]), "event_id,event_name");
    assert_eq!(first_line(&env, "j.csv", &["-o", "jsonl"]), json);
    assert_eq!(
        first_line(&env, "c.jsonl", &["-o", "csv"]),
        "event_id,event_name"
    );
    env.set("HH_OUTPUT_FORMAT", "csv");
    assert_eq!(first_line(&env, "e.jsonl", &[]), json);
}

#[test]
fn the_records_of_an_export_are_those_of_a_list() {
    let env = with_session();
    for options in [
        &["-o", "jsonl"][..],
        &["-o", "jsonl", "--json", "event_name,error,inputs"],
        &["-o", "csv", "--json", "event_id,inputs,error,duration"],
    ] {
        let list = env.run_with(&["event", "list"], options).stdout;
        let export = env.run_with(&["event", "export"], options).stdout;
        assert_eq!(export, list, "{options:?}");
        assert_eq!(
            env.run_with(&["event", "export", "--output-file", "out"], options)
                .code,
            0
        );
        assert_eq!(env.read("out"), list, "{options:?}");
    }
    // The list names the optional fields last.
    let csv = env.run(&["event", "export", "-o", "csv"]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let event = env.json(&["event", "get", CHAT]);
    let names: Vec<_> = event
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        names
            .iter()
            .all(|name| header.iter().any(|field| field == *name)),
        "{header:?}"
    );
    assert_eq!(reader.records().map(Result::unwrap).count(), 3);
    // Without events, the header is known, too.
    let none = env.run(&[
        "event",
        "export",
        "-o",
        "csv",
        "--name",
        "none",
        "--json",
        "event_id,error",
    ]);
    assert_eq!(none.stdout, "event_id,error\n");
}

#[test]
fn the_filters_of_an_export_are_those_of_a_list() {
    let env = with_session();
    for options in [
        &["--error"][..],
        &["--event-type", "model"],
        &["--session-id", "3f2a91bc", "--name", "chat"],
        &["--where", "metadata.prompt_tokens > 100"],
        &[
            "--since",
            "2026-11-23T19:21:16.004Z",
            "--until",
            "2027-01-01",
        ],
    ] {
        let done = env.run_with(&["event", "export", "--json", "event_id"], options);
        assert_eq!(done.stdout.lines().count(), 1, "{options:?} {done:?}");
    }
}

#[test]
fn a_closed_pipe_ends_an_export_quietly() {
    let env = with_server();
    store(&env, 2500);
    let mut export = env.command(&["event", "export"]);
    let mut child = export
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn an_export_has_only_formats_with_one_record_per_event() {
    let mut env = with_session();
    for format in ["json", "yaml", "table"] {
        let done = env.run(&["event", "export", "-o", format]);
        assert_fails(
            &done,
            2,
            &format!("event export cannot write the format {format}"),
        );
    }
    assert_fails(
        &env.run(&["event", "export", "--jq", "."]),
        2,
        "--jq cannot be used",
    );
    let unknown = env.run(&["event", "export", "--json", "event_id,title"]);
    assert_fails(&unknown, 2, "unknown field title");
    let directory = env.run(&["event", "export", "--output-file", "."]);
    assert_fails(&directory, 2, "is not a regular file");
    assert_fails(
        &env.run(&["event", "export", "--resume"]),
        2,
        "--output-file",
    );
    // The setting for other commands does not have to be one of the two formats.
    for (setting, first) in [("table", "{"), ("json", "{"), ("csv", "event_id,")] {
        env.set("HH_OUTPUT_FORMAT", setting);
        let done = env.run(&["event", "export"]);
        assert!(done.stdout.starts_with(first), "{setting}: {done:?}");
    }
}
