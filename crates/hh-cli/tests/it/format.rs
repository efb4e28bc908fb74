//! The output format is one decision for every command.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{RunOutput, TestEnv};

/// The content of a command's stdout with JSON output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stdout {
    /// Data, as JSON.
    Data,
    /// Nothing: the result is on stderr.
    Nothing,
    /// Plain text that another program reads.
    Text,
}
use Stdout::{Data, Nothing, Text};

/// Every command, in an order in which each succeeds.
const COMMANDS: &[(&str, Stdout)] = &[
    ("auth login --api-key-stdin --storage file", Data),
    ("login --api-key-stdin --storage file", Data),
    ("whoami", Data),
    ("status", Data),
    ("version", Data),
    ("api GET /v1/projects", Data),
    ("auth whoami", Data),
    ("auth status", Data),
    ("auth list", Data),
    ("auth switch default", Data),
    ("auth check", Data),
    // The key itself, for a pipe.
    ("auth token", Text),
    // A line for a shell.
    ("auth env --shell bash", Text),
    (
        "auth keys create --name docs --level read_only --all-projects",
        Data,
    ),
    (
        "auth keys create --name file --level read_only --all-projects --key-file new.key",
        Data,
    ),
    ("auth keys list", Data),
    ("auth keys show [id]", Data),
    ("auth keys update [id] --note updated", Data),
    ("auth keys rotate [id] --key-file rotated.key", Data),
    ("auth keys revoke [id]", Data),
    ("auth owners list", Data),
    ("auth owners create ci-bot", Data),
    ("auth owners disable ci-bot", Data),
    ("auth owners enable ci-bot", Data),
    ("auth scan clean", Data),
    ("auth scan planted", Data),
    ("project list", Data),
    ("project create docs", Data),
    ("session list", Data),
    ("event list", Data),
    (
        "event create --type tool --session 3f2a91bc-2222-4333-8444-555555555555",
        Data,
    ),
    // JSON lines, also if the setting is JSON.
    ("event export", Text),
    ("session get 3f2a91bc", Data),
    ("event get 3f2a91bc-2222-4333-8444-555555555555", Data),
    (
        "event update 3f2a91bc-2222-4333-8444-555555555555 --metrics accuracy=1",
        Data,
    ),
    (
        "event delete --user-property user_id=none --project default --yes",
        Data,
    ),
    ("session delete 3f2a91bc --yes", Data),
    ("project delete docs --yes", Data),
    ("config list", Data),
    ("config list --all", Data),
    ("config explain timeout", Data),
    ("config get timeout", Data),
    ("config set timeout 20", Data),
    ("config unset timeout", Data),
    // The editor prints what it wants.
    ("config edit", Nothing),
    ("config path", Data),
    ("config validate", Data),
    ("config validate honeyhive.yaml", Data),
    ("config trust honeyhive.yaml", Data),
    ("config schema", Data),
    ("doctor", Data),
    ("server health", Data),
    ("server openapi", Text),
    // Scripts for shells.
    ("completion bash", Text),
    ("completion zsh", Text),
    ("completion fish", Text),
    ("completion powershell", Text),
    ("auth rotate", Data),
    ("auth logout --yes", Data),
    ("logout", Data),
    // One line with the address, until the server stops; here the start fails.
    ("server start --data-dir /dev/null/data", Text),
];

/// Returns the commands of the tree that have no subcommands.
fn leaves(command: &clap::Command, path: &str) -> BTreeSet<String> {
    let below = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help");
    let all: BTreeSet<_> = below
        .flat_map(|below| leaves(below, format!("{path} {}", below.get_name()).trim()))
        .collect();
    if all.is_empty() {
        BTreeSet::from([path.to_owned()])
    } else {
        all
    }
}

#[test]
fn the_table_has_every_command() {
    let mut command = hh_cli::command();
    command.build();
    let all = leaves(&command, "");
    assert!(all.contains("auth keys create"), "{all:?}");
    let is_in_table = |name: &String| {
        let mut rows = COMMANDS.iter().map(|(words, _)| format!("{words} "));
        rows.any(|words| words.starts_with(&format!("{name} ")))
    };
    let missing: Vec<_> = all.iter().filter(|name| !is_in_table(name)).collect();
    assert!(missing.is_empty(), "add to COMMANDS: {missing:?}");
}

fn env() -> TestEnv {
    let mut env = TestEnv::with_server();
    env.set("EDITOR", "true");
    env.write("honeyhive.yaml", "{}\n");
    env.write("clean/file", "nothing here\n");
    // A possible key, which the scan finds.
    let key = ["hh_", "k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"].concat();
    env.write("planted/file", key);
    env
}

fn run(env: &TestEnv, words: &str, id: &str) -> RunOutput {
    let words = words.replace("[id]", id);
    let words: Vec<_> = words.split(' ').collect();
    env.run_with_input(&words, &env.read("admin.key"))
}

