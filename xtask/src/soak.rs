//! `cargo xtask soak`: the tests that repeat themselves, in their long forms. Their short forms run with all other tests.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::process::{self, cargo};
use crate::say::say;
use crate::workspace;

#[derive(Debug, Args)]
pub(crate) struct SoakOptions {
    /// What to run; each in turn when not given
    #[arg(value_enum)]
    soak: Option<Soak>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Soak {
    /// Logins that are killed, with each of three umasks
    KilledLogins,
    /// Many logins at once
    LoginsAtOnce,
    /// Writers of the store that are killed, with each of three umasks
    KilledWrites,
    /// Many writers of the store at once
    WritesAtOnce,
    /// A mounted key that changes under a running client; its rounds are seconds
    MountedKey,
    /// Rotations of a login under a client and a tracer
    Rotations,
}

/// Lines of the tests that begin so are figures.
const FIGURES: &str = "soak: ";

impl Soak {
    /// The package, its test, and how many rounds make the long form.
    fn test(self) -> (&'static str, &'static str, u32) {
        match self {
            Self::KilledLogins => (
                "hh-cli",
                "logins::kill::a_killed_login_leaves_the_old_profile_or_the_new_one",
                1000,
            ),
            Self::LoginsAtOnce => (
                "hh-cli",
                "logins::race::logins_at_once_are_all_kept_and_readers_see_whole_stores",
                200,
            ),
            Self::KilledWrites => ("hh-auth", "kill::a_killed_login_leaves_a_whole_store", 1000),
            Self::WritesAtOnce => (
                "hh-auth",
                "race::logins_at_once_lose_nothing_and_readers_see_whole_stores",
                200,
            ),
            Self::MountedKey => (
                "hh-sdk",
                "credentials::s34_s76_a_mounted_key_changes_under_a_running_client",
                10,
            ),
            Self::Rotations => (
                "hh-e2e",
                "rotation::rotations_under_load_fail_no_request",
                20,
            ),
        }
    }
}

pub(crate) fn run(options: &SoakOptions) -> Result<()> {
    let root = workspace::root()?;
    let soaks = match &options.soak {
        Some(soak) => std::slice::from_ref(soak),
        None => Soak::value_variants(),
    };
    let mut figures = Vec::new();
    for soak in soaks {
        let (lines, took) = soak_test(&root, *soak)?;
        let figure = |line: &String| format!("{line} ({} s)", took.as_secs());
        figures.extend(lines.iter().map(figure));
    }
    for line in figures {
        say(line);
    }
    Ok(())
}

/// Runs one test and returns its figures.
fn soak_test(root: &Path, soak: Soak) -> Result<(Vec<String>, Duration)> {
    let (package, test, rounds) = soak.test();
    let program = if package == "hh-e2e" { "e2e" } else { "it" };
    let build = format!("test --locked --package {package} --test {program} --no-run");
    process::run(cargo(root, &build))?;
    let arguments =
        format!("test --locked --package {package} --test {program} {test} -- --exact --nocapture");
    say(format_args!("$ HH_SOAK_ROUNDS={rounds} cargo {arguments}"));
    let mut command = cargo(root, &arguments);
    command.env("HH_SOAK_ROUNDS", rounds.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().context("cargo cannot be started")?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let mut figures = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("the output of the test cannot be read")?;
        // The harness begins the first line with the name of the test.
        if let Some((_, figure)) = line.split_once(FIGURES) {
            figures.push(figure.to_owned());
        }
        say(line);
    }
    let status = child.wait().context("cargo cannot be waited for")?;
    if !status.success() {
        bail!("{test} failed ({status}): its output above says why");
    }
    if figures.is_empty() {
        bail!("{test} printed no figures: is it still named so in {package}?");
    }
    Ok((figures, start.elapsed()))
}
