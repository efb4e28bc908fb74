//! `cargo xtask release build`: builds all artifacts for this machine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::output::print_line;
use crate::release::collect::{self, FOLDER};
use crate::release::info::ReleaseInfo;
use crate::release::stage::Stage;
use crate::release::targets::{self, Target};
use crate::release::{archive, check, deb, image, program, rpm, sbom};
use crate::{files, process};

pub(crate) fn run(root: &Path) -> Result<()> {
    let start = Instant::now();
    let info = ReleaseInfo::read(root)?;
    check::refuse(&check::findings(root, &info)?)?;
    let out = root.join(FOLDER);
    files::empty_folder(&out)?;
    let (own, _) = targets::split(&targets::host(root)?);
    install(root, &own)?;
    if own.iter().any(|target| target.is_static()) && !process::is_installed("musl-gcc") {
        bail!("musl-gcc is missing: install the Debian package musl-tools");
    }
    for target in own {
        let program = program::build(root, &info, target)?;
        let stage = Stage::assemble(root, &info, target, &program)?;
        archive::write(&stage, &out)?;
        sbom::write(root, &info, target, &out)?;
        if target.is_gnu() {
            deb::write(root, &stage, &out)?;
            rpm::write(root, &stage, &out)?;
        }
        if target.is_static() {
            image::write(root, &info, &stage, &out)?;
        }
    }
    let artifacts = collect::write(root, &info)?;
    for artifact in &artifacts {
        let size = fs::metadata(artifact)
            .with_context(|| format!("cannot read {}", artifact.display()))?
            .len();
        let name = artifact.file_name().unwrap_or_default().to_string_lossy();
        print_line(format_args!("{size:>12} {name}"));
    }
    let seconds = start.elapsed().as_secs();
    print_line(format_args!(
        "Built {} artifacts of version {} in {FOLDER} ({seconds} s)",
        artifacts.len(),
        info.version
    ));
    Ok(())
}

/// Installs the standard libraries of the targets.
fn install(root: &Path, targets: &[&Target]) -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root).args(["target", "add"]);
    rustup.args(targets.iter().map(|target| target.triple));
    process::run(rustup)
}
