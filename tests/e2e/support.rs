//! The program and its server, as processes that see nothing of this machine but a folder of their own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a server may take to end, or an answer to come, before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The project that the tests write to.
pub(crate) const PROJECT: &str = "demo";

/// Returns the folder of the profile, such as `target/debug`, which this test runs in.
pub(crate) fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

fn program() -> PathBuf {
    let path = profile_dir().join("honeyhive");
    assert!(
        path.is_file(),
        "{} is missing: run cargo build --workspace first",
        path.display()
    );
    path
}

#[expect(
    clippy::disallowed_methods,
    reason = "files of a test, which nobody reads while they are written"
)]
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::write(path, content).unwrap();
}

/// A folder with a home, a working directory and room for data.
pub(crate) struct TestDir {
    dir: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct RunOutput {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "cwd", "tmp"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn admin_key_file(&self) -> PathBuf {
        self.path("admin.key")
    }

    /// Makes a command of any program whose environment is this place.
    pub(crate) fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let home = self.path("home");
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("HOME", home)
            .env("TMPDIR", self.path("tmp"))
            // There is no keyring here, whatever this machine has.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .current_dir(self.path("cwd"))
            .stdin(Stdio::null());
        command
    }

    /// Makes a command of `honeyhive`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(program());
        command.args(arguments);
        command
    }

    pub(crate) fn server_command(&self) -> Command {
        let mut command = self.command(&["server", "start", "--bind", "127.0.0.1:0", "--data-dir"]);
        command.arg(self.path("data"));
        command
    }

    /// Starts a server on `data`, whose first key goes to `admin.key`.
    pub(crate) fn start(&self) -> Server {
        let mut command = self.server_command();
        command.arg("--admin-key-file").arg(self.admin_key_file());
        Server::start(command)
    }

    /// Runs `honeyhive` against a server, which must work, and returns its stdout.
    pub(crate) fn ask(&self, server: &Server, key_file: &Path, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        command
            .env("HH_BASE_URL", server.url())
            .env("HH_API_KEY_FILE", key_file);
        let done = run(&mut command);
        assert_eq!(done.exit, Some(0), "{arguments:?}: {}", done.stderr);
        done.stdout
    }

    /// The same with `--output json`.
    pub(crate) fn ask_json(&self, server: &Server, key_file: &Path, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--output", "json"]].concat();
        serde_json::from_str(&self.ask(server, key_file, &arguments)).unwrap()
    }

    /// Makes the project and a key of a level for it; returns the file of the key.
    pub(crate) fn make_key(&self, server: &Server, level: &str) -> PathBuf {
        let admin = self.admin_key_file();
        if !self
            .ask(server, &admin, &["project", "list"])
            .contains(PROJECT)
        {
            self.ask(server, &admin, &["project", "create", PROJECT]);
        }
        let file = self.path(&format!("{level}.key"));
        let into = file.to_str().unwrap();
        let create = ["auth", "keys", "create", "--name", level, "--level", level];
        let with = ["--project", PROJECT, "--key-file", into];
        self.ask(server, &admin, &[&create[..], &with].concat());
        file
    }
}

/// Reads a key from its file.
pub(crate) fn key_in(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> RunOutput {
    RunOutput::from(command.output().unwrap())
}

/// The same with a text on its standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> RunOutput {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    RunOutput::from(child.wait_with_output().unwrap())
}

impl From<Output> for RunOutput {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A server process, killed when dropped.
pub(crate) struct Server {
    child: Child,
    url: String,
    stdout: BufReader<ChildStdout>,
    stderr: OutputLines,
}

/// What a process says on stderr, line by line.
struct OutputLines {
    lines: Receiver<String>,
    so_far: String,
}

impl Server {
    /// Starts a server and waits for the line that says where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = OutputLines::by(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(url) = line.trim_end().strip_prefix("Listening on ") else {
            child.kill().ok();
            panic!("no server: {line:?}, {:?}", stderr.all());
        };
        Self {
            url: url.to_owned(),
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address, `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on stderr that contains a text.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        while let Some(line) = self.stderr.next() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("never said {text}: {}", self.stderr.so_far);
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "the kill came too late: {status}");
    }

    /// Sends a signal, such as `TERM`, and waits for the end.
    pub(crate) fn stop(mut self, signal: &str) -> RunOutput {
        let kill = format!("kill -{signal} {}", self.pid());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        // The end of stderr is the end of the process.
        let stderr = self.stderr.all().to_owned();
        let status = self.child.wait().unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        RunOutput {
            exit: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl OutputLines {
    /// Reads in a thread of its own, so that the process never waits.
    fn by(stderr: ChildStderr) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                sender.send(line.unwrap()).ok();
            }
        });
        Self {
            lines,
            so_far: String::new(),
        }
    }

    /// Waits for the next line; nothing is the end.
    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.so_far += &line;
                self.so_far.push('\n');
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain after {:?}", self.so_far),
        }
    }

    /// Waits for the end.
    fn all(&mut self) -> &str {
        while self.next().is_some() {}
        &self.so_far
    }
}
