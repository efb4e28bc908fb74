//! Output formats, read by other parsers.

use hh_testing::write;
use serde_json::json;

use super::python;
use super::support::{PROJECT, TestDir};

/// Texts that a format must quote or escape.
const AWKWARD: [&str; 24] = [
    "",
    " ",
    "plain",
    "comma, semicolon; and\ttab",
    "\"quoted\" and 'single'",
    "first line\nsecond line",
    "carriage\r\nreturn",
    "ends with a line break\n",
    "=1+2",
    "+1",
    "-1",
    "@SUM(A1)",
    "null",
    "~",
    "no",
    "0x1f",
    "1e3",
    "2026-11-30",
    "# no comment",
    "key: value",
    "- item",
    "日本語 👍🏽 e\u{301}",
    "\u{202e}right to left",
    "back\\slash",
];

#[test]
fn every_format_keeps_awkward_values() {
    let place = TestDir::new();
    let server = place.start();
    let key = place.make_key(&server, "read_write");
    for (number, text) in AWKWARD.iter().enumerate() {
        // The name of a session has one line.
        let name = if text.contains(['\n', '\r']) || text.trim().is_empty() {
            "several lines"
        } else {
            text
        };
        let body = json!({"session": {
            "project": PROJECT,
            "session_name": name,
            "source": "test",
            "metadata": {
                "text": text, "number": number, "large": 12_345_678_901_234_567_890_u64, "fraction": 0.1,
                "nothing": null, "list": [text, [], {}], "object": {"nested": {"text": text}, "": true},
            },
        }});
        write(place.path("cwd/body.json"), body.to_string());
        let create = ["api", "POST", "/session/start", "--input", "body.json"];
        place.ask(&server, &key, &create);
    }
    for (file, options) in [
        ("events.json", &["-o", "json"][..]),
        ("events.yaml", &["-o", "yaml"]),
        ("events.jsonl", &["-o", "jsonl"]),
        ("events.csv", &["-o", "csv"]),
        ("selected.json", &["--json", "error,event_name"]),
        ("names.txt", &["--jq", ".items[].event_name"]),
        ("metadata.jsonl", &["--jq", ".items[].metadata"]),
    ] {
        let list = [&["event", "list"][..], options].concat();
        let printed = place.ask(&server, &key, &list);
        write(place.path(file), printed);
    }
    let folder = place.root().to_str().unwrap();
    if let Some(count) = python::script(&place, python::CLIENT, "formats.py", &[("FOLDER", folder)])
    {
        assert_eq!(count, AWKWARD.len().to_string());
    }
}
