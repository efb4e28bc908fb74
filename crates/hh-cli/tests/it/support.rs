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

/// An isolated environment, with a server if the test starts one.
pub(crate) struct TestEnv {
    /// Stops before its directory is removed.
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

    /// Creates an environment with a server, whose address is set, and its admin key in `admin.key`.
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

    /// Returns the base URL of the server.
    pub(crate) fn url(&self) -> String {
        self.variable("HH_BASE_URL").unwrap().to_owned()
    }

    /// Returns the path as an argument.
    pub(crate) fn at(&self, name: &str) -> String {
        shown(&self.path(name))
    }

    /// Creates a FIFO without a writer.
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

    /// Uses the admin key from here on.
    pub(crate) fn be_admin(&mut self) {
        let path = self.path("admin.key").display().to_string();
        self.set("HH_API_KEY_FILE", &path);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        self.run_with_input(arguments, "")
    }

    /// Runs a command with flags after it.
    pub(crate) fn run_with(&self, command: &[&str], flags: &[&str]) -> RunOutput {
        self.run(&[command, flags].concat())
    }

    /// Runs a command with JSON output, and accepts any exit code.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run_with(arguments, &["--output", "json"]);
        let parsed = serde_json::from_str(&done.stdout);
        parsed
            .map_err(|error| format!("{error}: {done:?}"))
            .unwrap()
    }

    /// Runs a command that prints a list, and returns its items.
    pub(crate) fn items(&self, arguments: &[&str]) -> Value {
        self.json(arguments)["items"].take()
    }

    /// Returns the whole output: stdout, stderr with `!` before each line, and the exit code.
    pub(crate) fn seen(&self, arguments: &[&str]) -> String {
        self.seen_of(&self.run(arguments))
    }

    pub(crate) fn seen_of(&self, done: &RunOutput) -> String {
        let errors = done.stderr.lines().map(|line| format!("! {line}\n"));
        let errors: String = errors.collect();
        let text = format!("{}\n{errors}exit {}", done.stdout.trim_end(), done.code);
        squeezed(self.filtered(&text).trim_start())
    }

    /// Returns the value of a setting and its source, with these flags; the value is `null` if it is not set.
    pub(crate) fn setting(&self, name: &str, flags: &[&str]) -> (String, String) {
        let record = self.json(&[&["config", "get", name], flags].concat());
        let value = record["value"].as_str().unwrap_or("null");
        let source = record["source"].as_str().unwrap();
        (value.to_owned(), self.filtered(source))
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> RunOutput {
        run_with_input(&mut self.command(arguments), input).unwrap()
    }

    /// Runs a command whose stdout is a file.
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

    /// Runs a command under a tracer of system calls for the network and for threads, and returns the calls too.
    /// Returns
    /// `None` without strace, unless CI is set.
    pub(crate) fn run_traced(&self, arguments: &[&str]) -> Option<(RunOutput, String)> {
        let calls = "trace=network,clone,clone3,fork,vfork";
        let done = self.run_under_strace(&["-e", calls, "-o", "calls"], arguments, "")?;
        Some((done, self.read("calls")))
    }

    /// Runs a command for which the system refuses to start threads. Returns `None` without strace, unless CI is set.
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

    /// Runs a command for which syncing a directory fails with this error. Returns `None` without strace, unless CI is
    /// set.
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

    #[expect(
        clippy::print_stdout,
        reason = "a skipped test prints that it is skipped"
    )]
    fn run_under_strace(
        &self,
        options: &[&str],
        arguments: &[&str],
        input: &str,
    ) -> Option<RunOutput> {
        // The other calls run at full speed.
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

    /// Returns a command that runs with a umask; the shell that sets it replaces itself with the program.
    pub(crate) fn command_with_umask(&self, umask: &str, arguments: &[&str]) -> Command {
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let shell = ["-c", &script, env!("CARGO_BIN_EXE_honeyhive")];
        self.program("sh", &[&shell, arguments].concat())
    }

    /// Returns a command of any program, in this home and with only these variables.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.env.command(program);
        command.args(arguments);
        command
    }

    /// Replaces the parts that differ between runs.
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

/// Replaces the request ids of a server.
fn without_request_ids(text: &str) -> String {
    let mut parts = text.split(" (request ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.split_once(')').map_or("", |(_, rest)| rest);
        format!("{text} (request [id]){rest}")
    })
}

/// The file where a login stores the key.
pub(crate) const STORE: &str = ".config/honeyhive/credentials.toml";

/// Returns the lines of a table that begin with these words, without the padding of its columns.
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

/// Returns a table without the padding of its columns, which depends on the path of the home.
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
