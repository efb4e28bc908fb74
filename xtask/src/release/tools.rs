//! Installs the programs that a release needs, at fixed versions.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process;

/// A program from crates.io.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    version: &'static str,
}

pub(crate) const AUDITABLE: Tool = Tool {
    name: "cargo-auditable",
    version: "0.7.7",
};

pub(crate) const CYCLONEDX: Tool = Tool {
    name: "cargo-cyclonedx",
    version: "0.5.9",
};

pub(crate) const DEB: Tool = Tool {
    name: "cargo-deb",
    version: "3.8.0",
};

pub(crate) const RPM: Tool = Tool {
    name: "cargo-generate-rpm",
    version: "0.21.1",
};

pub(crate) const AUDIT_INFO: Tool = Tool {
    name: "rust-audit-info",
    version: "0.5.4",
};

impl Tool {
    /// Returns the path of the program, and installs it first if it is missing.
    ///
    /// # Errors
    /// Returns an error if the installation fails.
    pub(crate) fn path(&self, root: &Path) -> Result<PathBuf> {
        let program = self.folder(root).join("bin").join(self.name);
        if !program.exists() {
            // A debug build takes half the time and is fast enough.
            let mut install = process::cargo(root, "install --quiet --locked --debug");
            install
                .arg(format!("{}@{}", self.name, self.version))
                .arg("--root")
                .arg(self.folder(root));
            process::run(install)?;
        }
        if !program.exists() {
            bail!(
                "{} {} installs no program of this name",
                self.name,
                self.version
            );
        }
        Ok(program)
    }

    fn folder(&self, root: &Path) -> PathBuf {
        let name = format!("{}-{}", self.name, self.version);
        root.join("target/release-tools").join(name)
    }
}
