//! Defines what all checks of artifacts use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{files, process};

/// The directories of programs, for commands without the variables of this process.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The directories of a check.
pub(super) struct Verification<'a> {
    pub(super) root: &'a Path,
    /// The directory of the artifacts.
    pub(super) folder: &'a Path,
    /// An empty directory for the files of the check.
    pub(super) scratch: PathBuf,
}

impl<'a> Verification<'a> {
    /// Creates the empty directory, and removes what the previous check wrote.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be created.
    pub(super) fn new(root: &'a Path, folder: &'a Path) -> Result<Self> {
        let scratch = root.join("target/release-verify");
        files::empty_folder(&scratch)?;
        Ok(Self {
            root,
            folder,
            scratch,
        })
    }

    /// Unpacks an archive and returns its top directory.
    ///
    /// # Errors
    /// Returns an error if tar fails.
    pub(super) fn unpack(&self, archive: &Path) -> Result<PathBuf> {
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(&self.scratch);
        process::output(tar)?;
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        Ok(self.scratch.join(name.trim_end_matches(".tar.gz")))
    }
}
