//! Implements `cargo xtask soak`, which runs the long versions of repeating tests, and tests that measure time and
//! memory during many requests. The short versions of the repeating tests run with all other tests.

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
    /// Tests to run [default: all in turn]
    #[arg(value_enum)]
    soak: Option<Soak>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Soak {
    /// Killed logins, with three umasks
    KilledLogins,
    /// Many simultaneous logins
    LoginsAtOnce,
    /// Killed writers of the credential store, with three umasks
    KilledWrites,
    /// Many simultaneous writers of the credential store
    WritesAtOnce,
    /// A mounted key file that changes while a client runs (rounds are seconds)
    MountedKey,
    /// Rotations of a login while a client and a tracer run
    Rotations,
    /// Many requests to a server, which must not delay other requests or use much memory
    Floods,
}

/// The prefix of test output lines that contain figures.
const FIGURES: &str = "soak: ";

/// A test of a soak.
struct SoakTest {
    package: &'static str,
    /// The test program.
    program: &'static str,
    name: String,
    /// The number of rounds of the long version; 0 if the test has no rounds.
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

/// Returns the floods. Each runs in a process of its own, because memory is measured for the whole process.
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
    /// Runs the test and returns its figures, and why it failed.
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
        let mut child = command.spawn().context("cargo cannot be started")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut figures = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.context("the output of the test cannot be read")?;
            // The harness begins the first line with the name of the test.
            if let Some((_, figure)) = line.split_once(FIGURES) {
                figures.push(figure.to_owned());
            }
            print_line(line);
        }
        let status = child.wait().context("cargo cannot be waited for")?;
        let failure = if !status.success() {
            Some(format!(
                "{name} failed ({status}): its output above says why"
            ))
        } else if figures.is_empty() {
            Some(format!(
                "{name} printed no figures: is it still named so in {package}?"
            ))
        } else {
            None
        };
        Ok((figures, failure))
    }
}
