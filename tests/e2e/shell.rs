//! Runs the commands of a page in one shell, and compares their output with the page.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use hh_testing::PATIENCE;

use crate::docs::{CodeBlock, fenced};

/// The home directory in the output that pages show.
const HOME: &str = "/home/me";
/// A line after the output of each command, followed by the exit code.
const END: &str = "[exit code]";

/// A shell that gets one line at a time, as from a user who pastes each line of a page.
pub(crate) struct Shell {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    home: String,
    /// The values of this run that differ from those of the pages, by the value of the page.
    values: HashMap<String, String>,
}

impl Shell {
    /// Starts the shell that `command` names. The output shows the directory `home` as the pages show it.
    pub(crate) fn start(command: &mut Command, home: &Path) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The shell and its commands in the background are stopped together.
            .process_group(0)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                sender.send(line.unwrap()).ok();
            }
        });
        let mut shell = Self {
            stdin: child.stdin.take().unwrap(),
            child,
            lines,
            home: home.display().to_string(),
            values: HashMap::new(),
        };
        shell.send("exec 2>&1");
        shell
    }

    /// Sets the value of this run that a value of the pages stands for.
    pub(crate) fn set_value(&mut self, page: &str, real: &str) {
        self.values.insert(page.to_owned(), real.to_owned());
    }

    /// Runs the commands of a page and compares their output. Returns the number of commands.
    pub(crate) fn paste(&mut self, page: &str) -> usize {
        let blocks = fenced(page);
        let commands: Vec<_> = blocks.iter().flat_map(commands).collect();
        for command in &commands {
            self.run(command);
        }
        commands.len()
    }

    fn run(&mut self, command: &PageCommand<'_>) {
        let line = self.with_values(command.line);
        self.send(&line);
        self.send(&format!("echo \"{END} $?\""));
        // A command in the background prints its lines before or after the end of the line.
        let is_background = line.ends_with('&');
        let (mut printed, mut code) = (Vec::new(), None);
        while code.is_none() || is_background && printed.len() < command.output.len() {
            let next = self.lines.recv_timeout(PATIENCE);
            let next = next.map_err(|error| format!("`{line}`: {error} after {printed:#?}"));
            let next = next.unwrap();
            match next.split_once(END) {
                Some((before, after)) => {
                    code = Some(after.trim().to_owned());
                    printed.extend(Some(before.to_owned()).filter(|before| !before.is_empty()));
                }
                None => printed.push(next.replace(&self.home, HOME)),
            }
        }
        assert_eq!(code.as_deref(), Some("0"), "`{line}`: {printed:#?}");
        if command.is_output_shown {
            let lines = command.output.iter().zip(&printed);
            let is_equal = printed.len() == command.output.len()
                && lines.fold(true, |so_far, (page, real)| {
                    self.learn(page, real) && so_far
                });
            assert!(
                is_equal,
                "`{line}` prints\n{}\n\nbut the page says\n{}\n",
                printed.join("\n"),
                command.output.join("\n")
            );
        }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Replaces the values of the page in a command.
    fn with_values(&self, line: &str) -> String {
        let values = self.values.iter();
        values.fold(line.to_owned(), |line, (page, real)| {
            line.replace(page, real)
        })
    }

    /// Returns whether two lines differ only in padding, times, durations and values that each run creates. Remembers
    /// these values: a value of the page stands for the same value in all lines.
    fn learn(&mut self, page: &str, real: &str) -> bool {
        let (page, real) = (words(page), words(real));
        let mut is_equal = page.len() == real.len();
        for (page, real) in page.into_iter().zip(real) {
            let expected = kind(&page);
            is_equal &= match expected {
                Kind::Plain => page == real,
                Kind::Time => kind(&real) == expected,
                Kind::KeyId | Kind::RedactedKey | Kind::Uuid => {
                    let known = self.values.entry(page).or_insert_with(|| real.clone());
                    kind(&real) == expected && *known == real
                }
            };
        }
        is_equal
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let kill = format!("kill -KILL -{}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().ok();
        self.child.wait().ok();
    }
}

/// A command of a page.
struct PageCommand<'a> {
    line: &'a str,
    output: Vec<&'a str>,
    is_output_shown: bool,
}

/// Returns the commands of a block: all lines of an `sh` block, and the lines after `$` of a `console` block.
fn commands<'a>(block: &CodeBlock<'a>) -> Vec<PageCommand<'a>> {
    let is_console = block.info == "console";
    let mut commands: Vec<PageCommand<'a>> = Vec::new();
    for line in &block.lines {
        let command = match block.info {
            "console" => line.strip_prefix("$ "),
            "sh" => Some(*line),
            _ => None,
        };
        match (command, commands.last_mut()) {
            (Some(line), _) => commands.push(PageCommand {
                line,
                output: Vec::new(),
                is_output_shown: is_console,
            }),
            (None, Some(command)) => command.output.push(line),
            (None, None) => {}
        }
    }
    // Blank lines at the end separate the output from the next command.
    for command in &mut commands {
        while command.output.last() == Some(&"") {
            command.output.pop();
        }
    }
    commands
}

/// What a word of an output stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    KeyId,
    Plain,
    RedactedKey,
    Time,
    Uuid,
}

fn kind(word: &str) -> Kind {
    let is_alphanumeric = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let has_upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let groups: Vec<_> = word.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] {
        Kind::Uuid
    } else if word.len() == 24 && is_alphanumeric && has_upper {
        Kind::KeyId
    } else if word.starts_with("hh_") && word.ends_with("***") {
        Kind::RedactedKey
    } else if word.len() == 24 && word.contains('T') && word.ends_with('Z') {
        Kind::Time
    } else {
        Kind::Plain
    }
}

/// Returns the words of a line without its padding. All durations are equal.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let is_unit = matches!(word, "ms" | "s");
        match words.last_mut() {
            Some(last) if is_unit && last.parse::<f64>().is_ok() => "[duration]".clone_into(last),
            _ => words.push(word.to_owned()),
        }
    }
    words
}
