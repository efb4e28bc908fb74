//! Collects the files that the packages of one target contain.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::release::info::ReleaseInfo;
use crate::release::licenses;
use crate::release::targets::Target;
use crate::{files, process};

/// Documents of the root directory that every package contains.
const DOCUMENTS: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Shells, and the files in which they look for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/honeyhive"),
    ("zsh", "share/zsh/site-functions/_honeyhive"),
    ("fish", "share/fish/vendor_completions.d/honeyhive.fish"),
];

/// A directory with all files that the packages of one target contain.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The version of the workspace, for example `0.1.0`.
    pub(crate) version: String,
    /// The target triple.
    pub(crate) target: String,
    pub(crate) folder: PathBuf,
    /// The modification time of all files, in seconds since 1970: the time of the commit.
    pub(crate) epoch: u64,
}

impl Stage {
    /// Fills an empty directory from the program and the checkout.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written, or if the program does not print its completions.
    pub(crate) fn assemble(
        root: &Path,
        info: &ReleaseInfo,
        target: &Target,
        program: &Path,
    ) -> Result<Self> {
        let folder = root.join("target/release-stage").join(target.triple);
        files::empty_folder(&folder)?;
        copy(program, &folder.join("bin/honeyhive"))?;
        for (shell, file) in COMPLETIONS {
            let mut completion = Command::new(program);
            completion.args(["completion", shell]);
            files::write(&folder.join(file), &process::output(completion)?)?;
        }
        let documents = folder.join("share/doc/honeyhive");
        for document in DOCUMENTS {
            copy(&root.join(document), &documents.join(document))?;
        }
        copy(
            &library_licenses(root)?,
            &documents.join("RUST-LIBRARY-LICENSES.html"),
        )?;
        let licenses = licenses::text(root, target)?;
        files::write(&documents.join("THIRD-PARTY-LICENSES"), &licenses)?;
        manual(root, &folder.join("share/man/man1"))?;
        Ok(Self {
            version: info.version.clone(),
            target: target.triple.to_owned(),
            folder,
            epoch: info.epoch,
        })
    }

    /// Links `target/release-stage/package` to this stage. The manifest that lists the files of the packages is the
    /// same for all targets.
    ///
    /// # Errors
    /// Returns an error if the link cannot be created.
    pub(crate) fn link(&self, root: &Path) -> Result<()> {
        let link = root.join("target/release-stage/package");
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).with_context(|| format!("cannot remove {}", link.display()))?;
        }
        symlink(&self.folder, &link).with_context(|| format!("cannot create {}", link.display()))
    }
}

/// Returns the file with the licenses of the standard library of Rust, which is part of the compiler.
fn library_licenses(root: &Path) -> Result<PathBuf> {
    Ok(process::sysroot(root)?.join("share/doc/rust/COPYRIGHT-library.html"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let cannot = || format!("cannot copy {} to {}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::copy(from, to).with_context(cannot)?;
    Ok(())
}

/// Writes the manual pages. Only the workspace can generate them; the program does not contain the generator.
fn manual(root: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut pages = process::cargo(
        root,
        "run --quiet --locked --package hh-tools --bin man-pages --",
    );
    pages.arg(folder);
    process::run(pages)
}
