//! The commands under test, and a check that none is missing.

use std::collections::BTreeSet;

use crate::support::canary::{KEY, assert_hidden};
use crate::support::{RunOutput, TestEnv};

/// The id of an event that does not exist.
const EVENT: &str = "7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11";
/// A member of an event that contains the key.
const INPUT: &str = "header=Bearer hh_C4N4RY0123456789abcdefghijklmnopqrstuv";

/// Every command that does not print the key on purpose, with the key also as a name or value where it accepts one.
pub(super) const COMMANDS: &[&[&str]] = &[
    &["auth", "login", "--api-key-stdin"],
    &["auth", "login", "--api-key-stdin", "--no-save"],
    &["auth", "login", "--api-key", KEY],
    &["auth", "whoami"],
    &["auth", "status"],
    &["auth", "check"],
    &["auth", "list"],
    &["auth", "switch", "work"],
    &["auth", "switch", KEY],
    &["auth", "env", "--shell", "bash"],
    &["auth", "keys", "list"],
    &[
        "auth",
        "keys",
        "create",
        "--name",
        KEY,
        "--all-projects",
        "--level",
        "admin",
    ],
    &["auth", "keys", "show", "some-id"],
    &["auth", "keys", "show", KEY],
    &["auth", "keys", "update", KEY, "--name", KEY],
    &["auth", "keys", "update", "some-id", "--note", KEY],
    &["auth", "keys", "rotate", KEY],
    &["auth", "owners", "enable", KEY],
    &["auth", "keys", "revoke", "some-id"],
    &["auth", "keys", "revoke", KEY],
    &["auth", "rotate"],
    &["auth", "scan", KEY],
    &["auth", "owners", "list"],
    &["auth", "owners", "create", KEY],
    &["auth", "owners", "disable", KEY],
    &["doctor"],
    &["completion", "bash"],
    &["completion", "zsh"],
    &["completion", "fish"],
    &["completion", "powershell"],
    &["auth", "logout"],
    &["auth", "logout", "--all"],
    &["project", "list"],
    &["project", "create", KEY],
    &["session", "list"],
    &["event", "list", "--project", KEY],
    &["event", "list", "--tree"],
    &["event", "list", "--name", KEY, "--where", KEY],
    &["event", "get", KEY],
    &["event", "get", EVENT],
    &["event", "create", "--type", "tool", "--name", KEY],
    &["event", "create", "--type", "tool", "--input", KEY],
    &[
        "event", "create", "--type", "tool", "--input", INPUT, "--error", KEY,
    ],
    &["event", "create", "--file", KEY],
    &["event", "update", EVENT, "--metadata", INPUT],
    &["event", "export"],
    &["event", "export", "--output-file", KEY],
    &["event", "export", "--output-file", "events.jsonl"],
    &["session", "get", EVENT, "--project", KEY],
    &["session", "get", EVENT],
    &["event", "delete", KEY, "--yes"],
    &["event", "delete", EVENT, "--yes"],
    &["event", "delete", "--user-property", INPUT, "--yes"],
    &["session", "delete", EVENT, "--dry-run"],
    &["session", "delete", KEY, "--yes", "--project", KEY],
    &["project", "delete", KEY, "--yes"],
    &["project", "delete", "docs", "--dry-run"],
    &["config", "list"],
    &["config", "explain", "api_key"],
    &["config", "get", "api_key"],
    &["config", "set", "timeout", KEY],
    &["config", "unset", KEY],
    &["config", "path"],
    &["config", "validate"],
    &["config", "trust", KEY],
    &["config", "schema"],
    &["config", "edit"],
    &["api", "GET", "/v1/projects"],
    &["api", "GET", KEY],
    &["api", "POST", "/v1/projects", "-f", KEY],
    &["version"],
    &["whoami"],
    &[
        "server",
        "start",
        "--bind",
        "127.0.0.1:0",
        "--data-dir",
        "/dev/null/data",
    ],
    &["server", "health"],
    &["server", "openapi"],
];

/// Commands that print the key on purpose.
const PRINTING: &[&[&str]] = &[
    &["auth", "token"],
    &["auth", "env", "--shell", "bash", "--reveal"],
];

/// Returns the commands below this one that have no subcommands, from the help.
fn leaves(env: &TestEnv, path: &[&str]) -> BTreeSet<String> {
    let help = env.run_with(path, &["--help"]).stdout;
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return BTreeSet::from([path.join(" ")]);
    };
    let (list, _) = list.split_once("\n\n").unwrap();
    // The second line of a description has a larger indent.
    let names = list.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        (!name.starts_with(' ')).then(|| name.split(' ').next().unwrap())
    });
    let names = names.filter(|name| *name != "help");
    names
        .flat_map(|name| leaves(env, &[path, &[name]].concat()))
        .collect()
}

#[test]
fn no_command_is_missing() {
    let all = leaves(&TestEnv::new(), &[]);
    assert!(
        all.contains("auth keys create") && all.len() > 20,
        "{all:?}"
    );
    let tried = COMMANDS.iter().chain(PRINTING);
    let tried: Vec<_> = tried.map(|words| format!("{} ", words.join(" "))).collect();
    for command in all {
        let is_tried = tried
            .iter()
            .any(|words| words.starts_with(&format!("{command} ")));
        assert!(is_tried, "{command}: add it to COMMANDS");
    }
}

#[test]
fn the_commands_that_print_the_key_print_it_once() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_LOG_LEVEL", "trace");
    for command in PRINTING {
        let done = env.run_with(command, &["--verbose", "--debug"]);
        assert_eq!(done.stdout.matches(&KEY[8..]).count(), 1, "{done:?}");
        let stdout = String::new();
        assert_hidden("stderr", &RunOutput { stdout, ..done });
    }
}
