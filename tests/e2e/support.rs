//! The program and its server, as processes that see nothing of this machine except their own directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use hh_testing::{ServerProcess, TestEnv, run};
use serde_json::Value;

/// The project that the tests write to.
pub(crate) const PROJECT: &str = "demo";

/// Returns the directory of the profile, such as `target/debug`, which this test runs in.
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

/// A directory with a home, a working directory and a data directory.
pub(crate) struct TestDir {
    env: TestEnv,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        let mut env = TestEnv::new();
        for (variable, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/share"),
            ("XDG_STATE_HOME", "home/state"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("TMPDIR", "tmp"),
        ] {
            let path = env.path(folder);
            env.set(variable, path.to_str().unwrap());
        }
        for name in ["home", "cwd", "tmp"] {
            std::fs::create_dir(env.path(name)).unwrap();
        }
        Self { env }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.env.path(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.env.root()
    }

    pub(crate) fn admin_key_file(&self) -> PathBuf {
        self.path("admin.key")
    }

    /// Returns a command of any program in this environment.
    pub(crate) fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.env.command(program);
        command
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .current_dir(self.path("cwd"));
        command
    }

    /// Returns a command of `honeyhive`.
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

    /// Starts a server on `data`, which writes its first key to `admin.key`.
    pub(crate) fn start(&self) -> ServerProcess {
        let mut command = self.server_command();
        command.arg("--admin-key-file").arg(self.admin_key_file());
        ServerProcess::start(&mut command)
    }

    /// Runs `honeyhive` against a server, which must succeed, and returns its stdout.
    pub(crate) fn ask(
        &self,
        server: &ServerProcess,
        key_file: &Path,
        arguments: &[&str],
    ) -> String {
        let mut command = self.command(arguments);
        command
            .env("HH_BASE_URL", server.url())
            .env("HH_API_KEY_FILE", key_file);
        let done = run(&mut command);
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
        done.stdout
    }

    /// Runs the same with `--output json` and returns the parsed output.
    /// Runs a command that prints a list, and returns its items.
    pub(crate) fn list(
        &self,
        server: &ServerProcess,
        key_file: &Path,
        arguments: &[&str],
    ) -> Value {
        self.ask_json(server, key_file, arguments)["items"].take()
    }

    pub(crate) fn ask_json(
        &self,
        server: &ServerProcess,
        key_file: &Path,
        arguments: &[&str],
    ) -> Value {
        let arguments = [arguments, &["--output", "json"]].concat();
        serde_json::from_str(&self.ask(server, key_file, &arguments)).unwrap()
    }

    /// Creates the project and a key of a level for it; returns the file of the key.
    pub(crate) fn make_key(&self, server: &ServerProcess, level: &str) -> PathBuf {
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
