//! Keys in unusable files.

use super::{Case, KEY, MARK, SECRET};
use crate::support::STORE;

#[test]
fn invalid_lines() {
    for (name, text, message) in [
        ("a.yaml", format!("api_key: {KEY}\n  oops: [\n"), "a.yaml:"),
        ("b.yaml", format!("api_key: \"{KEY}\n"), "b.yaml:"),
        ("c.yaml", format!("{KEY}\n"), "c.yaml:1:1"),
        ("d.yaml", format!("- {KEY}\n"), "d.yaml:1:1"),
        ("e.yaml", format!("api_key: @{KEY}\n"), "e.yaml:"),
        ("f.yaml", format!("api_key: *{KEY}\n"), "f.yaml:"),
        ("g.yaml", format!("api_key: &{KEY} x\n"), "g.yaml:1:"),
        (
            "h.yaml",
            format!("api_key: !!{KEY} x\n  y: z: [\n"),
            "h.yaml",
        ),
        ("i.yaml", format!("api_key: x\n--- {KEY}\n"), "i.yaml:2:"),
        ("a.json", format!("{{\"api_key\": \"{KEY}\""), "a.json:1:"),
        ("b.json", format!("{{\"api_key\": {KEY}}}"), "b.json:1:13"),
        ("c.json", format!("\"{KEY}\""), "c.json:1:1"),
        (
            "d.json",
            format!("{{\"api_key\": \"\\q{KEY}\"}}"),
            "d.json:1:",
        ),
        ("a.toml", format!("api_key = \"{KEY}\n"), "a.toml:1:"),
        ("b.toml", format!("api_key = {KEY}\n"), "b.toml:1:11"),
        ("c.toml", format!("{KEY}\n"), "c.toml:1:"),
        ("d.toml", format!("[{KEY}\n"), "d.toml:1:"),
        (
            "e.toml",
            format!("api_key = \"{KEY}\"\napi_key = \"{KEY}\"\n"),
            "e.toml:2:1",
        ),
        (
            "f.txt",
            format!("api_key={KEY}\n"),
            "f.txt has an unknown format",
        ),
    ] {
        Case::named("api_key", name, text).assert_reported(message);
    }
}

#[test]
fn bytes_that_are_no_text() {
    let case = Case::new("api_key", KEY).flags(&["--config-file", "a.yaml"]);
    case.env
        .write("a.yaml", [b"api_key: ", KEY.as_bytes(), b"\xe9\n"].concat());
    case.assert_reported("a.yaml (--config-file) is not UTF-8 text (line 1)");
    let mut case = Case::variable("api_key", "HH_API_KEY_FILE", "key");
    case.input = KEY.to_owned();
    case.env.write("key", [KEY.as_bytes(), b"\xe9\n"].concat());
    case.assert_reported("HH_API_KEY_FILE names key, which is not UTF-8 text");
}

#[test]
fn names() {
    for (name, text, message) in [
        (
            "a.yaml",
            format!("{KEY}: x\n"),
            "a.yaml:1:1: unknown setting (name redacted)",
        ),
        (
            "b.yaml",
            format!("? {KEY}\n: x\n"),
            "b.yaml:1:3: unknown setting (name redacted)",
        ),
        (
            "c.yaml",
            format!("{KEY}: x\n{KEY}: y\n"),
            "c.yaml:2:1: unknown setting (name redacted)",
        ),
        (
            "d.yaml",
            format!("environments:\n  prod:\n    {KEY}: x\n"),
            "d.yaml:3:5: unknown setting (name redacted)",
        ),
        (
            "e.yaml",
            format!("environments:\n  {KEY}: x\n"),
            "e.yaml:2:3: the environment must be",
        ),
        (
            "f.yaml",
            format!("environments:\n  {KEY}: {{}}\n  {KEY}: {{}}\n"),
            "f.yaml:3:3: the environment is defined twice",
        ),
        (
            "g.yaml",
            format!("api_key: {{{KEY}: x}}\n"),
            "g.yaml:1:10: invalid value for api_key: expected a single value",
        ),
        (
            "h.yaml",
            format!("api_key={KEY}: x\n"),
            "h.yaml:1:1: unknown setting (name redacted)",
        ),
        (
            "a.json",
            format!("{{\"{KEY}\": \"x\", \"{KEY}\": 1}}"),
            "a.json:1:2: unknown setting (name redacted)",
        ),
        (
            "a.toml",
            format!("{KEY} = 1\n"),
            "a.toml:1:1: unknown setting (name redacted)",
        ),
        ("b.toml", format!("{KEY} = 1\n{KEY} = 2\n"), "b.toml:2:1"),
        (
            "c.toml",
            format!("api_key.{KEY} = 1\n"),
            "c.toml:1:1: invalid value for api_key: expected a single value",
        ),
        ("d.toml", format!("[{KEY}]\nx = 1\n[{KEY}]\n"), "d.toml:3:"),
    ] {
        Case::named("api_key", name, text).assert_reported(message);
    }
}

