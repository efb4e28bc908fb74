//! No `config` command prints a secret, whether it is in its own setting, in a wrong one or in a broken file.

mod broken;
mod sources;
mod wrong_places;

use serde_json::Value;

use crate::support::{RunOutput, TestEnv};

/// A key; everything after its first eight characters is a secret.
const KEY: &str = "hh_canarycanarycanarycanarycanary00";
/// The redacted form of the key.
const MASKED: &str = "hh_canar***";
/// A secret that is not a key; output contains no part of it.
const SECRET: &str = "a-canarycanary-secret";
/// A text that both secrets contain and no output may contain.
const MARK: &str = "canarycanary";

/// One place that holds a secret.
struct Case {
    env: TestEnv,
    /// The content of the place, which contains the secret.
    input: String,
    flags: Vec<String>,
    /// The setting whose output is checked in detail.
    setting: &'static str,
    /// Further commands that read the place.
    commands: Vec<Vec<String>>,
}

impl Case {
    fn new(setting: &'static str, input: impl Into<String>) -> Self {
        Self {
            env: TestEnv::new(),
            input: input.into(),
            flags: Vec::new(),
            setting,
            commands: Vec::new(),
        }
    }

    /// Creates a case with the secret in a variable.
    fn variable(setting: &'static str, name: &str, value: &str) -> Self {
        let mut case = Self::new(setting, value);
        case.env.set(name, value);
        case
    }

    /// Creates a case with the secret in a file.
    fn file(setting: &'static str, name: &str, text: impl Into<String>) -> Self {
        let case = Self::new(setting, text);
        case.env.write(name, &case.input);
        case
    }

    /// Creates a case with the secret in a named configuration file, which `config validate` also checks.
    fn named(setting: &'static str, name: &str, text: impl Into<String>) -> Self {
        let case = Self::file(setting, name, text).flags(&["--config-file", name]);
        case.command(&["config", "validate", name])
    }

    fn flags(mut self, flags: &[&str]) -> Self {
        self.flags
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    fn command(mut self, command: &[&str]) -> Self {
        self.commands
            .push(command.iter().map(|part| (*part).to_owned()).collect());
        self
    }

    /// Checks that the secret was read from `source` and that `shown` is its redacted form, whether or not it is in
    /// effect; then searches all output for the secret.
    #[track_caller]
    fn assert_shown(self, shown: &str, source: &str) {
        let list = self.run(&["config", "list", "--output", "json"]);
        let mut list: Value = serde_json::from_str(&list.stdout).unwrap();
        let Value::Array(items) = list["items"].take() else {
            unreachable!("{list}");
        };
        let own = items
            .into_iter()
            .find(|record| record["name"] == self.setting)
            .unwrap();
        let shadowed = own["shadowed"].as_array().unwrap();
        let is_there = std::iter::once(&own).chain(shadowed).any(|place| {
            let from = self.env.filtered(place["source"].as_str().unwrap());
            place["value"] == shown && from == source
        });
        assert!(is_there, "no {shown} from {source} in {own}");
        self.assert_hidden();
    }

    /// Checks that an error names the place of the secret, so that it was read; then searches all output for the
    /// secret.
    #[track_caller]
    fn assert_reported(self, message: &str) {
        let done = self.run(&["config", "list"]);
        let is_reported = self.env.filtered(&done.stderr).contains(message);
        assert!(is_reported, "{message:?} is missing in: {:?}", done.stderr);
        self.assert_hidden();
    }

    fn run(&self, command: &[&str]) -> RunOutput {
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        self.env.run_with(command, &flags)
    }

    /// Runs every command in both formats, and the commands that print the most also with other verbosities.
    #[track_caller]
    fn assert_hidden(mut self) {
        assert!(self.input.contains(MARK), "no secret in {}", self.input);
        let owned = |command: &[&str]| command.iter().map(|part| (*part).to_owned()).collect();
        let mut most = std::mem::take(&mut self.commands);
        most.extend([
            owned(&["config", "list", "--all"]),
            owned(&["config", "explain", self.setting]),
            owned(&["config", "validate"]),
        ]);
        let others = [
            owned(&["config", "get", self.setting]),
            owned(&["config", "path"]),
            owned(&["config", "trust"]),
        ];
        for form in ["table", "json"] {
            let form = ["--output", form];
            for flag in [None, Some("--verbose"), Some("--debug"), Some("-q")] {
                let flags: Vec<_> = form.into_iter().chain(flag).collect();
                self.look(&most, &flags);
            }
            self.env.set("HH_LOG_LEVEL", "trace");
            self.look(&most, &form);
            self.env.unset("HH_LOG_LEVEL");
            self.look(&others, &form);
        }
        let changes = [
            owned(&["config", "set", "batch_size", "7"]),
            owned(&["config", "unset", "batch_size"]),
        ];
        self.look(&changes, &["--output", "json"]);
    }

    #[track_caller]
    fn look(&self, commands: &[Vec<String>], flags: &[&str]) {
        for command in commands {
            let command = command.iter().map(String::as_str);
            let command: Vec<_> = command.chain(flags.iter().copied()).collect();
            let done = self.run(&command);
            let (out, err) = (&done.stdout, &done.stderr);
            let is_hidden = !out.contains(MARK) && !err.contains(MARK);
            assert!(is_hidden, "{}: {command:?}: {out}\n{err}", self.input);
        }
    }
}
