use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::TestEnv;

/// The program on its own terminal, which `script` creates.
pub(crate) struct Terminal {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    shown: String,
    /// The length of the output in which no text is expected any more.
    passed: usize,
}

impl Terminal {
    pub(crate) fn of(env: &TestEnv, arguments: &[&str]) -> Self {
        let command = format!(
            "{} {}",
            env!("CARGO_BIN_EXE_honeyhive"),
            arguments.join(" ")
        );
        Self::of_script(env, &command)
    }

    /// Runs a script of a shell, in which `honeyhive` is the program.
    pub(crate) fn of_script(env: &TestEnv, script: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_honeyhive");
        let script = format!("honeyhive() {{ {program} \"$@\"; }}; {script}");
        let mut child = env
            .program("script", &["-qec", &script, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: child.stdout.take().unwrap(),
            child,
            shown: String::new(),
            passed: 0,
        }
    }

    /// Waits until the output contains a text after the last one that was waited for.
    pub(crate) fn read_until(&mut self, text: &str) {
        while !self.shown[self.passed..].contains(text) {
            let mut byte = [0];
            self.stdout.read_exact(&mut byte).unwrap();
            self.shown.push(char::from(byte[0]));
        }
        self.passed = self.shown.len();
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        self.stdin
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// Types text without a line break, such as a control character.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for a successful exit; returns the whole output.
    pub(crate) fn read_to_end(mut self) -> String {
        self.stdout.read_to_string(&mut self.shown).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.shown);
        self.shown
    }

    /// Returns the process, whose output is not read yet.
    pub(crate) fn into_child(mut self) -> Child {
        self.child.stdin = Some(self.stdin);
        self.child.stdout = Some(self.stdout);
        self.child
    }
}
