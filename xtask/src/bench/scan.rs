//! Compares the CPU time of `honeyhive auth scan` with that of ripgrep with the same pattern on the same files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::builds::target;
use super::cpu_time::{ROUNDS, of_children};
use crate::output::print_line;
use crate::{process, workspace};

/// The number of runs of each program in a round. There are several, because the kernel reports CPU time in hundredths
/// of a second.
const RUNS: u32 = 10;

/// The maximum ratio of the CPU time of a scan to that of ripgrep.
const LIMIT: f64 = 2.0;

/// The pattern of keys. The scan also recognizes what a pattern cannot: checksums, base64, UTF-16 and placeholders.
const PATTERN: &str =
    "hh_(?:ro_)?[A-Za-z0-9]{32,}|hh_(?:ingst|fgdp|fgcp)_[A-Za-z0-9]{24}_[A-Za-z0-9_-]{64}";

/// The sets of files: files of a usual size, and large files.
const FILES: [(usize, usize); 2] = [(4_000, 16 * 1024), (4, 16 * 1024 * 1024)];

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-cli --bins",
    ))?;
    let home = tempfile::tempdir()?;
    let tree = home.path().join("tree");
    let bytes = write_tree(&tree)?;
    let command = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(&tree)
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let honeyhive = target(&root)?.join("release/honeyhive");
    let mut ours = command(&honeyhive, &["auth", "scan"]);
    let mut theirs = command(
        Path::new("rg"),
        &["--no-config", "--hidden", "--regexp", PATTERN],
    );
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        // Neither program finds a key, and ripgrep then exits with code 1.
        best[0] = best[0].min(cpu(&mut ours, 0)?);
        best[1] = best[1].min(cpu(&mut theirs, 1).context("is ripgrep (`rg`) installed?")?);
    }
    let [ours, theirs] = best.map(|time| time.as_secs_f64());
    let ratio = ours / theirs;
    print_line(format_args!(
        "honeyhive auth scan, {} MiB in {} files: {:.0} ms CPU; rg: {:.0} ms; ratio {ratio:.2}, limit {LIMIT}",
        bytes >> 20,
        FILES[0].0 + FILES[1].0,
        ours * 1e3,
        theirs * 1e3,
    ));
    ensure!(ratio <= LIMIT, "over the limit");
    Ok(())
}

/// Returns the mean CPU time of one run.
fn cpu(command: &mut Command, code: i32) -> Result<Duration> {
    let before = of_children()?;
    for _ in 0..RUNS {
        let status = command.status()?;
        ensure!(
            status.code() == Some(code),
            "{command:?} ended with {status}"
        );
    }
    Ok(of_children()?.saturating_sub(before) / RUNS)
}

/// Writes files that look like code, with names that begin like keys.
#[expect(
    clippy::disallowed_methods,
    reason = "no program reads these files while they are written"
)]
fn write_tree(tree: &Path) -> Result<usize> {
    const WORDS: [&str; 16] = [
        "let",
        "key",
        "=",
        "client.get(",
        "\"hh_project\"",
        "return",
        "self.value",
        "// the other",
        "hh_ro_level,",
        "api_key",
        "http://localhost:8080/",
        "{",
        "}",
        "0123456789",
        "dGhlIHF1aWNrIGJyb3duIGZveA==",
        "async fn",
    ];
    let mut state = 0x9e37_79b9_u32;
    let mut written = 0;
    for (count, size) in FILES {
        for number in 0..count {
            let mut text = String::with_capacity(size + 64);
            while text.len() < size {
                // A linear congruential generator is sufficiently random.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let word = WORDS[(state >> 28) as usize];
                let space = if (state >> 20).is_multiple_of(8) {
                    "\n    "
                } else {
                    " "
                };
                write!(text, "{word}{space}")?;
            }
            let folder = tree.join(format!("{size}/{}", number % 50));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("{number}.rs")), &text)?;
            written += text.len();
        }
    }
    Ok(written)
}
