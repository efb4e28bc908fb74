//! Secrets in their own settings: every source of every secret setting.

use super::{Case, KEY, MASKED, SECRET};
use crate::support::STORE;

const KEYS: [&str; 4] = [
    "api_key",
    "ingestion_api_key",
    "data_plane_api_key",
    "control_plane_api_key",
];

/// Returns one setting in the three formats, and the location of its value.
fn formats(name: &str, value: &str) -> [(&'static str, String, String); 3] {
    let column = name.len();
    [
        (
            "yaml",
            format!("# ours\n{name}: {value}\n"),
            format!("2:{}", column + 3),
        ),
        (
            "json",
            format!("{{\"{name}\": \"{value}\"}}\n"),
            format!("1:{}", column + 6),
        ),
        (
            "toml",
            format!("{name} = \"{value}\"\n"),
            format!("1:{}", column + 4),
        ),
    ]
}

#[test]
fn flags_and_variables() {
    Case::new("api_key", KEY)
        .flags(&["--api-key", KEY])
        .assert_shown(MASKED, "param");
    for variable in ["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"] {
        Case::variable("api_key", variable, KEY).assert_shown(MASKED, &format!("env:{variable}"));
    }
    for (setting, variable) in KEYS.iter().zip([
        "HH_API_KEY",
        "HH_INGESTION_API_KEY",
        "HH_DATA_PLANE_API_KEY",
        "HH_CONTROL_PLANE_API_KEY",
    ]) {
        Case::variable(setting, variable, KEY).assert_shown(MASKED, &format!("env:{variable}"));
    }
    for (setting, variable, value, shown) in [
        ("proxy_password", "HH_PROXY_PASSWORD", SECRET, "***"),
        (
            "otlp_headers",
            "HH_OTLP_HEADERS",
            r#"{"x-key": "canarycanary"}"#,
            "***",
        ),
        (
            "proxy_url",
            "HH_PROXY_URL",
            "http://me:canarycanary@proxy.example",
            "http://proxy.example",
        ),
        (
            "http_proxy",
            "http_proxy",
            "http://canarycanary:x@proxy.example:99",
            "http://proxy.example:99",
        ),
    ] {
        Case::variable(setting, variable, value).assert_shown(shown, &format!("env:{variable}"));
    }
}

#[test]
fn variables_that_are_shadowed() {
    let mut case = Case::variable(
        "api_key",
        "HH_API_KEY",
        "hh_1234567890abcdef1234567890abcdef",
    );
    case.input = KEY.to_owned();
    case.env
        .write("honeyhive.yaml", format!("api_key: {KEY}\n"));
    case.assert_shown(MASKED, "file:[home]/honeyhive.yaml:1:10");
}

#[test]
fn env_files() {
    for (text, place) in [
        (format!("HH_API_KEY={KEY}\n"), "1:12"),
        (
            format!("# ours\nexport HH_PROJECT_API_KEY='{KEY}' # ours\n"),
            "2:27",
        ),
        (format!("HONEYHIVE_API_KEY = \"{KEY}\"\n"), "1:21"),
    ] {
        let case = Case::file("api_key", "a.env", text).flags(&["--env-file", "a.env"]);
        case.assert_shown(MASKED, &format!("file:a.env:{place}"));
    }
    let text = format!("HH_PROXY_PASSWORD={SECRET}\n");
    let case = Case::file("proxy_password", "a.env", text).flags(&["--env-file", "a.env"]);
    case.assert_shown("***", "file:a.env:1:19");
}

#[test]
fn secret_files() {
    for (setting, variable, value, shown) in [
        ("api_key", "HH_API_KEY_FILE", KEY, MASKED),
        ("api_key", "HONEYHIVE_API_KEY_FILE", KEY, MASKED),
        (
            "ingestion_api_key",
            "HH_INGESTION_API_KEY_FILE",
            KEY,
            MASKED,
        ),
        ("proxy_password", "HH_PROXY_PASSWORD_FILE", SECRET, "***"),
    ] {
        let mut case = Case::file(setting, "secret", format!("{value}\n"));
        case.env.set(variable, "secret");
        case.assert_shown(shown, &format!("env:{variable}"));
    }
    for (extension, text, place) in formats("api_key_file", "secret") {
        let name = format!("a.{extension}");
        let case = Case::file("api_key", "secret", KEY).flags(&["--config-file", &name]);
        case.env.write(&name, text);
        case.assert_shown(MASKED, &format!("file:{name}:{place}"));
    }
}

#[test]
fn named_files() {
    for setting in KEYS {
        for (extension, text, place) in formats(setting, KEY) {
            let name = format!("a.{extension}");
            Case::named(setting, &name, text).assert_shown(MASKED, &format!("file:{name}:{place}"));
        }
    }
    for (extension, text, place) in formats("proxy_password", SECRET) {
        let name = format!("a.{extension}");
        Case::named("proxy_password", &name, text)
            .assert_shown("***", &format!("file:{name}:{place}"));
    }
    for (name, text, place) in [
        ("a.yaml", "otlp_headers:\n  x-key: canarycanary\n", "2:3"),
        (
            "a.json",
            r#"{"otlp_headers": {"x-key": "canarycanary"}}"#,
            "1:18",
        ),
        (
            "a.toml",
            "[otlp_headers]\nx-key = \"canarycanary\"\n",
            "1:1",
        ),
    ] {
        Case::named("otlp_headers", name, text)
            .assert_shown("***", &format!("file:{name}:{place}"));
    }
}

#[test]
fn project_files() {
    for (extension, text, place) in formats("api_key", KEY) {
        let name = format!("honeyhive.{extension}");
        let place = format!("file:[home]/{name}:{place}");
        Case::file("api_key", &name, text).assert_shown(MASKED, &place);
    }
    // A setting that only a trusted file may have is rejected, and the error does not contain its value.
    let text = format!("proxy_password: {SECRET}\n");
    Case::file("proxy_password", "honeyhive.yaml", text).assert_reported(
        "honeyhive.yaml:1:17: an untrusted project file cannot set proxy_password",
    );
}

#[test]
fn overlays() {
    for (extension, text, place) in formats("api_key", KEY) {
        let name = format!("honeyhive.prod.{extension}");
        let place = format!("file:[home]/{name}:{place}");
        let case = Case::file("api_key", &name, text).flags(&["--environment", "prod"]);
        case.assert_shown(MASKED, &place);
    }
    for (name, text, place) in [
        (
            "a.yaml",
            format!("environments:\n  prod:\n    api_key: {KEY}\n"),
            "3:14",
        ),
        (
            "a.json",
            format!("{{\"environments\": {{\"prod\": {{\"api_key\": \"{KEY}\"}}}}}}"),
            "1:39",
        ),
        (
            "a.toml",
            format!("[environments.prod]\napi_key = \"{KEY}\"\n"),
            "2:11",
        ),
    ] {
        let case = Case::named("api_key", name, text).flags(&["--environment", "prod"]);
        case.assert_shown(MASKED, &format!("file:{name}:{place}"));
    }
}

#[test]
fn files_of_the_user() {
    for dir in [".config/honeyhive", ".honeyhive"] {
        for (extension, text, place) in formats("api_key", KEY) {
            let name = format!("{dir}/config.{extension}");
            let place = format!("file:[home]/{name}:{place}");
            Case::file("api_key", &name, text).assert_shown(MASKED, &place);
        }
    }
}

#[test]
fn the_credential_store() {
    let case = Case::new("api_key", KEY);
    case.env.store_key("work", "http://127.0.0.1:9", KEY);
    assert!(case.env.read(STORE).contains(KEY));
    case.assert_shown(MASKED, "stored");
}

#[test]
fn substitutions() {
    for text in ["${HH_MY_KEY}", "$<HH_MY_KEY>", "${HH_MY_KEY:-x}"] {
        for (extension, text, place) in formats("api_key", text) {
            let name = format!("a.{extension}");
            let mut case = Case::named("api_key", &name, text);
            case.input = KEY.to_owned();
            case.env.set("HH_MY_KEY", KEY);
            case.assert_shown(MASKED, &format!("file:{name}:{place}"));
        }
    }
    let text = format!("api_key: '${{HH_NOT_SET:-{KEY}}}'\n");
    Case::named("api_key", "a.yaml", text).assert_shown(MASKED, "file:a.yaml:1:10");
    let mut case = Case::named(
        "proxy_password",
        "a.yaml",
        "proxy_password: x${MY_SECRET}x\n",
    );
    case.input = SECRET.to_owned();
    case.env.set("MY_SECRET", SECRET);
    case.assert_shown("***", "file:a.yaml:1:17");
}

#[test]
fn changes() {
    for (setting, value, shown) in [("api_key", KEY, MASKED), ("proxy_password", SECRET, "***")] {
        let case = Case::new(setting, value).command(&["config", "set", setting, value]);
        let done = case
            .env
            .run_with_input(&["config", "set", setting, "-"], value);
        assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
        let source = format!(
            "file:[home]/.config/honeyhive/config.yaml:1:{}",
            setting.len() + 3
        );
        case.assert_shown(shown, &source);
    }
}
