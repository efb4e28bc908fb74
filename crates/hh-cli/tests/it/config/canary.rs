//! Secrets are shown by no `config` command, wherever they stand: in their own place, in a wrong one, in a broken file.

mod broken;
mod sources;
mod wrong_places;

use serde_json::Value;

use crate::support::{RunOutput, TestEnv};

/// A key; what is behind its first eight characters is never shown.
const KEY: &str = "hh_canarycanarycanarycanarycanary00";
/// What stands for the key.
const MASKED: &str = "hh_canar***";
/// A secret that is no key, of which nothing is shown.
const SECRET: &str = "a-canarycanary-secret";
/// What both have, and no output may have.
const MARK: &str = "canarycanary";

/// One place for a secret.
struct Case {
    env: TestEnv,
    /// What stands in that place, which holds the secret.
    input: String,
    flags: Vec<String>,
    /// The setting that is looked at closely.
    setting: &'static str,
    /// Further commands, which know the place.
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

    /// A variable with the secret.
    fn variable(setting: &'static str, name: &str, value: &str) -> Self {
        let mut case = Self::new(setting, value);
        case.env.set(name, value);
        case
    }

    /// A file with the secret.
    fn file(setting: &'static str, name: &str, text: impl Into<String>) -> Self {
        let case = Self::new(setting, text);
        case.env.write(name, &case.input);
        case
    }

    /// A configuration file with the secret that is named, and so checked by itself too.
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

    /// Shows that the secret was read from `source` and that `shown` stands for it, wins or not; then looks for it
    /// everywhere.
    #[track_caller]
    fn assert_shown(self, shown: &str, source: &str) {
        let list = self.run(&["config", "list", "--output", "json"]);
        let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
        let own = list
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

    /// Shows that the place of the secret is told, so that it was read; then looks for the secret everywhere.
    #[track_caller]
    fn assert_reported(self, told: &str) {
        let done = self.run(&["config", "list"]);
        let is_told = self.env.filtered(&done.stderr).contains(told);
        assert!(is_told, "{told:?} is not told: {:?}", done.stderr);
        self.assert_hidden();
    }

    fn run(&self, command: &[&str]) -> RunOutput {
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        self.env.run_with(command, &flags)
    }

    /// Looks at every command in both forms; when louder or quieter, at those that show all there is.
    #[track_caller]
    fn assert_hidden(mut self) {
        assert!(
            self.input.contains(MARK),
            "there is nothing to hide in {}",
            self.input
        );
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
