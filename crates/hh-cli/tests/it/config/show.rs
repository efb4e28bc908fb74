//! Tests of `config list`, `config explain` and `config get`.

mod failures;

use super::{KEY, OTHER_KEY};
use crate::support::{TestEnv, rows, squeezed};

/// Returns the row of a setting and the rows of its shadowed values.
fn section(table: &str, name: &str) -> String {
    let mut lines = table.lines();
    let own = lines.find(|line| line.split("  ").next() == Some(name));
    let shadowed = lines.take_while(|line| line.starts_with("  shadowed"));
    let lines: Vec<_> = own.into_iter().chain(shadowed).collect();
    squeezed(&lines.join("\n"))
}

/// Returns an environment with every source except the system file, which a test cannot write.
fn every_source() -> TestEnv {
    let mut env = TestEnv::new();
    env.write(
        "honeyhive.yaml",
        format!("api_key: {OTHER_KEY}\nproject: from-project\nsource: from-project\nsession_name: ours\n"),
    );
    env.write(
        "honeyhive.prod.json",
        r#"{"project": "from-overlay", "source": "from-overlay"}"#,
    );
    env.write("a.env", "HH_PROJECT=from-env-file\nHH_VERBOSE=off\n");
    env.write(
        ".honeyhive/config.json",
        "{\n  \"project\": \"from-user\",\n  \"timeout\": 7\n}\n",
    );
    env.store_key(
        "work",
        "http://127.0.0.1:9",
        "hh_storedstoredstoredstoredstored00",
    );
    env.set("HH_API_KEY", KEY);
    env.set("HH_PROJECT", "from-environment");
    env.set("HH_ENVIRONMENT", "prod");
    env.set("HH_ENV_FILE", "a.env");
    env
}

