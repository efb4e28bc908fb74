//! `cargo xtask check`: rules of the workspace that the compiler does not check.
//!
//! A check receives the canonical path of a workspace and returns its findings, one per line.

mod cycles;
mod deps;
pub(crate) mod docs;
mod lengths;
mod lints;
mod promises;
mod style;
mod summaries;
mod workflows;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::output::print_line;
use crate::{references, workspace};

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// Checks to run [default: the checks of `cargo xtask test`]
    #[arg(value_enum)]
    checks: Vec<Check>,
    /// Directory of the workspace to check [default: this workspace]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// A set of rules.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Check {
    /// Crates depend on each other in one direction, and each version is specified once
    Deps,
    /// Files of a crate depend on each other in one direction, and the layers of the server are kept
    Cycles,
    /// Files of code do not exceed the maximum length
    Lengths,
    /// Lints and package fields inherited from the workspace
    Lints,
    /// Links between documents lead to existing files
    Docs,
    /// Links from security promises and limits to the tests that verify them
    Promises,
    /// Generated pages match the code
    References,
    /// Comments, documents, help and messages do not use the phrases in xtask/style/phrases.txt
    Style,
    /// First sentence of the documentation of public items, in the third person
    Summaries,
    /// Public workflows run only commands that exist
    Workflows,
}

impl Check {
    pub(crate) const ALL: [Self; 10] = [
        Self::Deps,
        Self::Cycles,
        Self::Lengths,
        Self::Lints,
        Self::Docs,
        Self::Promises,
        Self::Style,
        Self::Summaries,
        Self::Workflows,
        Self::References,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Deps => "deps",
            Self::Cycles => "cycles",
            Self::Lengths => "lengths",
            Self::Lints => "lints",
            Self::Docs => "docs",
            Self::Promises => "promises",
            Self::References => "references",
            Self::Style => "style",
            Self::Summaries => "summaries",
            Self::Workflows => "workflows",
        }
    }

    fn findings(self, root: &Path) -> Result<Vec<String>> {
        match self {
            Self::Deps => deps::findings(root),
            Self::Cycles => cycles::findings(root),
            Self::Lengths => lengths::findings(root),
            Self::Lints => lints::findings(root),
            Self::Docs => docs::findings(root),
            Self::Promises => promises::findings(root),
            Self::References => references::findings(root),
            Self::Style => style::findings(root),
            Self::Summaries => summaries::findings(root),
            Self::Workflows => workflows::findings(root),
        }
    }
}

pub(crate) fn run(options: &CheckOptions) -> Result<()> {
    let root = match &options.root {
        Some(root) => root.clone(),
        None => workspace::root()?,
    };
    let checks = if options.checks.is_empty() {
        &Check::ALL
    } else {
        options.checks.as_slice()
    };
    run_all(&root, checks)
}

/// Runs all checks and prints their findings.
///
/// # Errors
/// Returns an error if there is a finding.
pub(crate) fn run_all(root: &Path, checks: &[Check]) -> Result<()> {
    // Findings and links are compared with the canonical path of the directory.
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot read the directory {}", root.display()))?;
    let mut count = 0;
    for check in checks {
        let findings = check.findings(&root)?;
        print_line(format_args!(
            "check {}: {}",
            check.name(),
            if findings.is_empty() { "ok" } else { "failed" }
        ));
        for finding in &findings {
            print_line(format_args!("  {finding}"));
        }
        count += findings.len();
    }
    if count > 0 {
        bail!("correct the findings printed above ({count}) and run `cargo xtask check` again");
    }
    Ok(())
}
