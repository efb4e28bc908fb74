//! The commands of the guides print what the guides say.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Place, profile_dir, write};

/// A fenced part of a page: what follows the fence on its line, and the lines within.
pub(crate) struct Fenced<'a> {
    pub(crate) info: &'a str,
    pub(crate) lines: Vec<&'a str>,
}

pub(crate) fn fenced(page: &str) -> Vec<Fenced<'_>> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| *line != "```").collect();
            parts.push(Fenced { info, lines });
        }
    }
    parts
}

/// Runs the page from top to bottom in one home, which is the working directory too: `console` parts are commands with
/// what they print, and a part with a file's name is that file.
pub(crate) fn run(page: &str) -> usize {
    run_with(page, &[])
}

/// As [`run`], with variables that every command of the page gets.
fn run_with(page: &str, variables: &[(&str, &str)]) -> usize {
    let home = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for part in fenced(page) {
        match part.info.split_once(' ') {
            Some((_, file)) => {
                let path = home.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                write(&path, part.lines.join("\n") + "\n");
            }
            None if part.info == "console" => {
                let text = part.lines.join("\n");
                for run in format!("\n{text}").split("\n$ ").skip(1) {
                    let (command, expected) = run.split_once('\n').unwrap_or((run, ""));
                    assert_eq!(
                        output(home.path(), command, variables),
                        expected,
                        "`{command}` prints something else than the guide says"
                    );
                    commands += 1;
                }
            }
            None => {}
        }
    }
    commands
}

fn output(home: &Path, command: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("{command} 2>&1")])
        .env_clear()
        .env("HOME", home)
        .env("PATH", profile_dir())
        .envs(variables.iter().copied())
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end()
        .replace(&home.display().to_string(), "[home]")
}

#[test]
fn configuration() {
    let page = include_str!("../../docs/configuration.md");
    assert!(run(page) > 15, "the page has lost its commands");
}

#[test]
fn network() {
    let page = include_str!("../../docs/network.md");
    assert!(run(page) > 5, "the page has lost its commands");
}

#[test]
fn authentication() {
    let page = include_str!("../../docs/authentication.md");
    assert!(run(page) > 3, "the page has lost its commands");
}

#[test]
fn server() {
    let place = Place::new();
    let server = place.start();
    let key_file = place.admin_key_file().display().to_string();
    let variables = [
        ("HH_BASE_URL", server.url()),
        ("HH_API_KEY_FILE", key_file.as_str()),
    ];
    let page = include_str!("../../docs/server.md");
    assert!(
        run_with(page, &variables) > 3,
        "the page has lost its commands"
    );
}
