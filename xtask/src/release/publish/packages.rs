//! Packs the published crates, and unpacks the packages.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use tar::Archive;

use crate::workspace::Package;
use crate::{files, process};

/// A package and its contents.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// The paths of the files in the package.
    pub(super) files: BTreeSet<PathBuf>,
    /// The size of the archive, in bytes.
    pub(super) bytes: u64,
}

/// Writes the packages to `target/package`, without building them.
///
/// # Errors
/// Returns an error if cargo cannot pack a crate.
pub(super) fn pack(root: &Path, others: &[Package]) -> Result<()> {
    let mut command = process::cargo(
        root,
        "package --workspace --no-verify --locked --quiet --target-dir target",
    );
    // In CI, the checkout must be clean. A contributor can try uncommitted changes.
    if !process::is_ci() {
        command.arg("--allow-dirty");
    }
    process::run(excluding(command, others))
}

/// Unpacks a package to a folder, and removes other files from the folder.
///
/// A file that did not change is not written, because cargo rebuilds a crate whose files have a new modification time.
/// The times in packages are all the same.
///
/// # Errors
/// Returns an error if the package cannot be read or a file cannot be written.
pub(super) fn unpack(root: &Path, package: &Package, folder: &Path) -> Result<Unpacked> {
    let top = format!("{}-{}", package.name, package.version());
    let path = root.join(format!("target/package/{top}.crate"));
    let cannot_read = || format!("cannot read {}", path.display());
    let file = File::open(&path).with_context(cannot_read)?;
    let bytes = file.metadata().with_context(cannot_read)?.len();
    let mut archive = Archive::new(GzDecoder::new(file));
    let mut contents = BTreeSet::new();
    for entry in archive.entries().with_context(cannot_read)? {
        let mut entry = entry.with_context(cannot_read)?;
        let name = entry.path()?.strip_prefix(&top)?.to_path_buf();
        let mut text = String::new();
        entry
            .read_to_string(&mut text)
            .with_context(|| format!("{}: {} is not text", path.display(), name.display()))?;
        let file = folder.join(&name);
        if !fs::read_to_string(&file).is_ok_and(|old| old == text) {
            files::write(&file, &text)?;
        }
        contents.insert(name);
    }
    for old in files::below(folder)? {
        if !contents.contains(&old) {
            let file = folder.join(&old);
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    Ok(Unpacked {
        files: contents,
        bytes,
    })
}

/// Adds the packages that are not published to a command for all members.
pub(super) fn excluding(mut command: Command, others: &[Package]) -> Command {
    for package in others {
        command.args(["--exclude", &package.name]);
    }
    command
}
