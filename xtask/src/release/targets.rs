//! Lists the platforms of a release and what their builds need.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// A platform for which a release has a program.
#[derive(Debug)]
pub(crate) struct Target {
    /// The target triple of Rust.
    pub(crate) triple: &'static str,
    /// What a build needs besides Rust.
    pub(crate) needs: &'static str,
    /// The runner of the public workflow that builds it.
    pub(crate) runner: &'static str,
}

impl Target {
    /// Returns whether the program is linked statically and runs without a C library.
    pub(crate) fn is_static(&self) -> bool {
        self.triple.ends_with("-musl")
    }

    /// Returns whether packages of Linux distributions contain this program.
    pub(crate) fn is_gnu(&self) -> bool {
        self.triple.ends_with("-linux-gnu")
    }

    /// Returns the machine and the system of the triple, such as `x86_64` and `linux`.
    fn platform(&self) -> (&str, &str) {
        let mut parts = self.triple.split('-');
        let machine = parts.next().unwrap_or_default();
        (machine, parts.nth(1).unwrap_or_default())
    }
}

/// All platforms. The command line requires Unix, so Windows is not among them.
const TARGETS: [Target; 6] = [
    Target {
        triple: "x86_64-unknown-linux-musl",
        needs: "musl-gcc (Debian package musl-tools)",
        runner: "ubuntu-22.04",
    },
    Target {
        triple: "x86_64-unknown-linux-gnu",
        needs: "cc (Debian package gcc)",
        runner: "ubuntu-22.04",
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        needs: "an arm64 machine with musl-gcc (Debian package musl-tools)",
        runner: "ubuntu-22.04-arm",
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        needs: "an arm64 machine with cc (Debian package gcc)",
        runner: "ubuntu-22.04-arm",
    },
    Target {
        triple: "aarch64-apple-darwin",
        needs: "a Mac with the Xcode command line tools; untested",
        runner: "macos-15",
    },
    Target {
        triple: "x86_64-apple-darwin",
        needs: "a Mac with the Xcode command line tools; untested",
        runner: "macos-15-intel",
    },
];

/// Returns the targets that a host can build, and the others.
pub(crate) fn split(host: &str) -> (Vec<&'static Target>, Vec<&'static Target>) {
    TARGETS.iter().partition(|target| {
        let (machine, system) = target.platform();
        host.starts_with(machine) && host.contains(system)
    })
}

/// Returns the target triple of this machine.
///
/// # Errors
/// Returns an error if rustc fails.
pub(crate) fn host(root: &Path) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root).arg("-vV");
    let text = process::output(rustc)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc did not print its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::split;

    fn names(host: &str) -> Vec<&'static str> {
        let (own, others) = split(host);
        assert_eq!(own.len() + others.len(), 6);
        own.iter().map(|target| target.triple).collect()
    }

    #[test]
    fn a_host_builds_the_targets_of_its_own_machine_and_system() {
        assert_eq!(
            names("x86_64-unknown-linux-gnu"),
            ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"]
        );
        assert_eq!(names("aarch64-apple-darwin"), ["aarch64-apple-darwin"]);
        assert_eq!(names("x86_64-pc-windows-msvc"), [""; 0]);
    }
}
