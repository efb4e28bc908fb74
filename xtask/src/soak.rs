//! `cargo xtask soak`: runs tests with many rounds, and floods of requests that measure time and memory.
//!
//! The usual test run contains the tests with few rounds, and no floods.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::output::print_line;
use crate::process::{self, cargo};
use crate::workspace;

#[derive(Debug, Args)]
pub(crate) struct SoakOptions {
    /// Test to run [default: all of them]
    #[arg(value_enum)]
    soak: Option<Soak>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Soak {
    /// Logins that are killed, with three umasks
    KilledLogins,
    /// Many logins at the same time
    LoginsAtOnce,
    /// Writes of the credential store that are killed, with three umasks
    KilledWrites,
    /// Many writes of the credential store at the same time
    WritesAtOnce,
    /// A mounted key that changes while a client runs; a round is one second
    MountedKey,
    /// Rotations of a login while a client and a tracer run
    Rotations,
    /// Deletions of sessions that are interrupted by kills of the server
    KilledDeletions,
    /// Kills of a server that receives exports, updates and deletions at full load
    KilledServer,
    /// Floods of requests to a server, which must neither delay other requests nor use much memory
    Floods,
}

/// The prefix of lines with figures in the output of a test.
const FIGURES: &str = "soak: ";

/// A test of a soak.
struct SoakTest {
    package: &'static str,
    /// The name of the test program.
    program: &'static str,
    name: String,
    /// Number of rounds; 0 if the test has no rounds.
    rounds: u32,
}

impl Soak {
    fn tests(self, root: &Path) -> Result<Vec<SoakTest>> {
        let (package, program, name, rounds) = match self {
            Self::KilledLogins => (
                "hh-cli",
                "it",
                "logins::kill::a_killed_login_leaves_the_old_profile_or_the_new_one",
                1000,
            ),
            Self::LoginsAtOnce => (
                "hh-cli",
                "it",
                "logins::race::logins_at_once_are_all_kept_and_readers_see_whole_stores",
                200,
            ),
            Self::KilledWrites => (
                "hh-auth",
                "it",
                "kill::a_killed_login_leaves_a_whole_store",
                1000,
            ),
            Self::WritesAtOnce => (
                "hh-auth",
                "it",
                "race::logins_at_once_lose_nothing_and_readers_see_whole_stores",
                200,
            ),
            Self::MountedKey => (
                "hh-sdk",
                "it",
                "credentials::a_mounted_key_changes_under_a_running_client",
                10,
            ),
            Self::Rotations => (
                "hh-e2e",
                "e2e",
                "rotation::rotations_under_load_fail_no_request",
                20,
            ),
            Self::KilledDeletions => (
                "hh-e2e",
                "e2e",
                "kill_deletion::a_session_whose_deletion_was_interrupted_by_kill_9_does_not_return",
                50,
            ),
            Self::KilledServer => (
                "hh-e2e",
                "e2e",
                "kill_writes::kill_9_under_full_load_loses_nothing_and_nothing_deleted_returns",
                200,
            ),
            Self::Floods => return floods(root),
        };
        let name = name.to_owned();
        Ok(vec![SoakTest {
            package,
            program,
            name,
            rounds,
        }])
    }
}

/// Returns the tests with floods. Each runs in its own process, because memory is measured for the whole process.
fn floods(root: &Path) -> Result<Vec<SoakTest>> {
    let (package, program) = ("hh-server", "floods");
    let list =
        format!("test --locked --package {package} --test {program} -- --list --format terse");
    let list = process::output(cargo(root, &list))?;
    let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names
        .map(|name| SoakTest {
            package,
            program,
            name: name.to_owned(),
            rounds: 0,
        })
        .collect())
}

pub(crate) fn run(options: &SoakOptions) -> Result<()> {
    let root = workspace::root()?;
    let soaks = match &options.soak {
        Some(soak) => std::slice::from_ref(soak),
        None => Soak::value_variants(),
    };
    let (mut figures, mut failures) = (Vec::new(), Vec::new());
    for soak in soaks {
        for test in soak.tests(&root)? {
            let begin = Instant::now();
            let (lines, failure) = test.run(&root)?;
            let took = begin.elapsed().as_secs();
            figures.extend(lines.iter().map(|line| format!("{line} ({took} s)")));
            failures.extend(failure);
        }
    }
    for line in figures {
        print_line(line);
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

impl SoakTest {
    /// Runs the test and returns its figures and its failure, if any.
    fn run(&self, root: &Path) -> Result<(Vec<String>, Option<String>)> {
        let Self {
            package,
            program,
            name,
            rounds,
        } = self;
        let build = format!("test --locked --package {package} --test {program} --no-run");
        process::run(cargo(root, &build))?;
        let arguments = format!(
            "test --locked --package {package} --test {program} {name} -- --exact --nocapture"
        );
        let mut command = cargo(root, &arguments);
        if *rounds > 0 {
            command.env("HH_SOAK_ROUNDS", rounds.to_string());
            print_line(format_args!("$ HH_SOAK_ROUNDS={rounds} cargo {arguments}"));
        } else {
            print_line(format_args!("$ cargo {arguments}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start cargo")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut figures = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cannot read the output of the test")?;
            // The test harness prints the name of the test before the first line.
            if let Some((_, figure)) = line.split_once(FIGURES) {
                figures.push(figure.to_owned());
            }
            print_line(line);
        }
        let status = child.wait().context("cannot wait for cargo")?;
        let failure = if !status.success() {
            Some(format!("{name} failed ({status}); see its output above"))
        } else if figures.is_empty() {
            Some(format!(
                "{name} printed no figures: check that {package} has a test of this name"
            ))
        } else {
            None
        };
        Ok((figures, failure))
    }
}
