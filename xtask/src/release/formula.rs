//! Writes the Homebrew formula of a release.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::release::installer::{self, Archive};
use crate::{files, workspace};

#[cfg(test)]
mod tests;

/// The name of the formula among the artifacts. Homebrew derives the name of the class from it.
const FILE: &str = "honeyhive.rb";

const TEMPLATE: &str = include_str!("../../release/honeyhive.rb");

/// The systems of a formula, and the targets whose archives work there, the preferred one first.
///
/// Homebrew supports Linux with an old glibc, where only a static program works.
const SYSTEMS: [(&str, &[&str]); 2] = [
    ("on_macos", &["apple-darwin"]),
    ("on_linux", &["unknown-linux-musl", "unknown-linux-gnu"]),
];

const PROCESSORS: [(&str, &str); 2] = [("on_arm", "aarch64"), ("on_intel", "x86_64")];

/// Writes the formula that installs one of the archives, and returns its path.
///
/// # Errors
/// Returns an error if an archive cannot be read or the formula cannot be written.
pub(crate) fn write(
    root: &Path,
    version: &str,
    archives: &[PathBuf],
    out: &Path,
) -> Result<PathBuf> {
    let url = installer::url(root, version)?;
    let text = TEMPLATE
        .replace("@VERSION@", version)
        .replace(
            "@REPOSITORY@",
            &workspace::package_field(root, "repository")?,
        )
        .replace(
            "  # archives",
            &sources(version, &url, &Archive::list(archives)?),
        );
    let path = out.join(FILE);
    files::write(&path, &text)?;
    Ok(path)
}

/// Returns the lines with the URLs and sums.
fn sources(version: &str, url: &str, archives: &[Archive]) -> String {
    let mut blocks = Vec::new();
    for (system, targets) in SYSTEMS {
        let mut lines = vec![format!("  {system} do")];
        for (processor, machine) in PROCESSORS {
            let found = targets.iter().find_map(|target| {
                let name = format!("honeyhive-{version}-{machine}-{target}.tar.gz");
                archives.iter().find(|archive| archive.name == name)
            });
            if let Some(Archive { name, sha256 }) = found {
                lines.extend([
                    format!("    {processor} do"),
                    format!("      url \"{url}/{name}\""),
                    format!("      sha256 \"{sha256}\""),
                    "    end".to_owned(),
                ]);
            }
        }
        // Without an archive for a system, Homebrew reports that the formula does not support it.
        if lines.len() > 1 {
            lines.push("  end".to_owned());
            blocks.push(lines.join("\n"));
        } else if system == "on_macos" {
            blocks.push("  depends_on :linux".to_owned());
        }
    }
    blocks.join("\n\n")
}
