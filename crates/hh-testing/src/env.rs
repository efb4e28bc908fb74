//! An isolated directory and variables for commands.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An isolated environment: commands have a temporary home and no variables but those that the test sets.
pub struct TestEnv {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl TestEnv {
    /// Creates an empty directory, which is the home and the working directory of commands.
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// Sets a variable of commands; the last value of a name counts.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(other, _)| other != name);
    }

    /// Returns the value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().rfind(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a path below the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Reads a file as text.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file and creates the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, content);
    }

    /// Returns the permissions of a file, such as `0o600`.
    pub fn mode(&self, name: &str) -> u32 {
        let metadata = self.path(name).symlink_metadata().unwrap();
        metadata.permissions().mode() & 0o777
    }

    /// Sets the permissions of a file.
    pub fn set_mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Returns a command of a program, with a closed standard input.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.root())
            // Commands use no keyring, even if this machine has one.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.root())
            .stdin(Stdio::null());
        command
    }
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a file of a test.
#[expect(
    clippy::disallowed_methods,
    reason = "no other process reads a file of a test while it is written"
)]
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    std::fs::write(path, content).unwrap();
}
