//! `cargo xtask fuzz`: runs each fuzz target in `fuzz` for a limited time. The tests replay the committed corpora.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::output::print_line;
use crate::process::{self, cargo};
use crate::{files, workspace};

#[derive(Debug, Args)]
pub(crate) struct FuzzOptions {
    /// Fuzz target to run [default: all targets]
    #[arg(value_enum)]
    target: Option<Target>,
    /// Duration of each target in minutes
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Target {
    /// Substitution of variables in text
    Substitute,
    /// Reading and editing a configuration file
    FileLayer,
    /// The `Retry-After` headers of a response
    RetryAfter,
    /// The body of an error response
    ProblemBody,
    /// Parsing an API key
    ApiKeyParse,
    /// The file of saved logins
    CredentialsFile,
    /// A trace export in protobuf
    OtlpPb,
    /// A trace export in JSON
    OtlpJson,
    /// A search of events
    EventFilter,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Substitute => "substitute",
            Self::FileLayer => "file_layer",
            Self::RetryAfter => "retry_after",
            Self::ProblemBody => "problem_body",
            Self::ApiKeyParse => "api_key_parse",
            Self::CredentialsFile => "credentials_file",
            Self::OtlpPb => "otlp_pb",
            Self::OtlpJson => "otlp_json",
            Self::EventFilter => "event_filter",
        }
    }
}

/// An input that takes longer than this, in seconds, is a finding, because every start of a program reads files.
const SLOW_SECONDS: u64 = 10;

pub(crate) fn run(options: &FuzzOptions) -> Result<()> {
    let root = workspace::root()?;
    if !process::succeeds(cargo(&root, "fuzz --version")) {
        bail!("cargo-fuzz is not installed: run `cargo install --locked cargo-fuzz`");
    }
    let targets = match &options.target {
        Some(target) => std::slice::from_ref(target),
        None => Target::value_variants(),
    };
    let mut reports = Vec::new();
    for target in targets {
        reports.push(fuzz(&root, target.name(), options.minutes)?);
    }
    for report in &reports {
        print_line(report.line());
        for finding in &report.findings {
            print_line(format_args!("  finding: {}", finding.display()));
        }
    }
    if reports.iter().any(|report| !report.findings.is_empty()) {
        bail!(
            "fuzzing found failing inputs: minimize each with `cargo fuzz tmin --fuzz-dir fuzz -s none TARGET FINDING`, add it to fuzz/corpus/TARGET and correct the code"
        );
    }
    Ok(())
}

/// The result of one target.
struct Report {
    target: &'static str,
    took: Duration,
    figures: Figures,
    /// Paths of failing inputs, relative to the workspace.
    findings: Vec<PathBuf>,
}

impl Report {
    fn line(&self) -> String {
        let Figures {
            runs,
            coverage,
            corpus,
        } = &self.figures;
        let findings = match self.findings.len() {
            0 => "no finding".to_owned(),
            count => format!("{count} finding{}", if count == 1 { "" } else { "s" }),
        };
        format!(
            "{}: {runs} runs in {} s, coverage {coverage}, corpus {corpus}, {findings}",
            self.target,
            self.took.as_secs()
        )
    }
}

