//! The sources of the key and the project, and their precedence.

use std::os::unix::fs::symlink;

use super::{KEY, OTHER_KEY, refused, sent_key};
use crate::support::{Loopback, TestEnv};

/// The example files of the product documentation, word for word.
const YAML: &str = "# honeyhive.yaml\napi_key: \"hh_your_api_key_here\"\nproject: \"my-project\"\n";
const JSON: &str = "{\n\"api_key\": \"hh_your_api_key_here\",\n\"project\": \"my-project\"\n}\n";
const SEEDS_KEY: &str = "hh_your_api_key_here";

/// Returns the project that a request for events names.
fn sent_project(env: &TestEnv, flags: &[&str]) -> String {
    let server = Loopback::start();
    let done = env.run_with(&["event", "list", "--base-url", &server.url()], flags);
    assert_eq!(done.code, 0, "{done:?}");
    let request = server.request();
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    body["project"].as_str().unwrap().to_owned()
}

// Feature S14.
#[test]
fn the_key_is_read_from_its_variable() {
    for variable in ["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"] {
        let mut env = TestEnv::new();
        refused(&env, &[], 3);
        env.set(variable, &format!(" {KEY}\t"));
        assert_eq!(sent_key(&env, &[]), KEY);
        env.assert_setting("api_key", &[], "hh_12345***", &format!("env:{variable}"));
    }
    // A blank value counts as not set, and the preferred variable takes precedence.
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "  ");
    env.set("HONEYHIVE_API_KEY", OTHER_KEY);
    assert_eq!(sent_key(&env, &[]), OTHER_KEY);
    env.unset("HH_API_KEY");
    env.set("HH_API_KEY", KEY);
    assert_eq!(sent_key(&env, &[]), KEY);
}

// Feature S15.
#[test]
fn the_project_is_read_from_its_variable() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_PROJECT", "your-project");
    assert_eq!(sent_project(&env, &[]), "your-project");
    env.assert_setting("project", &[], "your-project", "env:HH_PROJECT");
}

// Feature S16.
#[test]
fn a_key_and_a_project_given_directly_are_used() {
    let mut env = TestEnv::new();
    assert_eq!(sent_key(&env, &["--api-key", KEY]), KEY);
    env.set("HH_API_KEY", OTHER_KEY);
    env.set("HH_PROJECT", "from-environment");
    assert_eq!(sent_key(&env, &["--api-key", KEY]), KEY);
    assert_eq!(
        sent_project(&env, &["--project", "your-project"]),
        "your-project"
    );
}

// Feature S17.
/// `auth scan` searches files for keys; this test covers the warning that a key in a project file causes immediately.
#[test]
fn a_key_in_a_project_file_causes_a_warning() {
    let env = TestEnv::new();
    env.write("honeyhive.yaml", YAML);
    let printed = |env: &TestEnv| env.filtered(&env.run(&["config", "get", "project"]).stderr);
    insta::assert_snapshot!(printed(&env), @"warning: api_key comes from [home]/honeyhive.yaml:2:10 (project file); keep that file out of version control");
    // A reference to a variable is not a key.
    env.write("honeyhive.yaml", "api_key: ${HH_CI_KEY:-}\nproject: x\n");
    assert_eq!(printed(&env), "");
}

// Feature S18.
#[test]
fn the_yaml_file_of_the_directory_is_read() {
    let env = TestEnv::new();
    env.write("honeyhive.yaml", YAML);
    assert_eq!(sent_key(&env, &[]), SEEDS_KEY);
    assert_eq!(sent_project(&env, &[]), "my-project");
    env.assert_setting(
        "api_key",
        &[],
        "hh_your_***",
        "file:[home]/honeyhive.yaml:2:10",
    );
    env.assert_setting(
        "project",
        &[],
        "my-project",
        "file:[home]/honeyhive.yaml:3:10",
    );
}

// Feature S19.
#[test]
fn the_json_file_of_the_directory_is_read() {
    let env = TestEnv::new();
    env.write("honeyhive.json", JSON);
    assert_eq!(sent_key(&env, &[]), SEEDS_KEY);
    assert_eq!(sent_project(&env, &[]), "my-project");
    env.assert_setting(
        "api_key",
        &[],
        "hh_your_***",
        "file:[home]/honeyhive.json:2:12",
    );
    // A TOML file is read in the same manner.
    let env = TestEnv::new();
    env.write("honeyhive.toml", format!("api_key = '{KEY}'\n"));
    assert_eq!(sent_key(&env, &[]), KEY);
}

