pub(crate) mod canary;
mod loopback;
pub(crate) mod processes;
mod terminal;

use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};

use hh_testing::{ServerProcess, run_with_input};
use serde_json::Value;

pub(crate) use hh_testing::RunOutput;
pub(crate) use loopback::{Loopback, usual};
pub(crate) use terminal::Terminal;

/// An environment of a test's own, with a server if the test starts one.
pub(crate) struct TestEnv {
    /// Ends before its directory is removed.
    _server: Option<ServerProcess>,
    env: hh_testing::TestEnv,
}

impl Deref for TestEnv {
    type Target = hh_testing::TestEnv;

    fn deref(&self) -> &Self::Target {
        &self.env
    }
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let mut env = hh_testing::TestEnv::new();
        env.set("HH_MAX_RETRIES", "0");
        Self { env, _server: None }
    }

    /// An environment with a server, whose address is set, and its admin key in `admin.key`.
    pub(crate) fn with_server() -> Self {
        let env = Self::new();
        let mut command = env.command(&["server", "start", "--bind", "127.0.0.1:0"]);
        command
            .args([
                "--organization",
                "My Company",
                "--admin",
                "user@example.com",
            ])
            .arg("--admin-key-file")
            .arg(env.path("admin.key"));
        let server = ServerProcess::start(&mut command);
        let mut env = env.env;
        env.set("HH_BASE_URL", server.url());
        Self {
            env,
            _server: Some(server),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.set(name, value);
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.env.unset(name);
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> String {
        self.variable("HH_BASE_URL").unwrap().to_owned()
    }

    /// The path as an argument.
    pub(crate) fn at(&self, name: &str) -> String {
        shown(&self.path(name))
    }

    /// A FIFO that nobody writes into.
    pub(crate) fn make_fifo(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.unwrap().success());
    }

    /// Stores a key as a login does.
    pub(crate) fn store_key(&self, profile: &str, base_url: &str, key: &str) {
        self.write(
            STORE,
            format!(
                "version = 1\ncurrent = \"{profile}\"\n\n[profiles.\"{profile}\"]\nbase_url = \"{base_url}\"\n\
                 storage = \"file\"\nfirst_seen = \"2026-11-23T19:21:16Z\"\napi_key = \"{key}\"\n"
            ),
        );
        self.set_mode(STORE, 0o600);
        self.set_mode(".config/honeyhive", 0o700);
    }

    /// Acts as the admin from here on.
    pub(crate) fn be_admin(&mut self) {
        let path = self.path("admin.key").display().to_string();
        self.set("HH_API_KEY_FILE", &path);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        self.run_with_input(arguments, "")
    }

    /// Runs with flags behind the command.
    pub(crate) fn run_with(&self, command: &[&str], flags: &[&str]) -> RunOutput {
        self.run(&[command, flags].concat())
    }

    /// Runs for JSON, whatever the exit code.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run_with(arguments, &["--output", "json"]);
        let parsed = serde_json::from_str(&done.stdout);
        parsed
            .map_err(|error| format!("{error}: {done:?}"))
            .unwrap()
    }

    /// What a person sees: stdout, stderr behind `!`, and the exit code.
    pub(crate) fn seen(&self, arguments: &[&str]) -> String {
        self.seen_of(&self.run(arguments))
    }

    pub(crate) fn seen_of(&self, done: &RunOutput) -> String {
        let errors = done.stderr.lines().map(|line| format!("! {line}\n"));
        let errors: String = errors.collect();
        let text = format!("{}\n{errors}exit {}", done.stdout.trim_end(), done.code);
        squeezed(self.filtered(&text).trim_start())
    }

    /// The value of a setting and its source, with these flags; `null` without a value.
    pub(crate) fn setting(&self, name: &str, flags: &[&str]) -> (String, String) {
        let record = self.json(&[&["config", "get", name], flags].concat());
        let value = record["value"].as_str().unwrap_or("null");
        let source = record["source"].as_str().unwrap();
        (value.to_owned(), self.filtered(source))
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> RunOutput {
        run_with_input(&mut self.command(arguments), input).unwrap()
    }

    /// Runs with stdout going into a file.
    pub(crate) fn run_into(&self, arguments: &[&str], stdout: std::fs::File) -> RunOutput {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        RunOutput::from(output)
    }

    /// Runs under a tracer of the system calls for the network and for threads, and returns them too; none without
    /// strace, unless CI is set.
    pub(crate) fn run_traced(&self, arguments: &[&str]) -> Option<(RunOutput, String)> {
        let calls = "trace=network,clone,clone3,fork,vfork";
        let done = self.run_under_strace(&["-e", calls, "-o", "calls"], arguments, "")?;
        Some((done, self.read("calls")))
    }

    /// Runs where no thread can be started: the system refuses. None without strace, unless CI is set.
    pub(crate) fn run_without_threads(&self, arguments: &[&str], input: &str) -> Option<RunOutput> {
        let calls = [
            "-e",
            "trace=clone,clone3",
            "-e",
            "inject=clone,clone3:error=EAGAIN",
        ];
        let options = [&calls[..], &["-qq", "-o", "/dev/null"]].concat();
        self.run_under_strace(&options, arguments, input)
    }

    /// Runs where a directory cannot be synced, for this reason. None without strace, unless CI is set.
    pub(crate) fn run_without_sync(
        &self,
        dir: &str,
        error: &str,
        arguments: &[&str],
        input: &str,
    ) -> Option<RunOutput> {
        let (dir, inject) = (self.at(dir), format!("inject=fsync:error={error}"));
        let of_dir = ["-P", &dir, "-e", "trace=fsync", "-e", &inject];
        let options = [&of_dir[..], &["-qq", "-o", "/dev/null"]].concat();
        self.run_under_strace(&options, arguments, input)
    }

    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn run_under_strace(
        &self,
        options: &[&str],
        arguments: &[&str],
        input: &str,
    ) -> Option<RunOutput> {
        // The other calls are not slowed down.
        let honeyhive = ["-f", "--seccomp-bpf", "--", env!("CARGO_BIN_EXE_honeyhive")];
        let mut strace = self.program("strace", &[options, &honeyhive, arguments].concat());
        match run_with_input(&mut strace, input) {
            Ok(done) => Some(done),
            Err(error) => {
                let is_ci = std::env::var_os("CI").is_some();
                assert!(!is_ci, "strace cannot be run: {error}");
                println!("skipped: strace cannot be run ({error})");
                None
            }
        }
    }

    #[track_caller]
    pub(crate) fn assert_setting(&self, name: &str, flags: &[&str], value: &str, source: &str) {
        let wanted = (value.to_owned(), source.to_owned());
        assert_eq!(self.setting(name, flags), wanted, "{name} {flags:?}");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_honeyhive"), arguments)
    }

    /// A command that runs with a umask, as the process that a shell has become.
    pub(crate) fn command_with_umask(&self, umask: &str, arguments: &[&str]) -> Command {
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let shell = ["-c", &script, env!("CARGO_BIN_EXE_honeyhive")];
        self.program("sh", &[&shell, arguments].concat())
    }

    /// Any program, in this home with these variables alone.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.env.command(program);
        command.args(arguments);
        command
    }

    /// Replaces what differs from run to run.
    pub(crate) fn filtered(&self, text: &str) -> String {
        let url = self.variable("HH_BASE_URL").unwrap_or("http://no.server");
        let text = text
            .replace(&shown(self.root()), "[home]")
            .replace(url, "[server]")
            .replace(url.trim_start_matches("http://"), "[host]");
        without_request_ids(&text)
    }
}

