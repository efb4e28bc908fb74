//! Configuration files with invalid content.

use std::fmt::Write as _;

use super::{ready, refusal, refusals};

#[test]
fn invalid_yaml() {
    insta::assert_snapshot!(refusals(&[
        ("list.yaml", b"- project\n"),
        ("text.yaml", b"project\n"),
        ("two.yaml", b"project: a\n---\nproject: b\n"),
        ("alias.yaml", b"project: &a docs\nsource: *a\n"),
        ("merge.yaml", b"<<: {project: docs}\n"),
    ]), @"
    error: list.yaml:1:1: expected a table of settings
    error: text.yaml:1:1: expected a table of settings
    error: two.yaml:3:1: more than one YAML document
    error: alias.yaml:1:13: anchors and aliases are not supported
    error: merge.yaml:1:1: unknown setting (name redacted)
    ");
}

#[test]
fn a_yaml_error_is_reported_with_its_line() {
    let (env, server) = ready();
    for (text, line) in [
        // In YAML this line continues the value of the line before.
        ("project: docs\ntimeout: 5\n\tsource: x\n", 2),
        ("project: docs\nenvironments:\n\tprod: {}\n", 3),
        ("project: docs\n  oops: [\n", 2),
        ("project: docs\nsource: \"open\n", 2),
        ("project: docs\nsource: @x\n", 2),
        ("project: docs\ntimeout: 5\n]\n", 3),
    ] {
        env.write("a.yaml", text);
        let printed = refusal(&env, &["--config-file", "a.yaml"]);
        // The error for an open quote or bracket may name the end of the text.
        let lines = line..=text.lines().count() + 1;
        let is_there = lines
            .into_iter()
            .any(|line| printed.starts_with(&format!("error: a.yaml:{line}:")));
        assert!(is_there, "{text:?}: {printed}");
    }
    server.assert_untouched("broken YAML");
}

#[test]
fn yaml_that_grows_without_end_is_refused_before_it_does() {
    let mut bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (name, before) in ('b'..='i').zip('a'..) {
        let before = format!("*{before}");
        let list = vec![before; 9].join(", ");
        writeln!(bomb, "{name}: &{name} [{list}]").unwrap();
    }
    let deep = format!("project: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let braces = format!("project: {}", "{a: ".repeat(100_000));
    insta::assert_snapshot!(refusals(&[
        ("bomb.yaml", bomb.as_bytes()),
        ("deep.yaml", deep.as_bytes()),
    ]), @"
    error: bomb.yaml:1:7: anchors and aliases are not supported
    error: deep.yaml:1:265: invalid YAML
    ");
    assert!(refusals(&[("braces.yaml", braces.as_bytes())]).starts_with("error: braces.yaml"));
    // The other formats have the same limit of depth.
    let json = format!(
        "{{\"project\": {}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(refusals(&[("deep.json", json.as_bytes())]).starts_with("error: deep.json:1:"));
    let toml = format!("project = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(refusals(&[("deep.toml", toml.as_bytes())]).starts_with("error: deep.toml:1:"));
}

#[test]
fn invalid_json_and_toml() {
    insta::assert_snapshot!(refusals(&[
        ("empty.json", b""),
        ("list.json", b"[]"),
        ("comma.json", b"{\n  \"project\": \"docs\",\n}\n"),
        ("comment.json", b"{\n  // ours\n  \"project\": \"docs\"\n}\n"),
        ("open.json", b"{\"project\": \"docs\""),
        ("tail.json", b"{} {}"),
        ("open.toml", b"project = \"docs\n"),
        ("bare.toml", b"project = docs\n"),
        ("header.toml", b"timeout = 5\n[environments\n"),
    ]), @"
    error: empty.json:1:1: invalid JSON: expected a value, but the file ends
    error: list.json:1:1: expected a table of settings
    error: comma.json:3:1: invalid JSON: expected a name in double quotes; comments and a comma at the end are not allowed
    error: comment.json:2:3: invalid JSON: expected a name in double quotes; comments and a comma at the end are not allowed
    error: open.json:1:18: invalid JSON: a brace is not closed
    error: tail.json:1:4: invalid JSON: unexpected text after the end of the document
    error: open.toml:1:16: invalid TOML: a quote is not closed
    error: bare.toml:1:11: invalid TOML: expected a value; a text must be in quotes
    error: header.toml:2:14: invalid TOML: the header of a table is not closed with ]
    ");
}

#[test]
fn duplicate_names() {
    insta::assert_snapshot!(refusals(&[
        ("a.yaml", b"project: a\ntimeout: 5\nproject: b\n"),
        ("b.yaml", b"project: a\ndefault_project: b\n"),
        ("c.yaml", b"api_key: hh_x\napi_key_file: key\n"),
        ("d.yaml", b"environments: {dev: {}}\nenvironments: {dev: {}}\n"),
        ("e.yaml", b"environments:\n  dev: {}\n  dev: {}\n"),
        ("f.yaml", b"api_key: hh_x\ncredential_command: [echo, hh_x]\n"),
        ("a.json", b"{\"project\": \"a\",\n \"project\": \"b\"}"),
        ("b.json", b"{\"environments\": {\"dev\": {\"timeout\": 5, \"timeout\": 6}}}"),
        ("b.toml", b"project = \"a\"\ndefault_project = \"b\"\n"),
    ]), @"
    error: a.yaml:3:1: project is set twice, first on line 1
      hint: remove one
    error: b.yaml:2:1: default_project is set twice, first on line 1 as project
      hint: remove one
    error: c.yaml:2:1: api_key_file is set twice, first on line 1 as api_key
      hint: remove one
    error: d.yaml:2:1: environments is set twice, first on line 1
      hint: merge them
    error: e.yaml:3:3: the environment is defined twice
      hint: merge them
    error: f.yaml:1:10: api_key and credential_command (line 2) are both set
      hint: remove one
    error: a.json:2:2: project is set twice, first on line 1
      hint: remove one
    error: b.json:1:41: timeout is set twice, first on line 1
      hint: remove one
    error: b.toml:2:1: default_project is set twice, first on line 1 as project
      hint: remove one
    ");
}

#[test]
fn a_name_twice_in_toml_is_named() {
    let printed = refusals(&[("a.toml", b"project = \"a\"\ntimeout = 5\nproject = \"b\"\n")]);
    assert_eq!(
        printed,
        "error: a.toml:3:1: project is set twice, first on line 1\n  hint: remove one\n"
    );
}

#[test]
fn names_that_are_no_setting() {
    insta::assert_snapshot!(refusals(&[
        ("near.yaml", b"timout: 5\n"),
        ("near.json", b"{\"base-url\": \"https://api.honeyhive.ai\"}"),
        ("near.toml", b"\n[enviroments.dev]\nproject = \"a\"\n"),
        ("far.yaml", b"flavors: sweet\n"),
        ("variable.yaml", b"HH_TIMEOUT: 5\n"),
        ("variable2.yaml", b"api_timeout: 5\nhh_debug: true\n"),
        ("nothing.yaml", b"follow_redirects: true\n"),
        ("flag.yaml", b"config_file: other.yaml\nprofile: work\n"),
        ("inner.yaml", b"environments:\n  dev:\n    timout: 5\n"),
        ("number.yaml", b"7: 5\n"),
    ]), @"
    error: near.yaml:1:1: unknown setting timout
      hint: did you mean timeout?
    error: near.json:1:2: unknown setting base-url
      hint: did you mean base_url?
    error: near.toml:2:2: unknown setting enviroments
      hint: did you mean environments?
    error: far.yaml:1:1: unknown setting flavors
    error: variable.yaml:1:1: unknown setting HH_TIMEOUT
      hint: use the name timeout in a file
    error: variable2.yaml:1:1: unknown setting api_timeout
      hint: use the name timeout in a file
    error: variable2.yaml:2:1: unknown setting HH_DEBUG
      hint: use the name debug in a file
    error: nothing.yaml:1:1: follow_redirects has no effect: redirects are never followed, because they could send the API key to another server
      hint: remove it
    error: flag.yaml:1:14: config_file cannot be set in a configuration file
      hint: remove it and set HH_CONFIG_FILE instead
    error: flag.yaml:2:10: profile cannot be set in a configuration file
      hint: remove it and set HH_PROFILE instead
    error: inner.yaml:3:5: unknown setting timout
      hint: did you mean timeout?
    error: number.yaml:1:1: unknown setting (name redacted)
    ");
}

#[test]
fn values_of_the_wrong_type() {
    insta::assert_snapshot!(refusals(&[
        ("a.yaml", b"project: [docs]\ntimeout: soon\ndebug: 7\nbatch_size: 2.5\n"),
        ("b.yaml", b"project: 1.10\n"),
        ("c.yaml", b"project: true\n"),
        ("d.yaml", b"timeout: {seconds: 5}\n"),
        ("e.yaml", b"allowed_ips: {a: b}\n"),
        ("f.yaml", b"allowed_ips: [1.2]\n"),
        ("g.yaml", b"otlp_headers: [a]\n"),
        ("h.yaml", b"environments: [dev]\n"),
        ("i.yaml", b"environments:\n  dev: fast\n"),
        ("j.yaml", b"control_plane_url: localhost\n"),
        ("k.yaml", b"log_level: loud\n"),
        ("a.json", b"{\"timeout\": \"soon\", \"api_key_file\": 7}"),
        ("a.toml", b"project = 2026-11-23\n"),
    ]), @"
    error: a.yaml:1:10: invalid value for project: expected a single value
    error: a.yaml:2:10: invalid value for timeout: expected 1 to 300 seconds
    error: a.yaml:3:8: invalid value for debug: expected true or false
    error: a.yaml:4:13: invalid value for batch_size: expected a whole number from 1 to 1000
    error: b.yaml:1:10: invalid value for project: expected a string, found a number
      hint: quote the value
    error: c.yaml:1:10: invalid value for project: expected a string, found a boolean
      hint: quote the value
    error: d.yaml:1:10: invalid value for timeout: expected a single value
    error: e.yaml:1:14: invalid value for allowed_ips: expected a list of strings
    error: f.yaml:1:14: invalid value for allowed_ips: expected only strings as elements
      hint: quote each element
    error: g.yaml:1:15: invalid value for otlp_headers: expected a table of strings
    error: h.yaml:1:1: environments must be a table that contains a table of settings for each environment
    error: i.yaml:2:3: the environment must be a table of settings
    error: j.yaml:1:20: invalid value for control_plane_url: expected a URL such as http://127.0.0.1:8642
    error: k.yaml:1:12: invalid value for log_level: expected one of trace, debug, info, warning, warn, error, critical
    error: a.json:1:13: invalid value for timeout: expected 1 to 300 seconds
    error: a.json:1:37: invalid value for api_key_file: expected a path
    error: a.toml:1:11: invalid value for project: expected a single value
    ");
}

#[test]
fn values_out_of_range() {
    insta::assert_snapshot!(refusals(&[
        ("a.yaml", b"timeout: 0.9\nevaluation_retries: 11\nbatch_size: 0\nflush_interval: 301\nmax_queue_size: 99\n"),
        ("d.yaml", b"batch_size: -1\n"),
        ("e.yaml", b"max_queue_size: 99999999999999999999999\n"),
        ("a.json", b"{\"timeout\": 1e99}"),
        ("a.toml", b"timeout = inf\n"),
    ]), @"
    error: a.yaml:1:10: invalid value for timeout: expected 1 to 300 seconds
    error: a.yaml:2:21: invalid value for evaluation_retries: expected a whole number from 0 to 10
    error: a.yaml:3:13: invalid value for batch_size: expected a whole number from 1 to 1000
    error: a.yaml:4:17: invalid value for flush_interval: expected 1 to 300 seconds
    error: a.yaml:5:17: invalid value for max_queue_size: expected a whole number from 100 to 2000000
    error: d.yaml:1:13: invalid value for batch_size: expected a whole number from 1 to 1000
    error: e.yaml:1:17: invalid value for max_queue_size: expected a whole number from 100 to 2000000
    error: a.json:1:13: invalid value for timeout: expected 1 to 300 seconds
    error: a.toml:1:11: invalid value for timeout: expected 1 to 300 seconds
    ");
}

#[test]
fn variables_in_files_that_cannot_be_substituted() {
    insta::assert_snapshot!(refusals(&[
        ("a.yaml", b"project: ${HH_NO_SUCH_VARIABLE}\n"),
        ("b.yaml", b"project: $<HH_NO_SUCH_VARIABLE>\n"),
        ("c.yaml", b"project: ${HH_NO_SUCH_VARIABLE:?ask the team}\n"),
        ("d.yaml", b"project: ${HH_NO_SUCH_VARIABLE\n"),
        ("e.yaml", b"project: ${HH_NO_SUCH_VARIABLE-x}\n"),
        ("f.yaml", b"project: ${}\n"),
        ("g.yaml", b"project: ${HH_API_KEY}\n"),
        ("h.yaml", b"source: ${MY_TOKEN:-x}\n"),
        ("i.json", b"{\"allowed_ips\": [\"${HH_NO_SUCH_VARIABLE}\"]}"),
        ("j.toml", b"otlp_headers.x = \"${HH_NO_SUCH_VARIABLE}\"\n"),
    ]), @"
    error: a.yaml:1:10: invalid value for project: variable HH_NO_SUCH_VARIABLE is not set
      hint: set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: b.yaml:1:10: invalid value for project: variable HH_NO_SUCH_VARIABLE is not set
      hint: set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: c.yaml:1:10: invalid value for project: variable HH_NO_SUCH_VARIABLE is not set: ask the team
    error: d.yaml:1:10: invalid value for project: malformed substitution (expected ${NAME}, ${NAME:-default} or ${NAME:?message})
      hint: write $${ for a literal ${
    error: e.yaml:1:10: invalid value for project: malformed substitution (expected ${NAME}, ${NAME:-default} or ${NAME:?message})
      hint: write $${ for a literal ${
    error: f.yaml:1:10: invalid value for project: malformed substitution (expected ${NAME}, ${NAME:-default} or ${NAME:?message})
      hint: write $${ for a literal ${
    error: g.yaml:1:10: project uses HH_API_KEY, which contains a secret, but project is not a secret setting
      hint: use another variable
    error: h.yaml:1:9: source uses MY_TOKEN, which contains a secret, but source is not a secret setting
      hint: use another variable
    error: i.json:1:17: invalid value for allowed_ips: variable HH_NO_SUCH_VARIABLE is not set
      hint: set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: j.toml:1:1: invalid value for otlp_headers: variable HH_NO_SUCH_VARIABLE is not set
      hint: set HH_NO_SUCH_VARIABLE, or write ${HH_NO_SUCH_VARIABLE:-default}
    ");
}

#[test]
fn numbers_of_yaml_that_are_out_of_every_range() {
    let printed = refusals(&[
        ("a.yaml", b"timeout: .inf\n"),
        ("b.yaml", b"timeout: -.inf\n"),
        ("c.yaml", b"timeout: .nan\n"),
    ]);
    for line in printed.lines() {
        assert!(
            line.ends_with(":1:10: invalid value for timeout: expected 1 to 300 seconds"),
            "{printed}"
        );
    }
}

#[test]
fn environments_within_environments() {
    let printed = refusals(&[("a.yaml", b"environments:\n  dev:\n    environments: {}\n")]);
    assert!(
        printed.starts_with("error: a.yaml:3:5: unknown setting environments"),
        "{printed}"
    );
    assert!(!printed.contains("did you mean environments?"), "{printed}");
}
