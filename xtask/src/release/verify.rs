//! `cargo xtask release verify`: checks the artifacts of a build by using them.

mod contents;
mod debian;
mod image;
mod rpm;
mod sandbox;
mod verification;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::output::print_line;
use crate::process;
use crate::release::collect;

use verification::Verification;

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// Directory of the artifacts
    #[arg(default_value = collect::FOLDER)]
    folder: PathBuf,
}

/// A check of one kind of artifact.
struct Check {
    name: &'static str,
    /// The end of the names of the artifacts to check.
    suffix: &'static str,
    /// Programs that the check runs, and the Debian packages that contain them.
    needs: &'static [(&'static str, &'static str)],
    /// Whether only root can run the check, because it changes the root directory of a process.
    needs_root: bool,
    /// Checks an artifact and returns what was seen.
    run: fn(&Verification<'_>, &Path) -> Result<String>,
}

const CHECKS: [Check; 8] = [
    Check {
        name: "sums",
        suffix: "SHA256SUMS",
        needs: &[("sha256sum", "coreutils")],
        needs_root: false,
        run: contents::sums,
    },
    Check {
        name: "archive",
        suffix: ".tar.gz",
        needs: &[("tar", "tar")],
        needs_root: false,
        run: contents::archive,
    },
    Check {
        name: "bill of materials",
        suffix: ".cdx.json",
        needs: &[],
        needs_root: false,
        run: contents::bill_of_materials,
    },
    Check {
        name: "list of dependencies in the program",
        suffix: ".tar.gz",
        needs: &[("tar", "tar")],
        needs_root: false,
        run: contents::embedded_list,
    },
    Check {
        name: "empty root directory",
        suffix: "-musl.tar.gz",
        needs: &[("chroot", "coreutils")],
        needs_root: true,
        run: sandbox::runs_alone,
    },
    Check {
        name: "Debian package",
        suffix: ".deb",
        needs: &[("debootstrap", "debootstrap"), ("dpkg-deb", "dpkg")],
        needs_root: true,
        run: debian::check,
    },
    Check {
        name: "RPM package",
        suffix: ".rpm",
        needs: &[("rpm", "rpm")],
        needs_root: false,
        run: rpm::check,
    },
    Check {
        name: "image",
        suffix: ".tar",
        needs: &[("skopeo", "skopeo"), ("umoci", "umoci")],
        needs_root: true,
        run: image::check,
    },
];

/// Runs all checks and prints one line for each.
///
/// # Errors
/// Returns an error if a check fails, or if one is skipped in CI.
pub(crate) fn run(root: &Path, options: &VerifyOptions) -> Result<()> {
    let folder = root.join(&options.folder);
    let artifacts = artifacts(&folder)?;
    let mut problems = 0_usize;
    for check in CHECKS {
        let matching: Vec<_> = artifacts
            .iter()
            .filter(|path| path.to_string_lossy().ends_with(check.suffix))
            .collect();
        if matching.is_empty() {
            print_line(format_args!("{}: failed: no artifact", check.name));
            problems += 1;
        }
        if let Some(missing) = missing(&check)? {
            print_line(format_args!("{}: skipped: {missing}", check.name));
            problems += usize::from(process::is_ci());
            continue;
        }
        for artifact in matching {
            let verification = Verification::new(root, &folder)?;
            let name = artifact.file_name().unwrap_or_default().to_string_lossy();
            match (check.run)(&verification, artifact) {
                Ok(seen) => print_line(format_args!("{} ({name}): ok: {seen}", check.name)),
                Err(error) => {
                    problems += 1;
                    print_line(format_args!("{} ({name}): failed: {error:#}", check.name));
                }
            }
        }
    }
    if problems > 0 {
        bail!("{problems} checks failed or were skipped; see above");
    }
    Ok(())
}

fn artifacts(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || {
        format!(
            "cannot read {}: run `cargo xtask release build`",
            folder.display()
        )
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        paths.push(entry.with_context(cannot)?.path());
    }
    paths.sort();
    if paths.is_empty() {
        bail!(
            "{} is empty: run `cargo xtask release build`",
            folder.display()
        );
    }
    Ok(paths)
}

/// Returns what is missing to run a check.
fn missing(check: &Check) -> Result<Option<String>> {
    for (program, package) in check.needs {
        if !process::is_installed(program) {
            return Ok(Some(format!(
                "{program} is missing: install the Debian package {package}"
            )));
        }
    }
    if check.needs_root {
        let mut id = Command::new("id");
        id.arg("-u");
        if process::output(id)?.trim() != "0" {
            return Ok(Some("only root can run this check".to_owned()));
        }
    }
    Ok(None)
}