#[test]
fn unknown_names_and_wrong_types() {
    for (name, text, message) in [
        (
            "a.yaml",
            format!("apikey: {KEY}\n"),
            "a.yaml:1:1: unknown setting apikey\n  hint: did you mean api_key?",
        ),
        (
            "b.yaml",
            format!("api_key: [{KEY}]\n"),
            "b.yaml:1:10: invalid value for api_key: expected a single value",
        ),
        (
            "c.yaml",
            format!("api_key: {KEY}\napi_key: {KEY}\n"),
            "c.yaml:2:1: api_key is set twice",
        ),
        (
            "d.yaml",
            format!("api_key: {KEY}\napi_key_file: {KEY}\n"),
            "d.yaml:2:1: api_key_file is set twice",
        ),
        (
            "e.yaml",
            format!("api_key_file: {KEY}\n"),
            "e.yaml:1:15: api_key_file contains an API key instead of the path of a file",
        ),
        (
            "f.yaml",
            format!("api_key_file: [{KEY}]\n"),
            "f.yaml:1:15: invalid value for api_key_file: expected a path",
        ),
        (
            "g.yaml",
            format!("api_key: {KEY}\ncredential_command: [echo, {KEY}]\n"),
            "g.yaml:1:10: api_key and credential",
        ),
        (
            "h.yaml",
            format!("config_file: {KEY}\n"),
            "h.yaml:1:14: config_file cannot be set",
        ),
        (
            "i.yaml",
            format!("HH_API_KEY: {KEY}\n"),
            "i.yaml:1:1: unknown setting HH_API_KEY",
        ),
        (
            "j.yaml",
            format!("api_secret: {SECRET}\n"),
            "j.yaml:1:1: api_secret has no effect",
        ),
        (
            "k.yaml",
            format!("environments:\n  prod:\n    api_key: [{KEY}]\n"),
            "k.yaml:3:14: invalid value for api_key: expected a single value",
        ),
        (
            "l.yaml",
            format!("environments: {KEY}\n"),
            "l.yaml:1:1: environments must be",
        ),
    ] {
        Case::named("api_key", name, text).assert_reported(message);
    }
}

#[test]
fn unknown_names_and_wrong_types_in_json_and_toml() {
    for (name, text, message) in [
        (
            "a.json",
            format!("{{\"api_key\": [\"{KEY}\"]}}"),
            "a.json:1:13: invalid value for api_key: expected a single value",
        ),
        (
            "b.json",
            format!("{{\"api_key\": \"{KEY}\", \"api_key\": \"{KEY}\"}}"),
            "b.json:1:",
        ),
        (
            "a.toml",
            format!("api_key = [\"{KEY}\"]\n"),
            "a.toml:1:11: invalid value for api_key: expected a single value",
        ),
        (
            "b.toml",
            format!("apikey = \"{KEY}\"\n"),
            "b.toml:1:1: unknown setting apikey",
        ),
    ] {
        Case::named("api_key", name, text).assert_reported(message);
    }
}

#[test]
fn secrets_that_are_no_keys() {
    for (name, text, message) in [
        (
            "a.yaml",
            format!("proxy_password: [{SECRET}]\n"),
            "a.yaml:1:17: invalid value for proxy_password: expected",
        ),
        (
            "b.yaml",
            "proxy_url: 'me:canarycanary@ x'\n".to_owned(),
            "b.yaml:1:12: invalid value for proxy_url: expected a proxy URL",
        ),
        (
            "c.yaml",
            "proxy_url: ftp://a:canarycanary@x.example\n".to_owned(),
            "c.yaml:1:12: invalid value for proxy_url: expected",
        ),
        (
            "d.yaml",
            "otlp_headers: x=canarycanary\n".to_owned(),
            "d.yaml:1:15: invalid value for otlp_headers: expected a JSON object",
        ),
        (
            "e.yaml",
            "otlp_headers: {x: [canarycanary]}\n".to_owned(),
            "e.yaml:1:15: invalid value for otlp_headers: expected only strings",
        ),
    ] {
        let setting = if text.starts_with("otlp") {
            "otlp_headers"
        } else {
            "proxy_url"
        };
        Case::named(setting, name, text).assert_reported(message);
    }
}

#[test]
fn substitutions_that_fail() {
    for (name, text, message) in [
        (
            "a.yaml",
            format!("api_key: '${{HH_NO:?{KEY}}}'\n"),
            "a.yaml:1:10: invalid value for api_key: variable HH_NO",
        ),
        (
            "b.yaml",
            format!("project: '${{HH_NO:?use {KEY}}}'\n"),
            "b.yaml:1:10: invalid value for project: variable HH_NO",
        ),
        (
            "c.yaml",
            format!("api_key: '{KEY}${{'\n"),
            "c.yaml:1:10: invalid value for api_key: malformed substitution",
        ),
        (
            "d.yaml",
            format!("api_key: '${{{KEY}-x}}'\n"),
            "d.yaml:1:10: invalid value for api_key: malformed substitution",
        ),
    ] {
        Case::named("api_key", name, text).assert_reported(message);
    }
    // Output contains no secret of the environment.
    for name in ["HH_API_KEY", "MY_TOKEN"] {
        let mut case = Case::named("project", "a.yaml", format!("project: x-${{{name}}}\n"));
        case.env.set(name, KEY);
        case.input = KEY.to_owned();
        case.assert_reported(&format!(
            "a.yaml:1:10: project uses {name}, which contains a secret"
        ));
    }
}

