//! Builds the program so that every checkout of a commit produces the same bytes.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::release::info::ReleaseInfo;
use crate::release::targets::Target;
use crate::release::tools;

/// Separates flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\x1f";

/// Builds the program of one target with a list of its dependencies in it, and returns its path.
///
/// # Errors
/// Returns an error if the target, a tool or a C compiler is missing, or if the build fails.
pub(crate) fn build(root: &Path, info: &ReleaseInfo, target: &Target) -> Result<PathBuf> {
    let auditable = tools::AUDITABLE.path(root)?;
    let prefixes = Prefixes::read(root)?;
    let arguments = "auditable build --profile dist --package hh-cli --bin honeyhive --locked";
    let mut build = Command::new(auditable);
    build
        .current_dir(root)
        .args(arguments.split_whitespace())
        .args(["--target", target.triple, "--target-dir", "target"])
        .env("CARGO_ENCODED_RUSTFLAGS", prefixes.for_rustc())
        .env("CFLAGS", prefixes.for_cc())
        .env("CARGO_INCREMENTAL", "0")
        // Macros of the C code that print the time of the build print this time instead.
        .env("SOURCE_DATE_EPOCH", info.epoch.to_string());
    process::run(build)?;
    Ok(root
        .join("target")
        .join(target.triple)
        .join("dist/honeyhive"))
}

/// The directories of this machine whose paths the compilers write into programs, and the names that replace them.
#[derive(Debug)]
struct Prefixes(Vec<(PathBuf, &'static str)>);

impl Prefixes {
    fn read(root: &Path) -> Result<Self> {
        let cargo_home = match env::var_os("CARGO_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => env::home_dir()
                .context("cannot find the directory of cargo: set CARGO_HOME")?
                .join(".cargo"),
        };
        let sysroot = process::sysroot(root)?;
        // If two prefixes match, the last one wins.
        Ok(Self(vec![
            (sysroot, "/rust"),
            (cargo_home.join("registry/src"), "/cargo"),
            (root.to_path_buf(), "/honeyhive"),
        ]))
    }

    fn for_rustc(&self) -> OsString {
        self.flags("--remap-path-prefix=", SEPARATOR)
    }

    fn for_cc(&self) -> OsString {
        self.flags("-ffile-prefix-map=", " ")
    }

    fn flags(&self, name: &str, separator: &str) -> OsString {
        let mut flags = OsString::new();
        for (folder, replacement) in &self.0 {
            if !flags.is_empty() {
                flags.push(separator);
            }
            flags.push(name);
            flags.push(folder);
            flags.push("=");
            flags.push(replacement);
        }
        flags
    }
}
