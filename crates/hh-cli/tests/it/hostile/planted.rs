//! Configuration files planted by another user, with each setting that only a trusted file may set (see
//! `docs/design/decisions.md#x2`).

use hh_sdk::config::{Kind, Placement, ProjectFilePolicy, SettingName, names};
use serde_json::{Value, json};

use super::{COMMANDS, KEY, OTHER_KEY, assert_refused, run_all, shown};
use crate::support::{Loopback, TestEnv};

const FORMATS: [&str; 4] = ["yaml", "yml", "json", "toml"];

/// An entry of a planted file.
#[derive(Debug)]
struct Entry {
    setting: SettingName,
    name: String,
    value: Value,
}

/// Returns every rejected entry from the table of settings, so that a new setting is included automatically.
fn entries(env: &TestEnv, hostile: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for setting in SettingName::all() {
        let declared = setting.spec();
        if declared.place == Placement::OutsideFiles {
            continue;
        }
        let entry = |name: String, value| Entry {
            setting,
            name,
            value,
        };
        if declared.project_file != ProjectFilePolicy::Allowed {
            let value = value(env, declared.kind, hostile);
            entries.push(entry(declared.name.to_owned(), value));
        }
        if declared.secret {
            let file = format!("{}_file", declared.name);
            entries.push(entry(file, json!(shown(&env.path("planted")))));
        }
    }
    entries.push(Entry {
        setting: names::SESSION_NAME,
        name: "session_name".to_owned(),
        value: json!("${HOME}"),
    });
    entries
}

/// Returns a harmful value: it names the hostile server, or writes a file.
fn value(env: &TestEnv, kind: Kind, hostile: &str) -> Value {
    let written = shown(&env.path("written"));
    match kind {
        Kind::Url | Kind::Proxy => json!(hostile),
        Kind::Path => json!(written),
        Kind::Boolean => json!(false),
        Kind::Hosts | Kind::HostPatterns => json!(["server.test.invalid"]),
        Kind::List => json!(["touch", written]),
        Kind::Map => json!({"x-evil": "1"}),
        Kind::Seconds(low, _) | Kind::Number(low, _) => json!(low),
        Kind::Count(low, _) => json!(low),
        Kind::Choice(words) => json!(words[0]),
        Kind::Text | Kind::Project | _ => json!("evil"),
    }
}

fn text(format: &str, entries: &[Entry]) -> String {
    if format == "toml" {
        let line = |entry: &Entry| {
            let Some(table) = entry.value.as_object() else {
                return format!("{} = {}\n", entry.name, entry.value);
            };
            let pairs = table
                .iter()
                .map(|(name, value)| format!("{name} = {value}"));
            let pairs = pairs.collect::<Vec<_>>().join(", ");
            format!("{} = {{ {pairs} }}\n", entry.name)
        };
        return entries.iter().map(line).collect();
    }
    if format == "json" {
        let all = entries.iter();
        let all = all.map(|entry| (entry.name.clone(), entry.value.clone()));
        return Value::Object(all.collect()).to_string();
    }
    let line = |entry: &Entry| format!("{}: {}\n", entry.name, entry.value);
    entries.iter().map(line).collect()
}

fn env_with_login(url: &str) -> TestEnv {
    let env = TestEnv::new();
    env.store_key("work", url, KEY);
    env.write("planted", OTHER_KEY);
    env
}

fn assert_nothing_written(env: &TestEnv, what: &str) {
    assert!(!env.path("written").exists(), "{what}");
}

#[test]
fn a_file_of_the_working_directory_has_no_such_effect() {
    let (good, hostile) = (Loopback::start(), Loopback::start());
    let (good_url, hostile_url) = (good.url(), hostile.url());
    std::thread::scope(|scope| {
        for format in FORMATS {
            let (good_url, hostile_url) = (&good_url, &hostile_url);
            scope.spawn(move || {
                let env = env_with_login(good_url);
                let entries = entries(&env, hostile_url);
                assert!(entries.len() > 20, "{entries:?}");
                for entry in entries {
                    let what = format!("{} in {format}", entry.name);
                    let name = entry.name.clone();
                    let file = format!("cwd/honeyhive.{format}");
                    env.write(&file, text(format, &[entry]));
                    let all = run_all(&env, "cwd", &[], &[]);
                    assert_refused(&what, &all, "untrusted project file");
                    assert!(
                        all.iter().all(|done| done.stderr.contains(&name)),
                        "{all:?}"
                    );
                    assert_nothing_written(&env, &what);
                }
            });
        }
    });
    hostile.assert_untouched("an untrusted file names it");
    good.assert_untouched("a rejected file stops every command");
}