fn fuzz(root: &Path, target: &'static str, minutes: u64) -> Result<Report> {
    // libFuzzer adds inputs to the first directory only, so that the committed corpus stays small.
    let generated = format!("fuzz/generated/{target}");
    let artifacts = PathBuf::from(format!("fuzz/artifacts/{target}"));
    for folder in [Path::new(&generated), &artifacts] {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let before = found(root, &artifacts)?;
    process::run(cargo_fuzz(
        root,
        &format!("fuzz build --fuzz-dir fuzz {target}"),
    ))?;
    let arguments = format!(
        "fuzz run --fuzz-dir fuzz {target} {generated} fuzz/corpus/{target} -- -max_total_time={} -timeout={SLOW_SECONDS} -print_final_stats=1",
        minutes * 60
    );
    print_line(format_args!("$ RUSTC_BOOTSTRAP=1 cargo {arguments}"));
    let mut command = cargo_fuzz(root, &arguments);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().context("cannot start cargo")?;
    let mut figures = Figures::default();
    let stderr = child.stderr.take().context("stderr is piped")?;
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.context("cannot read the output of cargo fuzz")?;
        let line = String::from_utf8_lossy(&line);
        figures.read(&line);
        if !is_noise(&line) {
            print_line(&line);
        }
    }
    let status = child.wait().context("cannot wait for cargo fuzz")?;
    let after = found(root, &artifacts)?;
    let findings: Vec<_> = after.difference(&before).cloned().collect();
    if !status.success() && findings.is_empty() {
        bail!("{target} failed ({status}); see its output above");
    }
    Ok(Report {
        target,
        took: start.elapsed(),
        figures,
        findings,
    })
}

/// Returns a command of cargo-fuzz that enables the address sanitizer.
///
/// The sanitizer checks unsafe code of the parsers and is a nightly flag of rustc. `RUSTC_BOOTSTRAP` allows it with the
/// pinned stable toolchain, so that the fuzzed code is the released code.
fn cargo_fuzz(root: &Path, arguments: &str) -> Command {
    let mut command = cargo(root, arguments);
    command.env("RUSTC_BOOTSTRAP", "1");
    command
}

fn found(root: &Path, artifacts: &Path) -> Result<BTreeSet<PathBuf>> {
    let files = files::below(&root.join(artifacts))?;
    Ok(files.iter().map(|file| artifacts.join(file)).collect())
}

/// The figures that libFuzzer reports for a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    runs: u64,
    coverage: u64,
    /// Number and size of the inputs.
    corpus: String,
}

impl Figures {
    /// Reads the figures in one line of the output of libFuzzer.
    fn read(&mut self, line: &str) {
        if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.runs = runs.trim().parse().unwrap_or(self.runs);
        }
        if !line.starts_with('#') {
            return;
        }
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match (word, words.clone().next()) {
                ("cov:", Some(value)) => self.coverage = value.parse().unwrap_or(self.coverage),
                ("corp:", Some(value)) => value.clone_into(&mut self.corpus),
                _ => {}
            }
        }
    }
}

/// Returns whether a line reports a single input.
fn is_noise(line: &str) -> bool {
    let is_input = ["NEW ", "REDUCE ", "RELOAD "]
        .iter()
        .any(|word| line.starts_with('#') && line.contains(word));
    is_input || line.starts_with(['"', '\t']) || line.contains("ecommended dictionary")
}

#[cfg(test)]
mod tests {
    use super::{Figures, is_noise};

    #[test]
    fn figures_come_from_the_last_lines() {
        let lines = [
            "INFO: Seed: 3037475448",
            "#193\tINITED cov: 6392 ft: 20431 corp: 189/24Kb exec/s: 0 rss: 32Mb",
            "#252\tNEW    cov: 6393 ft: 34042 corp: 190/28Kb lim: 3005 exec/s: 0 rss: 102Mb L: 28/3005 MS: 1 ChangeBinInt-",
            "#207878\tDONE   cov: 8671 ft: 38713 corp: 4632/1234Kb lim: 3005 exec/s: 2284 rss: 50Mb",
            "\tNEW_FUNC[1/2]: 0x55d7 in hh_config::edit::edit",
            "\"corp: 1\" # Uses: 77",
            "stat::number_of_executed_units: 207878",
        ];
        let mut figures = Figures::default();
        for line in lines {
            figures.read(line);
        }
        let expected = Figures {
            runs: 207_878,
            coverage: 8671,
            corpus: "4632/1234Kb".to_owned(),
        };
        assert_eq!(figures, expected);
        let shown = lines.iter().filter(|line| !is_noise(line)).count();
        assert_eq!(shown, 4);
    }
}