/// Replaces times, ages and ids of keys.
pub(crate) fn undated(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';']);
        let is_time = bare.len() >= 20 && bare.as_bytes()[4] == b'-' && bare.ends_with('Z');
        if is_time {
            word.replace(bare, "[time]")
        } else if bare.len() == 24 && bare.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            word.replace(bare, "[key id]")
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| {
        let line = line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        match line.split_once("[time]") {
            Some((before, rest)) => match rest.rsplit_once(", ") {
                Some((middle, age)) if age == "today" || age.ends_with(" ago") => {
                    format!("{before}[time]{middle}, [age]")
                }
                _ => line,
            },
            None => line,
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces the names under which a server logged requests.
fn without_request_ids(text: &str) -> String {
    let mut parts = text.split(" (request ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.split_once(')').map_or("", |(_, rest)| rest);
        format!("{text} (request [id]){rest}")
    })
}

/// Where a login keeps the key.
pub(crate) const STORE: &str = ".config/honeyhive/credentials.toml";

/// The lines of a table that begin with these words, without the width of its columns.
pub(crate) fn rows(table: &str, first: &[&str]) -> String {
    let line = |word: &&str| {
        let line = table.lines().find(|line| {
            let cell = line.split("  ").next().unwrap_or_default();
            cell == *word
        });
        line.ok_or_else(|| format!("no {word} in {table}")).unwrap()
    };
    squeezed(&first.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A table without the width of its columns, which depends on the home's path.
pub(crate) fn squeezed(table: &str) -> String {
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let cells = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        let cells = cells.collect::<Vec<_>>().join(" | ");
        format!("{}{cells}", " ".repeat(indent))
    };
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
