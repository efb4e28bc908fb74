//! `cargo xtask check`: the rules of the workspace that no compiler knows.
//!
//! A check takes the real path of a workspace and returns its findings, one line each.

mod cycles;
mod deps;
mod docs;
mod lengths;
mod lints;
mod promises;
mod style;
mod summaries;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::output::print_line;
use crate::{references, workspace};

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// What to check; everything when nothing is named
    #[arg(value_enum)]
    checks: Vec<Check>,
    /// Folder of the workspace to check, this one when not given
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// One set of rules.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Check {
    /// Which crate may depend on which, and that versions are named once
    Deps,
    /// Files of a crate depend on one another in one direction, and the layers of the server hold
    Cycles,
    /// How long a file of code may be
    Lengths,
    /// Lints and package fields come from the workspace
    Lints,
    /// Links between documents lead somewhere
    Docs,
    /// Each security promise and limit links to the test that shows it
    Promises,
    /// Generated pages are what the code says
    References,
    /// Comments, documents, help and messages use none of the phrases in xtask/style/phrases.txt
    Style,
    /// Documentation of public items begins with a sentence in the third person
    Summaries,
}

impl Check {
    pub(crate) const ALL: [Self; 7] = [
        Self::Deps,
        Self::Cycles,
        Self::Lengths,
        Self::Lints,
        Self::Docs,
        Self::Promises,
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

/// Runs the checks to the last one and prints what they find.
///
/// # Errors
/// When there is a finding.
pub(crate) fn run_all(root: &Path, checks: &[Check]) -> Result<()> {
    // Findings and links are compared with the folder's real path.
    let root = root
        .canonicalize()
        .with_context(|| format!("{} is no folder that can be read", root.display()))?;
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
