//! A server in a separate process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crate::command::RunOutput;
use crate::poll::PATIENCE;

/// A server process, killed when dropped.
pub struct ServerProcess {
    child: Child,
    url: String,
    stdout: BufReader<ChildStdout>,
    stderr: OutputLines,
}

/// The lines that a process prints to stderr.
struct OutputLines {
    /// In a mutex, so that threads can share the process.
    receiver: Mutex<Receiver<String>>,
    so_far: String,
}

impl ServerProcess {
    /// Starts a server and waits for its line `Listening on URL`.
    #[expect(clippy::panic, reason = "a server that does not start fails the test")]
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = OutputLines::of(child.stderr.take().unwrap());
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

    /// Returns the base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address, `HOST:PORT`.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first line on stderr that `is_wanted` accepts, and returns it.
    #[expect(
        clippy::panic,
        reason = "a server that exits before the line fails the test"
    )]
    #[track_caller]
    pub fn wait_for_line(&mut self, is_wanted: impl Fn(&str) -> bool) -> String {
        while let Some(line) = self.stderr.next() {
            if is_wanted(&line) {
                return line;
            }
        }
        panic!("no such line: {}", self.stderr.so_far);
    }

    /// Sends SIGKILL and waits for the exit.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "the kill came too late: {status}");
    }

    /// Sends a signal, such as `TERM`, and waits for the exit. The result has the stdout of the process since its
    /// start, and all of its stderr.
    pub fn stop(mut self, signal: &str) -> RunOutput {
        let kill = format!("kill -{signal} {}", self.pid());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        // The end of stderr is the end of the process.
        let stderr = self.stderr.all().to_owned();
        let status = self.child.wait().unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        RunOutput {
            code: status.code().unwrap(),
            stdout,
            stderr,
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail if the process has already exited.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl OutputLines {
    /// Reads lines in a thread, so that the process never blocks.
    fn of(stderr: ChildStderr) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                sender.send(line.unwrap()).ok();
            }
        });
        Self {
            receiver: Mutex::new(receiver),
            so_far: String::new(),
        }
    }

    /// Waits for the next line; returns `None` at the end.
    #[expect(clippy::panic, reason = "a server that hangs fails the test")]
    fn next(&mut self) -> Option<String> {
        match self.receiver.get_mut().unwrap().recv_timeout(PATIENCE) {
            Ok(line) => {
                self.so_far += &line;
                self.so_far.push('\n');
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("timed out after the lines {:?}", self.so_far),
        }
    }

    /// Waits for the end of the output and returns all of it.
    fn all(&mut self) -> &str {
        while self.next().is_some() {}
        &self.so_far
    }
}