/// Files of a parent directory, and files with unknown names, are not opened: an unreadable one has no effect.
#[test]
fn a_file_of_a_parent_directory_is_not_read() {
    for format in FORMATS {
        let (good, hostile) = (Loopback::start(), Loopback::start());
        let env = env_with_login(&good.url());
        let file = format!("repo/honeyhive.{format}");
        for content in [
            text(format, &entries(&env, &hostile.url())),
            "{[\"".to_owned(),
        ] {
            env.write("repo/deep/README", "");
            env.write(&file, content);
            for name in ["repo/.env", "repo/deep/.env"] {
                env.write(name, format!("HH_BASE_URL={}\n", hostile.url()));
            }
            for done in run_all(&env, "repo/deep", &[], &[]) {
                assert_eq!(done.code, 0, "{done:?}");
            }
            // In the working directory itself, the file is read.
            for done in run_all(&env, "repo", &[], &[]) {
                assert_ne!(done.code, 0, "{done:?}");
            }
            assert_nothing_written(&env, format);
        }
        hostile.assert_untouched("a file of a parent directory names it");
        let requests = good.requests();
        // The token is printed and not sent; the tracer starts a session and exports a span.
        assert!(requests.len() >= 2 * COMMANDS.len(), "{requests:?}");
        assert!(requests.iter().all(|request| request.bearer() == Some(KEY)));
        let exports = requests
            .iter()
            .filter(|request| request.path() == "/opentelemetry/v1/traces");
        assert!(exports.count() >= 2, "{requests:?}");
    }
}

/// The same file, named with an option: each setting takes effect.
#[test]
fn the_same_file_has_its_effect_when_it_is_named() {
    let hostile = Loopback::start();
    let env = env_with_login("http://127.0.0.1:9");
    for format in FORMATS {
        for entry in entries(&env, &hostile.url()) {
            let setting = entry.setting.as_str();
            let file = format!("named.{format}");
            env.write(&file, text(format, &[entry]));
            let (_, source) = env.setting(setting, &["--config-file", &file]);
            assert!(source.starts_with(&format!("file:{file}:1:")), "{source}");
        }
    }
    hostile.assert_untouched("printing a setting does not use it");
}

#[test]
fn what_is_named_does_what_it_says() {
    for format in FORMATS {
        let file = format!("named.{format}");
        let named = ["--config-file", file.as_str()];
        let project_list = ["project", "list"];
        let with = |env: &TestEnv, name: &str, value: Value| {
            let setting = names::BASE_URL;
            let name = name.to_owned();
            let entry = Entry {
                setting,
                name,
                value,
            };
            env.write(&file, text(format, &[entry]));
        };
        // Requests go to the server that the file names.
        let hostile = Loopback::start();
        let mut env = TestEnv::new();
        env.set("HH_API_KEY", OTHER_KEY);
        with(&env, "base_url", json!(hostile.url()));
        assert_eq!(env.run_with(&project_list, &named).code, 0);
        assert_eq!(hostile.request().bearer(), Some(OTHER_KEY));
        // Requests go through the proxy that the file names.
        let hostile = Loopback::start();
        with(&env, "https_proxy", json!(hostile.url()));
        let flags = [&named[..], &["--base-url", "https://api.test.invalid"]].concat();
        assert_eq!(env.run_with(&project_list, &flags).code, 4);
        assert_eq!(hostile.requests().len(), 1);
        // The program that the file names is run.
        let env = TestEnv::new();
        let written = shown(&env.path("written"));
        with(&env, "credential_command", json!(["touch", written]));
        let path = [("PATH", "/usr/bin:/bin")];
        let mut command = env.command(&[&project_list[..], &named].concat());
        assert!(!command.envs(path).output().unwrap().status.success());
        assert!(env.path("written").exists());
        // The file that it names is read.
        let good = Loopback::start();
        env.write("planted", OTHER_KEY);
        with(&env, "api_key_file", json!(shown(&env.path("planted"))));
        let url = good.url();
        let flags = [&named[..], &["--base-url", &url]].concat();
        assert_eq!(env.run_with(&project_list, &flags).code, 0);
        assert_eq!(good.request().bearer(), Some(OTHER_KEY));
    }
}
