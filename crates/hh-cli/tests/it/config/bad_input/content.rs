//! Configuration files whose text is wrong.

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
    error: list.yaml:1:1: the file does not hold a table of settings
    error: text.yaml:1:1: the file does not hold a table of settings
    error: two.yaml:3:1: the file holds more than one document
    error: alias.yaml:1:13: the file has an anchor or alias, which settings do without
    error: merge.yaml:1:1: (name not shown) is not a setting
    ");
}

#[test]
fn a_yaml_error_is_reported_with_its_line() {
    let (env, server) = ready();
    for (text, line) in [
        // To YAML this goes on with the value of the line before.
        ("project: docs\ntimeout: 5\n\tsource: x\n", 2),
        ("project: docs\nenvironments:\n\tprod: {}\n", 3),
        ("project: docs\n  oops: [\n", 2),
        ("project: docs\nsource: \"open\n", 2),
        ("project: docs\nsource: @x\n", 2),
        ("project: docs\ntimeout: 5\n]\n", 3),
    ] {
        env.write("a.yaml", text);
        let told = refusal(&env, &["--config-file", "a.yaml"]);
        // An open quote or bracket may also be told where the text ends.
        let lines = line..=text.lines().count() + 1;
        let is_there = lines
            .into_iter()
            .any(|line| told.starts_with(&format!("error: a.yaml:{line}:")));
        assert!(is_there, "{text:?}: {told}");
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
    error: bomb.yaml:1:7: the file has an anchor or alias, which settings do without
    error: deep.yaml:1:265: the file is not valid YAML
    ");
    assert!(refusals(&[("braces.yaml", braces.as_bytes())]).starts_with("error: braces.yaml"));
    // The other formats are no deeper.
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
    error: empty.json:1:1: the file is not valid JSON
    error: list.json:1:1: the file does not hold a table of settings
    error: comma.json:3:1: the file is not valid JSON
    error: comment.json:2:3: the file is not valid JSON
    error: open.json:1:18: the file is not valid JSON
    error: tail.json:1:4: the file is not valid JSON
    error: open.toml:1:16: the file is not valid TOML
    error: bare.toml:1:11: the file is not valid TOML
    error: header.toml:2:14: the file is not valid TOML
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
    error: a.yaml:3:1: project is set twice, first in line 1
      hint: remove one
    error: b.yaml:2:1: default_project is set twice, first in line 1 as project
      hint: remove one
    error: c.yaml:2:1: api_key_file is set twice, first in line 1 as api_key
      hint: remove one
    error: d.yaml:2:1: environments is set twice, first in line 1
      hint: join them
    error: e.yaml:3:3: this environment stands here twice
      hint: join them
    error: f.yaml:1:10: api_key and credential_command (line 2) are both set
      hint: remove one
    error: a.json:2:2: project is set twice, first in line 1
      hint: remove one
    error: b.json:1:41: timeout is set twice, first in line 1
      hint: remove one
    error: b.toml:2:1: default_project is set twice, first in line 1 as project
      hint: remove one
    ");
}

#[test]
fn a_name_twice_in_toml_is_named() {
    let told = refusals(&[("a.toml", b"project = \"a\"\ntimeout = 5\nproject = \"b\"\n")]);
    assert_eq!(
        told,
        "error: a.toml:3:1: project is set twice, first in line 1\n  hint: remove one\n"
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
    error: near.yaml:1:1: timout is not a setting
      hint: did you mean timeout?
    error: near.json:1:2: base-url is not a setting
      hint: did you mean base_url?
    error: near.toml:2:2: enviroments is not a setting
      hint: did you mean environments?
    error: far.yaml:1:1: flavors is not a setting
    error: variable.yaml:1:1: in a file, HH_TIMEOUT is timeout
      hint: write timeout
    error: variable2.yaml:1:1: in a file, api_timeout is timeout
      hint: write timeout
    error: variable2.yaml:2:1: in a file, HH_DEBUG is debug
      hint: write debug
    error: nothing.yaml:1:1: follow_redirects has no effect: no redirect is followed: it could carry the API key elsewhere
      hint: remove it
    error: flag.yaml:1:14: config_file works as HH_CONFIG_FILE or as a flag only
      hint: remove it from the file
    error: flag.yaml:2:10: profile works as HH_PROFILE or as a flag only
      hint: remove it from the file
    error: inner.yaml:3:5: timout is not a setting
      hint: did you mean timeout?
    error: number.yaml:1:1: (name not shown) is not a setting
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
    error: a.yaml:1:10: project must be a single value
    error: a.yaml:2:10: timeout is not a number of seconds from 1 to 300
    error: a.yaml:3:8: debug is not a boolean (true or false)
    error: a.yaml:4:13: batch_size is not a whole number from 1 to 1000
    error: b.yaml:1:10: project is text, but a number stands there
      hint: write it in quotes
    error: c.yaml:1:10: project is text, but a boolean stands there
      hint: write it in quotes
    error: d.yaml:1:10: timeout must be a single value
    error: e.yaml:1:14: allowed_ips must be a list of texts
    error: f.yaml:1:14: allowed_ips must hold texts only
      hint: write each in quotes
    error: g.yaml:1:15: otlp_headers must be a table of texts
    error: h.yaml:1:1: environments must be a table of tables of settings, one for each name
    error: i.yaml:2:3: an environment must be a table of settings
    error: j.yaml:1:20: control_plane_url is not a URL such as http://127.0.0.1:8642
    error: k.yaml:1:12: log_level is not one of trace, debug, info, warning, warn, error, critical
    error: a.json:1:13: timeout is not a number of seconds from 1 to 300
    error: a.json:1:37: api_key_file must be a path
    error: a.toml:1:11: project must be a single value
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
    error: a.yaml:1:10: timeout is not a number of seconds from 1 to 300
    error: a.yaml:2:21: evaluation_retries is not a whole number from 0 to 10
    error: a.yaml:3:13: batch_size is not a whole number from 1 to 1000
    error: a.yaml:4:17: flush_interval is not a number of seconds from 1 to 300
    error: a.yaml:5:17: max_queue_size is not a whole number from 100 to 2000000
    error: d.yaml:1:13: batch_size is not a whole number from 1 to 1000
    error: e.yaml:1:17: max_queue_size is not a whole number from 100 to 2000000
    error: a.json:1:13: timeout is not a number of seconds from 1 to 300
    error: a.toml:1:11: timeout is not a number of seconds from 1 to 300
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
    error: a.yaml:1:10: project needs the variable HH_NO_SUCH_VARIABLE, which is not set
      hint: set it, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: b.yaml:1:10: project needs the variable HH_NO_SUCH_VARIABLE, which is not set
      hint: set it, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: c.yaml:1:10: project needs the variable HH_NO_SUCH_VARIABLE: ask the team
    error: d.yaml:1:10: project has a substitution that is none of ${NAME}, ${NAME:-default} and ${NAME:?message}
      hint: write $${ for a literal ${
    error: e.yaml:1:10: project has a substitution that is none of ${NAME}, ${NAME:-default} and ${NAME:?message}
      hint: write $${ for a literal ${
    error: f.yaml:1:10: project has a substitution that is none of ${NAME}, ${NAME:-default} and ${NAME:?message}
      hint: write $${ for a literal ${
    error: g.yaml:1:10: project uses HH_API_KEY, which holds a secret, but project is shown to people
      hint: use another variable
    error: h.yaml:1:9: source uses MY_TOKEN, which holds a secret, but source is shown to people
      hint: use another variable
    error: i.json:1:17: allowed_ips needs the variable HH_NO_SUCH_VARIABLE, which is not set
      hint: set it, or write ${HH_NO_SUCH_VARIABLE:-default}
    error: j.toml:1:1: otlp_headers needs the variable HH_NO_SUCH_VARIABLE, which is not set
      hint: set it, or write ${HH_NO_SUCH_VARIABLE:-default}
    ");
}

#[test]
fn numbers_of_yaml_that_are_out_of_every_range() {
    let told = refusals(&[
        ("a.yaml", b"timeout: .inf\n"),
        ("b.yaml", b"timeout: -.inf\n"),
        ("c.yaml", b"timeout: .nan\n"),
    ]);
    for line in told.lines() {
        assert!(
            line.ends_with(":1:10: timeout is not a number of seconds from 1 to 300"),
            "{told}"
        );
    }
}

#[test]
fn environments_within_environments() {
    let told = refusals(&[("a.yaml", b"environments:\n  dev:\n    environments: {}\n")]);
    assert!(
        told.starts_with("error: a.yaml:3:5: environments "),
        "{told}"
    );
    assert!(!told.contains("did you mean environments?"), "{told}");
}
