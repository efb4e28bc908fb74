use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A home of a test's own, with a server if the test starts one.
pub(crate) struct TestEnv {
    home: TempDir,
    variables: Vec<(String, String)>,
    server: Option<Child>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
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

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Acts as the admin from here on.
    pub(crate) fn be_admin(&mut self) {
        let path = self.path("admin.key").display().to_string();
        self.set("HH_API_KEY_FILE", &path);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Done {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have gone already.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs with stdout going into a file.
    pub(crate) fn run_into(&self, arguments: &[&str], stdout: std::fs::File) -> Done {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::new(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_honeyhive"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
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
        text.replace(&shown(self.home.path()), "[home]")
            .replace(url, "[server]")
            .replace(url.trim_start_matches("http://"), "[host]")
    }
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
