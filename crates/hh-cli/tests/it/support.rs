pub(crate) mod canary;
mod loopback;
pub(crate) mod processes;
mod terminal;

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use loopback::{Loopback, usual};
pub(crate) use terminal::Terminal;

/// A home of a test's own, with a server if the test starts one.
pub(crate) struct TestEnv {
    home: TempDir,
    variables: Vec<(String, String)>,
    server: Option<Child>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct RunOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            variables: vec![("HH_MAX_RETRIES".to_owned(), "0".to_owned())],
            server: None,
        }
    }

    /// An environment with a server, whose address is set, and its admin key in `admin.key`.
    pub(crate) fn with_server() -> Self {
        let mut env = Self::new();
        let mut child = env
            .command(&["server", "start", "--bind", "127.0.0.1:0"])
            .args([
                "--organization",
                "My Company",
                "--admin",
                "user@example.com",
            ])
            .arg("--admin-key-file")
            .arg(env.path("admin.key"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        env.server = Some(child);
        let url = line
            .trim()
            .strip_prefix("Listening on ")
            .unwrap()
            .to_owned();
        env.set("HH_BASE_URL", &url);
        env
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(other, _)| other != name);
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> String {
        let url = self
            .variables
            .iter()
            .find(|(name, _)| name == "HH_BASE_URL");
        url.unwrap().1.clone()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The path as an argument.
    pub(crate) fn at(&self, name: &str) -> String {
        shown(&self.path(name))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file below the home, with the directories on the way.
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        let metadata = self.path(name).symlink_metadata().unwrap();
        metadata.permissions().mode() & 0o777
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
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
        with_input(&mut self.command(arguments), input).unwrap()
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
        done(output)
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
        match with_input(&mut strace, input) {
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
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            // There is no keyring here, whatever this machine has.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .current_dir(self.home.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Replaces what differs from run to run.
    pub(crate) fn filtered(&self, text: &str) -> String {
        let url = self
            .variables
            .iter()
            .find(|(name, _)| name == "HH_BASE_URL");
        let url = url.map_or("http://no.server", |(_, url)| url);
        let text = text
            .replace(&shown(self.home.path()), "[home]")
            .replace(url, "[server]")
            .replace(url.trim_start_matches("http://"), "[host]");
        without_request_ids(&text)
    }
}

pub(crate) fn with_input(command: &mut Command, input: &str) -> std::io::Result<RunOutput> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A command that reads nothing may have gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    Ok(done(child.wait_with_output()?))
}

/// The rounds of a test that repeats itself, or as many as `HH_SOAK_ROUNDS` asks for.
pub(crate) fn rounds(usual: u32) -> u32 {
    let env = hh_sdk::config::Env::from_process();
    let more = env.get("HH_SOAK_ROUNDS").and_then(|text| text.to_str());
    more.map_or(usual, |text| text.parse().unwrap()).max(usual)
}

pub(crate) fn done(output: Output) -> RunOutput {
    RunOutput {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
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

impl Drop for TestEnv {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            drop(server.kill());
            drop(server.wait());
        }
    }
}
