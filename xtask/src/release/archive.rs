//! Writes archives that have the same bytes for the same files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::files;
use crate::release::stage::Stage;

/// Directories of the stage, and where the archive contains their files.
const CONTENTS: [(&str, &str); 5] = [
    ("share/bash-completion/completions", "completions/bash"),
    ("share/doc/honeyhive", ""),
    ("share/fish/vendor_completions.d", "completions/fish"),
    ("share/man/man1", "man/man1"),
    ("share/zsh/site-functions", "completions/zsh"),
];

/// Writes the archive of a stage, with one directory at the top, and returns its path.
///
/// # Errors
/// Returns an error if a file cannot be read or written.
pub(crate) fn write(stage: &Stage, out: &Path) -> Result<PathBuf> {
    let top = format!("honeyhive-{}-{}", stage.version, stage.target);
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut entries = Entries::new(stage.epoch);
    let program = read(&stage.folder.join("bin/honeyhive"))?;
    entries.file(&format!("{top}/honeyhive"), 0o755, program);
    for (from, to) in CONTENTS {
        let source = stage.folder.join(from);
        for file in files::below(&source)? {
            let name = Path::new(&top).join(to).join(&file);
            entries.file(&name.to_string_lossy(), 0o644, read(&source.join(file))?);
        }
    }
    let path = out.join(format!("{top}.tar.gz"));
    let bytes = gzip(&entries.into_tar()?)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "an archive is not secret, and its directory was created empty"
    )]
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Compresses bytes. The header contains no time and no file name.
///
/// # Errors
/// Returns an error if the compression fails.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

/// The files and directories of a tar archive, sorted by name, all with the same time.
#[derive(Debug)]
pub(crate) struct Entries {
    epoch: u64,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: EntryType,
    mode: u32,
    owner: u64,
    bytes: Vec<u8>,
}

impl Entries {
    /// Creates an empty list. All entries have the time `epoch`, in seconds since 1970.
    pub(crate) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            entries: BTreeMap::new(),
        }
    }

    /// Adds a file that root owns.
    pub(crate) fn file(&mut self, name: &str, mode: u32, bytes: Vec<u8>) {
        let entry = Entry {
            kind: EntryType::Regular,
            mode,
            owner: 0,
            bytes,
        };
        self.entries.insert(name.to_owned(), entry);
    }

    /// Adds a directory of the user and the group with the number `owner`.
    pub(crate) fn folder(&mut self, name: &str, mode: u32, owner: u64) {
        let entry = Entry {
            kind: EntryType::Directory,
            mode,
            owner,
            bytes: Vec::new(),
        };
        self.entries.insert(format!("{name}/"), entry);
    }

    /// Returns the archive.
    ///
    /// # Errors
    /// Returns an error if a name is too long for the format.
    pub(crate) fn into_tar(self) -> Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        for (name, entry) in self.entries {
            let mut header = Header::new_ustar();
            header.set_entry_type(entry.kind);
            header.set_mode(entry.mode);
            header.set_uid(entry.owner);
            header.set_gid(entry.owner);
            header.set_mtime(self.epoch);
            header.set_size(entry.bytes.len() as u64);
            tar.append_data(&mut header, &name, entry.bytes.as_slice())
                .with_context(|| format!("cannot add {name} to an archive"))?;
        }
        Ok(tar.into_inner()?)
    }
}