/// Runs all commands with JSON output set by the environment or a file.
fn assert_json(env: &TestEnv) {
    let mut id = String::new();
    for (words, prints) in COMMANDS {
        let done = run(env, words, &id);
        let is_failure = words.starts_with("server start") || words.ends_with("planted");
        assert_eq!(done.code != 0, is_failure, "{words}: {done:?}");
        match prints {
            Data => {
                let value: Result<Value, _> = serde_json::from_str(&done.stdout);
                let value = value.map_err(|error| format!("{words}: {error} {done:?}"));
                let value = value.unwrap();
                if words.starts_with("auth keys create") {
                    value["id"].as_str().unwrap().clone_into(&mut id);
                }
            }
            Nothing => assert_eq!(done.stdout, "", "{words}"),
            Text => assert!(is_failure || !done.stdout.is_empty(), "{words}: {done:?}"),
        }
    }
}

#[test]
fn a_variable_in_any_case_selects_json_for_every_command_that_prints_data() {
    for spelled in ["json", "JSON", " Json "] {
        let mut env = env();
        env.set("HH_OUTPUT_FORMAT", spelled);
        assert_json(&env);
    }
}

#[test]
fn a_file_selects_json_for_every_command_that_prints_data() {
    let env = env();
    env.write(".config/honeyhive/config.yaml", "output_format: JSON\n");
    assert_json(&env);
}

#[test]
fn every_command_that_prints_data_prints_every_format() {
    let env = env();
    for (words, prints) in COMMANDS {
        // The first ones change what later ones need. A schema is always JSON.
        let skipped = [
            "auth keys revoke",
            "auth owners disable",
            "auth logout",
            "config schema",
        ];
        if *prints != Data || skipped.iter().any(|skipped| words.contains(skipped)) {
            continue;
        }
        for format in ["yaml", "jsonl", "csv"] {
            // Names are unique.
            let words = words.replace("docs", &format!("docs-{format}"));
            let words = words.replace("new.key", &format!("{format}.key"));
            let words = words.replace("ci-bot", &format!("ci-bot-{format}"));
            let done = run(&env, &format!("{words} --output {format}"), "");
            let is_valid = match format {
                "yaml" => serde_saphyr::from_str::<Value>(&done.stdout).is_ok(),
                "jsonl" => done
                    .stdout
                    .lines()
                    .all(|line| serde_json::from_str::<Value>(line).is_ok()),
                _ => csv::Reader::from_reader(done.stdout.as_bytes())
                    .records()
                    .all(|record| record.is_ok()),
            };
            assert!(is_valid, "{words} --output {format}: {done:?}");
        }
    }
}

#[test]
fn options_for_the_output_that_contradict_each_other_are_refused() {
    let env = TestEnv::new();
    for (options, message) in [
        (
            "--jq . -o csv",
            "the option --jq cannot be used with --output csv",
        ),
        (
            "--json name -o table",
            "the option --json cannot be used with --output table",
        ),
        ("--jq .items[", "invalid value for --jq: syntax error"),
        (
            "--jq nonsense",
            "invalid value for --jq: nonsense is not defined",
        ),
        // The environment can contain the key.
        ("--jq env", "invalid value for --jq: env is not defined"),
        ("--jq $ENV", "invalid value for --jq: $ENV is not defined"),
        (
            "--json nonsense",
            "invalid value for --json: unknown field nonsense",
        ),
    ] {
        let words = format!("config list {options}");
        let done = env.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.stderr.contains(message), "{done:?}");
    }
    let failed = env.run(&["config", "list", "--jq", ".items[0].name, .items.name"]);
    assert_eq!((failed.code, &*failed.stdout), (1, "api_key\n"));
    assert!(
        failed.stderr == "error: --jq: cannot index a value of this type\n",
        "{failed:?}"
    );
    let unused = env.run(&["auth", "env", "--shell", "bash", "--jq", "."]);
    assert!(
        unused.stderr.contains("warning: --jq has no effect"),
        "{unused:?}"
    );
}

#[test]
fn selected_fields_keep_their_order_and_may_be_absent() {
    let env = TestEnv::new();
    let run = |options: &[&str]| env.run_with(&["config", "list", "--jq", ".items[0]"], options);
    let done = run(&["--json", "source,name,file"]);
    insta::assert_snapshot!(done.stdout, @r#"{"source":"unset","name":"api_key","file":null}"#);
    let csv = env.run(&["config", "list", "--json", "source,name,file", "-o", "csv"]);
    assert!(
        csv.stdout.starts_with("source,name,file\nunset,api_key,\n"),
        "{csv:?}"
    );
}

#[test]
fn the_flag_wins_over_the_variable() {
    let mut env = env();
    env.set("HH_OUTPUT_FORMAT", "JSON");
    for words in ["auth status", "auth list", "config path", "auth scan clean"] {
        let done = run(&env, &format!("{words} --output table"), "");
        let parsed: Result<Value, _> = serde_json::from_str(&done.stdout);
        assert!(parsed.is_err(), "{words}: {done:?}");
        env.unset("HH_OUTPUT_FORMAT");
        env.set("HH_OUTPUT_FORMAT", "table");
        let done = run(&env, &format!("{words} --output json"), "");
        let parsed: Result<Value, _> = serde_json::from_str(&done.stdout);
        assert!(parsed.is_ok(), "{words}: {done:?}");
        env.unset("HH_OUTPUT_FORMAT");
        env.set("HH_OUTPUT_FORMAT", "JSON");
    }
}
