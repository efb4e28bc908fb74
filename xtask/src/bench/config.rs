//! Compares a full load of the configuration with parsing the same files alone, and short commands with a minimal
//! program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::builds::{build_tool, target};
use super::comparison::Comparison;
use super::cpu_time::of_children;
use crate::output::print_line;
use crate::{process, workspace};

/// Number of runs of each command in a round; the kernel reports CPU time in hundredths of a second.
const RUNS: u32 = 1_000;

/// Number of rounds, more than in other benchmarks: starting a program is work of the kernel, which varies most.
const ROUNDS: usize = 10;

/// Arguments of `honeyhive`, and the limit of the ratio of their CPU time to that of the minimal program.
const COMMANDS: [(&[&str], f64); 4] = [
    (&["config", "list"], 2.0),
    (&["--version"], 1.5),
    (&["auth", "status"], 2.0),
    (&["auth", "token"], 2.0),
];

/// The limit of the size of the program, in bytes.
const MAX_SIZE: u64 = 16_500_000;

/// The limit of the resident memory of `config list`, in KiB.
const MAX_MEMORY: f64 = 8.0 * 1024.0;

pub(super) fn run(baseline: Option<&Path>) -> Result<()> {
    let root = workspace::root()?;
    build_tool(&root, "--release", "bench-config-load", "bench-config")?;
    let cli = "build --profile dist --locked --package hh-cli --bins";
    process::run(process::cargo(&root, cli))?;
    build_tool(&root, "--profile dist", "bench-hello", "")?;
    let target = target(&root)?;
    let load = Command::new(target.join("release/bench-config-load"));
    print_line(process::output(load)?.trim());
    processes(&target.join("dist"), baseline)
}

fn processes(dist: &Path, baseline: Option<&Path>) -> Result<()> {
    let home = tempfile::tempdir()?;
    // Copies the programs, as an installation does: the kernel caches a copy in larger units than a file that the
    // linker wrote page by page, so a copy starts with fewer page faults.
    let install = |path: &Path| -> Result<PathBuf> {
        let copy = home.path().join(path.file_name().unwrap_or_default());
        fs::copy(path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
        Ok(copy)
    };
    let hello = install(&dist.join("bench-hello"))?;
    let honeyhive = install(&dist.join("honeyhive"))?;
    let baseline = baseline
        .map(|path| -> Result<PathBuf> {
            let copy = home.path().join("baseline");
            fs::copy(path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
            Ok(copy)
        })
        .transpose()?;
    let mut comparison = Comparison::default();
    let command = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("HH_API_KEY", "hh_1234567890abcdef1234567890abcdef")
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let mut best = [Duration::MAX; COMMANDS.len() + 1];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(cpu(&mut command(&hello, &[]))?);
        for (best, (arguments, _)) in best[1..].iter_mut().zip(COMMANDS) {
            let this = cpu(&mut command(&honeyhive, arguments))?;
            *best = (*best).min(this);
            if let Some(baseline) = &baseline {
                let before = cpu(&mut command(baseline, arguments))?;
                let millis = |time: Duration| time.as_secs_f64() * 1e3;
                comparison.add(&arguments.join(" "), millis(before), millis(this));
            }
        }
    }
    let mut missed = Vec::new();
    for (time, (arguments, limit)) in best[1..].iter().zip(COMMANDS) {
        let ratio = time.as_secs_f64() / best[0].as_secs_f64();
        if ratio > limit {
            missed.push(arguments.join(" "));
        }
        print_line(format_args!(
            "honeyhive {}: {:.2} ms CPU; minimal program: {:.2} ms; ratio {:.2}, limit {limit}",
            arguments.join(" "),
            time.as_secs_f64() * 1e3,
            best[0].as_secs_f64() * 1e3,
            ratio,
        ));
    }
    let memory = memory(command(&honeyhive, COMMANDS[0].0))?;
    print_line(format_args!(
        "honeyhive config list: peak resident memory {:.1} MiB, limit {:.0}",
        memory / 1024.0,
        MAX_MEMORY / 1024.0
    ));
    if memory > MAX_MEMORY {
        missed.push("memory".to_owned());
    }
    let size = fs::metadata(&honeyhive)?.len();
    print_line(format_args!(
        "size of honeyhive: {size} bytes, limit {MAX_SIZE}"
    ));
    if size > MAX_SIZE {
        missed.push("size".to_owned());
    }
    comparison.finish()?;
    ensure!(missed.is_empty(), "limits exceeded: {}", missed.join(", "));
    Ok(())
}

/// Returns the mean CPU time of one run.
fn cpu(command: &mut Command) -> Result<Duration> {
    let before = of_children()?;
    for _ in 0..RUNS {
        ensure!(command.status()?.success(), "{command:?} failed");
    }
    Ok(of_children()?.saturating_sub(before) / RUNS)
}

/// Returns the peak resident memory of a command at the time of its last output, in KiB.
fn memory(mut command: Command) -> Result<f64> {
    let (mut reader, mut writer) = std::io::pipe()?;
    // A full pipe blocks the command at its only write, after all its work is done.
    let filler = vec![b' '; 64 * 1024];
    writer.write_all(&filler)?;
    let mut child = command.stdout(writer).spawn()?;
    drop(command);
    let path = format!("/proc/{}/status", child.id());
    let status = loop {
        let status = fs::read_to_string(&path)?;
        if status.contains("\nState:\tS") {
            break status;
        }
        ensure!(child.try_wait()?.is_none(), "the command printed nothing");
        std::thread::yield_now();
    };
    let peak = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    reader.read_to_end(&mut Vec::new())?;
    child.wait()?;
    peak.context("the kernel does not report the peak of resident memory")
}
