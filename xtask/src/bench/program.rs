//! Runs a server process and measures it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::process;

/// The unit in which the kernel counts the CPU time of a process.
const TICK: Duration = Duration::from_millis(10);

/// A running server; it is stopped when it is dropped.
pub(super) struct Program {
    child: Child,
    address: String,
    ready: Duration,
}

impl Program {
    /// Starts a program and waits for the line with its address.
    pub(super) fn start<A: AsRef<OsStr>>(
        path: &Path,
        arguments: &[A],
        home: &Path,
    ) -> Result<Self> {
        let start = Instant::now();
        let mut child = Command::new(path)
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let output = child.stdout.take().context("the program has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready = start.elapsed();
        let address = line
            .trim()
            .strip_prefix("Listening on http://")
            .with_context(|| format!("{} did not start", path.display()))?
            .to_owned();
        Ok(Self {
            child,
            address,
            ready,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the time from the start to the line with the address.
    pub(super) fn ready(&self) -> Duration {
        self.ready
    }

    /// Returns the user and system time so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        // The second field is the name in parentheses, which can contain spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u32 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u32>().ok())
            .sum();
        Ok(TICK * ticks)
    }

    /// Returns the resident memory, in KiB.
    pub(super) fn memory(&self) -> Result<f64> {
        self.proc("status")?
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .context("the kernel does not report the resident memory")
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        process::stop(&mut self.child);
    }
}
