//! Runs the `git` program of the user in a folder.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use hh_config::Env;
use hh_text::{Diagnostic, one_line};

use crate::ScanError;
use crate::file_names::{redacted, redacted_folder};

/// The maximum number of bytes of messages of git that are kept.
const MAX_MESSAGES: u64 = 64 * 1024;

/// A folder in which git runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Git<'a> {
    pub(crate) env: &'a Env,
    pub(crate) folder: &'a Path,
}

/// A running git command.
pub(crate) struct Running {
    child: Child,
    messages: Option<JoinHandle<Vec<u8>>>,
}

impl Git<'_> {
    /// Returns a git command that runs no program of the repository, fetches nothing and inherits no key.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(self.folder)
            .args([
                "--no-pager",
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.quotePath=false",
            ])
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_NO_LAZY_FETCH", "1")
            // Versions of git that do not know the variable above fail to fetch.
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let is_honeyhive = |name: &&str| name.starts_with("HH_") || name.starts_with("HONEYHIVE_");
        for name in self.env.names().filter(is_honeyhive) {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Running, ScanError> {
        Self::run(self.command(arguments))
    }

    /// Starts a command.
    pub(crate) fn run(mut command: Command) -> Result<Running, ScanError> {
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        // A full pipe would block the command while its output is read.
        let messages = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut messages = Vec::new();
                let kept = stderr.by_ref().take(MAX_MESSAGES);
                { kept }.read_to_end(&mut messages).ok();
                io::copy(&mut stderr, &mut io::sink()).ok();
                messages
            })
        });
        Ok(Running { child, messages })
    }

    /// Returns the lines of the output of a command.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, ScanError> {
        let mut running = self.start(arguments)?;
        let lines = running.output().lines().collect::<Result<_, _>>();
        self.finish(running)?;
        lines.map_err(|error| self.read_error(&error))
    }

    /// Returns the output of a command.
    pub(crate) fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, ScanError> {
        let mut running = self.start(arguments)?;
        let mut bytes = Vec::new();
        let read = running.output().read_to_end(&mut bytes);
        self.finish(running)?;
        read.map_err(|error| self.read_error(&error))?;
        Ok(bytes)
    }

    /// Waits for a command whose output was read; its message on stderr becomes the error.
    ///
    /// A successful command returns the first error that it printed.
    pub(crate) fn finish(&self, running: Running) -> Result<Option<String>, ScanError> {
        let Running {
            mut child,
            messages,
        } = running;
        drop(child.stdout.take());
        let status = child.wait().map_err(|error| self.read_error(&error))?;
        let messages = messages.and_then(|thread| thread.join().ok());
        let messages = messages.unwrap_or_default();
        if status.success() {
            let error = complaint(&messages);
            return Ok(error.filter(|line| line.starts_with("error: ")));
        }
        let complaint = complaint(&messages).unwrap_or_else(|| status.to_string());
        let folder = redacted_folder(self.folder);
        Err(failed_to(&format!("{folder}: git failed: {complaint}")))
    }

    pub(crate) fn read_error(&self, error: &io::Error) -> ScanError {
        failed_to(&format!("{}: {error}", redacted_folder(self.folder)))
    }
}

impl Running {
    /// Returns the output of the command, once.
    pub(crate) fn output(&mut self) -> BufReader<Box<dyn Read>> {
        // The command always pipes its output.
        BufReader::new(match self.child.stdout.take() {
            Some(output) => Box::new(output) as Box<dyn Read>,
            None => Box::new(io::empty()),
        })
    }

    /// Returns the output of the command as the input of another one.
    pub(crate) fn pipe(&mut self) -> Stdio {
        self.child
            .stdout
            .take()
            .map_or_else(Stdio::null, |output: ChildStdout| output.into())
    }
}

/// Returns the first line of the messages of git.
pub(crate) fn complaint(messages: &[u8]) -> Option<String> {
    let messages = String::from_utf8_lossy(messages);
    let mut lines = messages.lines().filter(|line| !line.trim().is_empty());
    let line = lines.next()?;
    Some(one_line(&redacted(line)).into_owned())
}

pub(crate) fn failed_to(what: &str) -> ScanError {
    ScanError::new(format!("cannot scan the repository in {what}"))
}

pub(crate) fn not_started(error: &io::Error) -> ScanError {
    let message = format!("cannot run git, which --staged and --history require ({error})");
    ScanError::new(Diagnostic::new(message).with_hint("install git or scan files instead"))
}