// Feature S20.
#[test]
fn a_named_file_is_read_and_must_exist() {
    let mut env = TestEnv::new();
    env.write("conf/honeyhive.yaml", YAML);
    assert_eq!(
        sent_key(&env, &["--config-file", "conf/honeyhive.yaml"]),
        SEEDS_KEY
    );
    assert_eq!(
        sent_key(&env, &["--config-file", &env.at("conf/honeyhive.yaml")]),
        SEEDS_KEY
    );
    // The named file replaces the file of the directory.
    env.write(
        "honeyhive.yaml",
        format!("api_key: {KEY}\nsource: directory\n"),
    );
    assert_eq!(
        sent_key(&env, &["--config-file", "conf/honeyhive.yaml"]),
        SEEDS_KEY
    );
    env.assert_setting(
        "source",
        &["--config-file", "conf/honeyhive.yaml"],
        "dev",
        "default",
    );
    insta::assert_snapshot!(refused(&env, &["--config-file", "honeyhive.yml"], 5), @"error: the configuration file honeyhive.yml (--config-file) does not exist");
    env.set("HH_CONFIG_FILE", "conf/honeyhive.yaml");
    assert_eq!(sent_key(&env, &[]), SEEDS_KEY);
}

// Features S27, S28, S29.
#[test]
fn every_combination_of_sources_has_its_winner() {
    const KEYS: [(&str, &str); 4] = [
        ("param", "hh_directdirectdirectdirectdirect00"),
        ("env:HH_API_KEY", "hh_variablevariablevariablevariable"),
        ("file:a.yaml:1:10", "hh_filefilefilefilefilefilefile0000"),
        ("stored", "hh_storedstoredstoredstoredstored00"),
    ];
    for given in 0..16_u32 {
        let has = |at: usize| given & (1 << at) != 0;
        let mut env = TestEnv::new();
        let server = Loopback::start();
        env.set("HH_BASE_URL", &server.url());
        env.write(
            "a.yaml",
            if has(2) {
                format!("api_key: {}\n", KEYS[2].1)
            } else {
                String::new()
            },
        );
        let mut flags = vec!["--config-file", "a.yaml"];
        if has(0) {
            flags.extend(["--api-key", KEYS[0].1]);
        }
        if has(1) {
            env.set("HH_API_KEY", KEYS[1].1);
        }
        if has(3) {
            env.store_key("work", &server.url(), KEYS[3].1);
        }
        let winner = (0..4).find(|at| has(*at)).map(|at| KEYS[at]);
        let done = env.run_with(&["project", "list"], &flags);
        let (_, source) = env.setting("api_key", &flags);
        let requests = server.requests();
        let sent: Vec<_> = requests
            .iter()
            .map(|request| request.bearer().unwrap())
            .collect();
        let (code, wanted, keys) = match winner {
            Some((wanted, key)) => (0, wanted, vec![key]),
            None => (3, "unset", Vec::new()),
        };
        assert_eq!((done.code, sent), (code, keys), "{given:04b}: {done:?}");
        assert_eq!(source, wanted, "{given:04b}");
        assert_eq!(
            done.stderr.contains("no API key was found"),
            code == 3,
            "{done:?}"
        );
    }
}

// Feature S31.
#[test]
fn the_source_of_the_key_is_reported() {
    let mut env = TestEnv::new();
    env.assert_setting("api_key", &[], "null", "unset");
    env.store_key("work", "http://127.0.0.1:9", KEY);
    env.assert_setting("api_key", &[], "hh_12345***", "stored");
    env.write(
        ".config/honeyhive/config.toml",
        format!("api_key = \"{KEY}\"\n"),
    );
    env.assert_setting(
        "api_key",
        &[],
        "hh_12345***",
        "file:[home]/.config/honeyhive/config.toml:1:11",
    );
    env.write(
        "honeyhive.json",
        format!("{{\n  \"api_key\": \"{KEY}\"\n}}\n"),
    );
    env.assert_setting(
        "api_key",
        &[],
        "hh_12345***",
        "file:[home]/honeyhive.json:2:14",
    );
    env.write("honeyhive.prod.yaml", format!("\napi_key: {KEY}\n"));
    let prod = ["--environment", "prod"];
    env.assert_setting(
        "api_key",
        &prod,
        "hh_12345***",
        "file:[home]/honeyhive.prod.yaml:2:10",
    );
    env.write("a.env", format!("HH_API_KEY={KEY}\n"));
    env.assert_setting(
        "api_key",
        &["--env-file", "a.env"],
        "hh_12345***",
        "file:a.env:1:12",
    );
    env.set("HH_API_KEY", KEY);
    env.assert_setting(
        "api_key",
        &["--env-file", "a.env"],
        "hh_12345***",
        "env:HH_API_KEY",
    );
    env.assert_setting("api_key", &["--api-key", KEY], "hh_12345***", "param");
}

// Feature S46.
#[test]
fn an_env_file_is_read_when_asked_for_and_the_environment_wins() {
    let mut env = TestEnv::new();
    env.write(
        ".env",
        format!("HH_API_KEY={KEY}\nHH_PROJECT=from-env-file\n"),
    );
    // Without `--env-file` the file is not read.
    refused(&env, &[], 3);
    env.assert_setting("project", &[], "null", "unset");
    let asked = ["--env-file", ".env"];
    assert_eq!(sent_key(&env, &asked), KEY);
    env.assert_setting("project", &asked, "from-env-file", "file:.env:2:12");
    env.set("HH_API_KEY", OTHER_KEY);
    assert_eq!(sent_key(&env, &asked), OTHER_KEY);
    env.assert_setting("project", &asked, "from-env-file", "file:.env:2:12");
    env.unset("HH_API_KEY");
    env.set("HH_ENV_FILE", ".env");
    assert_eq!(sent_key(&env, &[]), KEY);
    // An alias in the process environment also takes precedence.
    env.set("HONEYHIVE_API_KEY", OTHER_KEY);
    assert_eq!(sent_key(&env, &[]), OTHER_KEY);
}