#[test]
fn the_list_names_every_kind_of_source() {
    let env = every_source();
    let done = env.run(&["config", "list", "--debug"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let names = [
        "SETTING",
        "api_key",
        "base_url",
        "project",
        "source",
        "session_name",
        "environment",
        "debug",
        "verbose",
        "timeout",
        "retry_delay",
        "ca_bundle",
    ];
    insta::assert_snapshot!(env.filtered(&rows(&done.stdout, &names)), @"
    SETTING | VALUE | SOURCE
    api_key | hh_12345*** | env:HH_API_KEY
    base_url | http://127.0.0.1:9 | stored
    project | from-environment | env:HH_PROJECT
    source | from-overlay | file:[home]/honeyhive.prod.json:1:39
    session_name | ours | file:[home]/honeyhive.yaml:4:15
    environment | prod | env:HH_ENVIRONMENT
    debug | true | param
    verbose | off | file:a.env:2:12
    timeout | 7 | file:[home]/.honeyhive/config.json:3:14
    retry_delay | 1 | default
    ca_bundle | - | unset
    ");
}

#[test]
fn the_list_of_all_shows_what_is_shadowed_below_each_winner() {
    let env = every_source();
    let done = env.run(&["config", "list", "--all"]);
    assert_eq!(done.code, 0, "{done:?}");
    let shown = ["api_key", "base_url", "project", "source", "timeout"]
        .map(|name| section(&done.stdout, name));
    insta::assert_snapshot!(env.filtered(&shown.join("\n")), @"
    api_key | hh_12345*** | env:HH_API_KEY
      shadowed | hh_abcde*** | file:[home]/honeyhive.yaml:1:10
      shadowed | hh_store*** | stored
    base_url | http://127.0.0.1:9 | stored
    project | from-environment | env:HH_PROJECT
      shadowed | from-env-file | file:a.env:1:12
      shadowed | from-overlay | file:[home]/honeyhive.prod.json:1:13
      shadowed | from-project | file:[home]/honeyhive.yaml:2:10
      shadowed | from-user | file:[home]/.honeyhive/config.json:2:14
    source | from-overlay | file:[home]/honeyhive.prod.json:1:39
      shadowed | from-project | file:[home]/honeyhive.yaml:3:9
    timeout | 7 | file:[home]/.honeyhive/config.json:3:14
    ");
    // Without `--all` the shadowed values are not printed.
    let done = env.run(&["config", "list"]);
    assert!(!done.stdout.contains("shadowed"), "{done:?}");
    assert_eq!(
        section(&done.stdout, "project"),
        "project | from-environment | env:HH_PROJECT"
    );
}

#[test]
fn the_list_as_json_has_a_record_for_each_setting() {
    let env = every_source();
    let list = env.items(&["config", "list"]);
    let records = list.as_array().unwrap();
    let table = env.run(&["config", "list"]).stdout;
    assert_eq!(records.len() + 1, table.lines().count());
    for record in records {
        for field in ["name", "source", "layer"] {
            assert!(record[field].is_string(), "{record}");
        }
        assert!(
            record["value"].is_string() || record["source"] == "unset",
            "{record}"
        );
        assert!(record["shadowed"].is_array(), "{record}");
    }
    let source = records
        .iter()
        .find(|record| record["name"] == "source")
        .unwrap();
    let source = serde_json::to_string_pretty(source).unwrap();
    insta::assert_snapshot!(env.filtered(&source), @r#"
    {
      "column": 39,
      "file": "[home]/honeyhive.prod.json",
      "layer": "overlay file",
      "line": 1,
      "name": "source",
      "shadowed": [
        {
          "column": 9,
          "file": "[home]/honeyhive.yaml",
          "layer": "project file",
          "line": 3,
          "source": "file:[home]/honeyhive.yaml:3:9",
          "value": "from-project"
        }
      ],
      "source": "file:[home]/honeyhive.prod.json:1:39",
      "value": "from-overlay"
    }
    "#);
}

#[test]
fn explain_shows_the_winner_and_every_place_it_shadows() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("honeyhive.yaml", format!("api_key: {OTHER_KEY}\n"));
    env.write("key", "hh_filefilefilefilefilefilefile0000\n");
    env.write(
        ".config/honeyhive/config.toml",
        format!("api_key_file = \"{}\"\n", env.at("key")),
    );
    env.store_key(
        "work",
        "http://127.0.0.1:9",
        "hh_storedstoredstoredstoredstored00",
    );
    insta::assert_snapshot!(env.seen(&["config", "explain", "api_key"]), @r#"
    api_key: API key
      value | hh_12345***
      from | HH_API_KEY (environment)
      shadows | hh_abcde*** from [home]/honeyhive.yaml:1:10 (project file)
      shadows | hh_filef*** from [home]/.config/honeyhive/config.toml:1:16 -> [home]/key (user file)
      shadows | hh_store*** from profile "work" (stored)
      type | string
      variables | HH_API_KEY, HH_API_KEY_FILE, HH_PROJECT_API_KEY, HH_PROJECT_API_KEY_FILE, HONEYHIVE_API_KEY, HONEYHIVE_API_KEY_FILE
      in files | api_key, or api_key_file with a path
    exit 0
    "#);
    let json = env.json(&["config", "explain", "api_key"]);
    assert_eq!(
        (&json["value"], &json["source"]),
        (&"hh_12345***".into(), &"env:HH_API_KEY".into())
    );
    let shadowed = serde_json::to_string_pretty(&json["shadowed"]).unwrap();
    insta::assert_snapshot!(env.filtered(&shadowed), @r#"
    [
      {
        "column": 10,
        "file": "[home]/honeyhive.yaml",
        "layer": "project file",
        "line": 1,
        "source": "file:[home]/honeyhive.yaml:1:10",
        "value": "hh_abcde***"
      },
      {
        "column": 16,
        "file": "[home]/.config/honeyhive/config.toml",
        "layer": "user file",
        "line": 1,
        "secret_file": "[home]/key",
        "source": "file:[home]/.config/honeyhive/config.toml:1:16",
        "value": "hh_filef***"
      },
      {
        "layer": "stored",
        "source": "stored",
        "value": "hh_store***"
      }
    ]
    "#);
    // Without the sources of higher precedence, each of the others comes into effect.
    env.unset("HH_API_KEY");
    env.assert_setting(
        "api_key",
        &[],
        "hh_abcde***",
        "file:[home]/honeyhive.yaml:1:10",
    );
    env.write("honeyhive.yaml", "");
    let user_file = "file:[home]/.config/honeyhive/config.toml:1:16";
    env.assert_setting("api_key", &[], "hh_filef***", user_file);
    env.write(".config/honeyhive/config.toml", "");
    env.assert_setting("api_key", &[], "hh_store***", "stored");
}

#[test]
fn explain_shows_a_stored_key_also_when_everything_else_is_set() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", "http://127.0.0.1:9");
    env.store_key("work", "http://127.0.0.1:9", OTHER_KEY);
    let shadowed = &env.json(&["config", "explain", "api_key"])["shadowed"];
    assert_eq!(shadowed[0]["source"], "stored", "{shadowed}");
}

#[test]
fn explain_describes_a_setting() {
    let mut env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "explain", "timeout"]), @"
    timeout: time limit of one call in seconds, including retries
      value | 30
      from | the default
      type | seconds, 1 to 300
      variables | HH_TIMEOUT, HH_API_TIMEOUT
      in files | timeout
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "explain", "default_project"]), @"
    project: project name
      value | not set
      type | project name, 1 to 100 characters
      variables | HH_PROJECT
      in files | project, default_project
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "explain", "HH_CONFIG_FILE"]), @"
    config_file: configuration file to read instead of the project file (YAML, JSON or TOML)
      value | not set
      type | path
      variables | HH_CONFIG_FILE
      in files | no
    exit 0
    ");
    env.set("HH_POOL_TIMEOUT", "2");
    insta::assert_snapshot!(env.seen(&["config", "explain", "pool_timeout"]), @"
    pool_timeout: maximum wait for a connection of the pool in seconds
      value | 2
      from | HH_POOL_TIMEOUT (environment)
      type | seconds, 0.1 to 300
      default | 10
      variables | HH_POOL_TIMEOUT
      in files | pool_timeout
      note | not implemented yet
    ! warning: pool_timeout from HH_POOL_TIMEOUT (environment) has no effect: not implemented yet
    exit 0
    ");
}