#[test]
fn a_key_as_the_name_of_a_variable() {
    for text in [
        format!("api_key: '${{{KEY}}}'\n"),
        format!("api_key: '$<{KEY}>'\n"),
        format!("project: '${{{KEY}}}'\n"),
    ] {
        let setting = if text.starts_with("api") {
            "api_key"
        } else {
            "project"
        };
        Case::named(setting, "a.yaml", text).assert_reported(&format!(
            "invalid value for {setting}: malformed substitution"
        ));
    }
}

#[test]
fn invalid_env_files() {
    for (text, message) in [
        (
            format!("{KEY}\n"),
            "a.env:1: an API key without a name is ignored",
        ),
        (
            format!("HH_API_KEY {KEY}\n"),
            "a.env:1: expected NAME=value",
        ),
        (
            format!("={KEY}\n"),
            "a.env:1: an API key without a name is ignored",
        ),
        (
            format!("HH-API-KEY={KEY}\n"),
            "unknown variable HH-API-KEY; did you mean HH_API_KEY?",
        ),
        (
            format!("HH_API_KEY='{KEY}\n"),
            "a.env:1: the quote is not closed",
        ),
        (
            format!("HH_API_KEY=\"x\" {KEY}\n"),
            "a.env:1: unexpected text after",
        ),
        (
            format!("HH_API_KEY={KEY}\nHH_API_KEY={KEY}\n"),
            "a.env:2: HH_API_KEY is set twice",
        ),
        (
            format!("HH_API_KEY={KEY}\nHH_API_KEY_FILE={KEY}\n"),
            "both HH_API_KEY and HH_API_KEY_FILE",
        ),
        (
            format!("HH_API_KEYS={KEY}\n"),
            "unknown variable HH_API_KEYS; did you mean HH_API_KEY?",
        ),
        (
            format!("HH_API_SECRET={SECRET}\n"),
            "HH_API_SECRET has no effect",
        ),
        (
            format!("{KEY}=1\nHH_DEBUG=maybe\n"),
            "a.env:2:10: invalid value for debug: expected true or false",
        ),
    ] {
        Case::file("api_key", "a.env", text)
            .flags(&["--env-file", "a.env"])
            .assert_reported(message);
    }
}

#[test]
fn invalid_variables() {
    for (name, message) in [
        (
            "HH_API_KEYS",
            "unknown variable HH_API_KEYS; did you mean HH_API_KEY?",
        ),
        ("HH_API_SECRET", "HH_API_SECRET has no effect"),
        (
            "HH_OTLP_HEADERS",
            "invalid value for otlp_headers (HH_OTLP_HEADERS): expected a JSON object",
        ),
        (
            "HH_LOG_FILE",
            "log_file from HH_LOG_FILE (environment) has no effect",
        ),
    ] {
        Case::variable("otlp_headers", name, KEY).assert_reported(message);
    }
    let mut case = Case::variable("api_key", "HH_API_KEY", KEY);
    case.env.set("HH_API_KEY_FILE", KEY);
    case.assert_reported("both HH_API_KEY and HH_API_KEY_FILE are set");
}

fn stored(text: &str) -> Case {
    let case = Case::file("api_key", STORE, text);
    case.env.set_mode(STORE, 0o600);
    case.env.set_mode(".config/honeyhive", 0o700);
    case
}

#[test]
fn invalid_stores_and_lists_of_trusted_files() {
    for text in [
        format!("version = 1\napi_key = \"{KEY}\n"),
        format!("{KEY}\n"),
        format!("version = 1\n[profiles.\"{KEY}\"]\napi_key = \"x\"\n"),
        format!(
            "version = 1\ncurrent = \"a\"\n[profiles.a]\nbase_url = \"x\"\napi_key = \"sk-{MARK}\"\n"
        ),
    ] {
        stored(&text).assert_reported("[home]/.config/honeyhive/credentials.toml is damaged");
    }
    let newer = format!("version = 2\napi_key = \"{KEY}\"\n");
    stored(&newer).assert_reported("credentials.toml has version 2");
    let list = ".config/honeyhive/trusted";
    let case = Case::file("api_key", list, format!("{KEY}  /x\n"));
    case.env.write("honeyhive.yaml", "project: docs\n");
    case.assert_reported("trusted:1: expected a SHA-256 hash");
}
