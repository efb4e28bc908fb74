//! Writes the install script of a release, which contains the sums of the archives.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;

use crate::release::sums;
use crate::{files, workspace};

#[cfg(test)]
mod tests;

/// The name of the script among the artifacts.
const FILE: &str = "honeyhive-install.sh";

const TEMPLATE: &str = include_str!("../../release/install.sh");

/// An archive of the program.
#[derive(Debug)]
pub(crate) struct Archive {
    /// The name of the file.
    pub(crate) name: String,
    pub(crate) sha256: String,
}

impl Archive {
    /// Reads the archives of the program among artifacts, in the same order.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(crate) fn list(artifacts: &[PathBuf]) -> Result<Vec<Self>> {
        programs(artifacts)
            .map(|(path, name)| {
                Ok(Self {
                    name: name.to_owned(),
                    sha256: sums::of_file(path)?,
                })
            })
            .collect()
    }
}

/// Returns the URL of the directory from which users download the artifacts.
///
/// # Errors
/// Returns an error if the manifest of the workspace has no repository.
pub(crate) fn url(root: &Path, version: &str) -> Result<String> {
    let repository = workspace::package_field(root, "repository")?;
    Ok(format!("{repository}/releases/download/v{version}"))
}

/// Writes the script that installs one of the archives, and returns its path.
///
/// # Errors
/// Returns an error if an archive cannot be read or the script cannot be written.
pub(crate) fn write(
    root: &Path,
    version: &str,
    archives: &[PathBuf],
    out: &Path,
) -> Result<PathBuf> {
    let path = out.join(FILE);
    files::write(&path, &script(root, version, archives)?)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))?;
    Ok(path)
}

fn script(root: &Path, version: &str, archives: &[PathBuf]) -> Result<String> {
    let mut glibc = None;
    for (path, name) in programs(archives) {
        if name.ends_with("-linux-gnu.tar.gz") {
            glibc = glibc.max(glibc_minimum(&program(path)?));
        }
    }
    let glibc = glibc.map_or_else(String::new, |(major, minor)| format!("{major}.{minor}"));
    let list: Vec<_> = Archive::list(archives)?
        .into_iter()
        .map(|archive| format!("{}  {}", archive.sha256, archive.name))
        .collect();
    Ok(TEMPLATE
        .replace("@VERSION@", version)
        .replace("@URL@", &url(root, version)?)
        .replace("@GLIBC@", &glibc)
        .replace("@ARCHIVES@", &list.join("\n")))
}

/// Returns the paths and names of the archives of the program among artifacts.
fn programs(artifacts: &[PathBuf]) -> impl Iterator<Item = (&Path, &str)> {
    artifacts.iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        name.ends_with(".tar.gz").then_some((path.as_path(), name))
    })
}

/// Returns the bytes of the program in an archive.
fn program(archive: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", archive.display());
    let file = File::open(archive).with_context(cannot)?;
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
        let mut entry = entry.with_context(cannot)?;
        // The path is `NAME/honeyhive`; completions have the same file name.
        let path = entry.path().with_context(cannot)?;
        if path.ends_with("honeyhive") && path.components().count() == 2 {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(cannot)?;
            return Ok(bytes);
        }
    }
    anyhow::bail!("{} does not contain honeyhive", archive.display())
}

/// Returns the highest version of glibc that a program requires. The dynamic linker reads it from names such as
/// `GLIBC_2.34` in the program.
fn glibc_minimum(program: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"GLIBC_";
    let starts = program.windows(PREFIX.len()).enumerate();
    let versions = starts
        .filter(|(_, window)| *window == PREFIX)
        .filter_map(|(start, _)| {
            let text = program.get(start + PREFIX.len()..)?;
            let end = text.iter().position(|byte| *byte == 0)?;
            let (major, minor) = std::str::from_utf8(&text[..end]).ok()?.split_once('.')?;
            // A third part, as in `GLIBC_2.2.5`, occurs only in versions before 2.4.
            let minor = minor.split('.').next()?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
    versions.max()
}