#[test]
fn get_prints_the_value_alone() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_PROJECT", "my project");
    assert_eq!(
        env.seen(&["config", "get", "project"]),
        "my project\nexit 0"
    );
    assert_eq!(
        env.seen(&["config", "get", "HH_PROJECT"]),
        "my project\nexit 0"
    );
    assert_eq!(
        env.seen(&["config", "get", "api_key"]),
        "hh_12345***\nexit 0"
    );
    assert_eq!(env.seen(&["config", "get", "timeout"]), "30\nexit 0");
    insta::assert_snapshot!(env.seen(&["config", "get", "session_name"]), @"
    ! error: session_name is not set
    exit 1
    ");
    insta::assert_snapshot!(env.seen(&["config", "get", "session_name", "--output", "json"]), @r#"
    {
      "name": "session_name",
      "value": null,
      "source": "unset",
      "layer": "default",
      "shadowed": []
    }
    ! {"error":{"kind":"other","exit_code":1,"message":"session_name is not set","hint":null}}
    exit 1
    "#);
    insta::assert_snapshot!(env.seen(&["config", "get", "timeout", "--output", "json"]), @r#"
    {
      "name": "timeout",
      "value": "30",
      "source": "default",
      "layer": "default",
      "shadowed": []
    }
    exit 0
    "#);
}

#[test]
fn json_names_each_field_once() {
    let mut env = TestEnv::new();
    env.set("HH_PROJECT", "docs");
    let done = env.run(&["config", "explain", "project", "--output", "json"]);
    let mut fields: Vec<_> = done
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split('"').next())
        .collect();
    assert!(fields.contains(&"variables"), "{done:?}");
    fields.sort_unstable();
    let all = fields.len();
    fields.dedup();
    assert_eq!(fields.len(), all, "{}", done.stdout);
}

fn assert_no_password(variable: &str, setting: &str) {
    let mut env = TestEnv::new();
    env.set(variable, "http://me:canarycanary@host.example:3128");
    for command in [
        &["config", "list"][..],
        &["config", "get", setting],
        &["config", "explain", setting],
    ] {
        for form in ["table", "json"] {
            let done = env.run_with(command, &["--output", form]);
            // The variable was read, and the output contains a part of it.
            assert!(
                done.stdout.contains("host.example") || done.stderr.contains(variable),
                "{done:?}"
            );
            assert!(
                !format!("{done:?}").contains("canarycanary"),
                "{command:?}: {done:?}"
            );
        }
    }
}

#[test]
fn a_password_in_the_url_of_a_proxy_is_never_shown() {
    assert_no_password("HH_PROXY_URL", "proxy_url");
    assert_no_password("HTTPS_PROXY", "https_proxy");
    assert_no_password("http_proxy", "http_proxy");
}

#[test]
fn a_password_in_the_url_of_a_server_is_never_shown() {
    assert_no_password("HH_BASE_URL", "base_url");
    assert_no_password("HH_OTLP_ENDPOINT", "otlp_endpoint");
    assert_no_password("HH_CONTROL_PLANE_URL", "control_plane_url");
}

#[test]
fn quiet_leaves_out_warnings_and_nothing_else() {
    let mut env = TestEnv::new();
    env.set("HH_POOL_TIMEOUT", "2");
    env.set("HH_TIMOUT", "7");
    env.set("HH_API_SECRET", "x");
    let printed = env.run(&["config", "get", "pool_timeout"]);
    insta::assert_snapshot!(env.seen_of(&printed), @"
    2
    ! warning: HH_API_SECRET has no effect: no API operation accepts it
    ! warning: unknown variable HH_TIMOUT; did you mean HH_TIMEOUT?
    ! warning: pool_timeout from HH_POOL_TIMEOUT (environment) has no effect: not implemented yet
    exit 0
    ");
    assert_eq!(
        env.seen(&["config", "get", "pool_timeout", "-q"]),
        "2\nexit 0"
    );
    env.set("HH_DEBUG", "maybe");
    assert_eq!(
        env.seen(&["config", "get", "debug", "-q"]).lines().count(),
        2
    );
}

#[test]
fn a_name_that_begins_as_a_key_is_shown() {
    let mut env = TestEnv::new();
    for name in ["hh_search", "hh_prod_pipeline", "my_hh_project"] {
        env.set("HH_PROJECT", name);
        assert_eq!(
            env.seen(&["config", "get", "project"]),
            format!("{name}\nexit 0")
        );
        env.unset("HH_PROJECT");
    }
}

#[test]
fn another_name_of_a_variable_is_shadowed_by_the_first() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "hh_1111111111111111111111111111111111");
    env.set("HONEYHIVE_API_KEY", "hh_2222222222222222222222222222222222");
    let explained = env.seen(&["config", "explain", "api_key"]);
    let line = "  shadows | hh_22222*** from HONEYHIVE_API_KEY (environment)";
    assert!(explained.lines().any(|other| other == line), "{explained}");
}