// Feature S47.
#[test]
fn a_key_is_read_from_the_file_that_its_variable_names() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY_FILE", &env.at("run/secrets/honeyhive_api_key"));
    for text in [
        format!("{KEY}\n"),
        KEY.to_owned(),
        format!("{KEY}\r\n"),
        format!(" {KEY} \n"),
        format!("\u{feff}{KEY}\n"),
    ] {
        env.write("run/secrets/honeyhive_api_key", &text);
        assert_eq!(sent_key(&env, &[]), KEY, "{text:?}");
    }
    // Docker's secret files have mode 0444; those of Kubernetes are links.
    env.set_mode("run/secrets/honeyhive_api_key", 0o444);
    assert_eq!(sent_key(&env, &[]), KEY);
    symlink("honeyhive_api_key", env.path("run/secrets/link")).unwrap();
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY_FILE", "run/secrets/link");
    assert_eq!(sent_key(&env, &[]), KEY);
    env.assert_setting("api_key", &[], "hh_12345***", "env:HH_API_KEY_FILE");
    let record = env.json(&["config", "get", "api_key"]);
    assert_eq!(record["secret_file"], "run/secrets/link");
    for (name, text, code) in [
        ("missing", None, 5),
        ("empty", Some(""), 5),
        ("two", Some("hh_one\nhh_two\n"), 3),
    ] {
        if let Some(text) = text {
            env.write(name, text);
        }
        env.unset("HH_API_KEY_FILE");
        env.set("HH_API_KEY_FILE", name);
        let printed = refused(&env, &[], code);
        assert!(
            printed.contains("HH_API_KEY_FILE") && printed.contains(name),
            "{printed}"
        );
    }
}

// Features S27, S28, S29, S30, S31, S84.
/// Each subset of the sources: the key that reaches the server, and the source that `auth status` reports.
#[test]
fn all_combinations_of_four_sources() {
    const KEYS: [&str; 4] = [
        "hh_1111direct1111direct1111direct11",
        "hh_2222environment2222environment22",
        "hh_3333file3333file3333file3333file",
        "hh_4444stored4444stored4444stored44",
    ];
    for (mask, is_named) in (0_u32..16).flat_map(|mask| [(mask, false), (mask, true)]) {
        let has = |at: usize| mask & 1 << at != 0;
        let server = Loopback::start();
        let mut env = TestEnv::new();
        env.set("HH_BASE_URL", &server.url());
        let mut flags = vec!["-q"];
        if has(0) {
            flags.extend(["--api-key", KEYS[0]]);
        }
        if has(1) {
            env.set("HH_API_KEY", KEYS[1]);
        }
        let (file, place) = if is_named {
            ("c.yaml", "c.yaml:1:10 (named file)")
        } else {
            (
                "honeyhive.yaml",
                "[home]/honeyhive.yaml:1:10 (project file)",
            )
        };
        if has(2) {
            env.write(file, format!("api_key: {}\n", KEYS[2]));
            if is_named {
                flags.extend(["--config-file", file]);
            }
        }
        if has(3) {
            env.store_key("work", &server.url(), KEYS[3]);
        }
        let places = [
            "--api-key",
            "HH_API_KEY (environment)",
            place,
            "profile \"work\" (stored)",
        ];
        let given: Vec<_> = (0..4).filter(|at| has(*at)).collect();

        let status = env.json(&[&["auth", "status"], &flags[..]].concat());
        let reported = status["keys"].as_array().unwrap().iter().map(|key| {
            let text = |name: &str| key[name].as_str().unwrap();
            let (value, source) = (text("value"), env.filtered(text("source")));
            (value.to_owned(), source, text("state") == "used")
        });
        let expected = given.iter().enumerate().map(|(rank, at)| {
            let shown = format!("{}***", &KEYS[*at][..8]);
            (shown, places[*at].to_owned(), rank == 0)
        });
        assert!(reported.eq(expected), "sources {mask:04b}: {status}");

        let whoami = env.run_with(&["auth", "whoami", "--verbose"], &flags);
        let requests = server.requests();
        let sent: Vec<_> = requests.iter().map(|request| request.bearer()).collect();
        let Some(winner) = given.first() else {
            assert_eq!((whoami.code, sent), (3, Vec::new()), "{whoami:?}");
            continue;
        };
        assert_eq!(whoami.code, 0, "{whoami:?}");
        assert_eq!(sent, [Some(KEYS[*winner])], "sources {mask:04b}");
        let printed = env.filtered(&whoami.stdout);
        let line = format!("\nKey source: {}\n", places[*winner]);
        assert!(printed.contains(&line), "sources {mask:04b}: {printed}");
    }
}
