//! The pepper: `DIR/pepper`, or `DIR/pepper.new` until the first start has finished.

use std::fs;
use std::path::{Path, PathBuf};

use hh_auth::Pepper;
use hh_auth::private_file::{Replace, write_private};
use hh_text::Diagnostic;
use zeroize::Zeroizing;

use super::files::{self, OtherUsers};
use super::{StartError, StartErrorKind};
use crate::domain::keys::PEPPER_ID;
use crate::hex;

/// A pepper has 67 bytes in its file.
const MAX_BYTES: u64 = 1024;

/// The pepper of a data directory.
pub(super) struct PepperFile {
    pub(super) pepper: Pepper,
    path: PathBuf,
    /// The first start has not finished: it may be interrupted and then starts over.
    staged: Option<PathBuf>,
}

impl PepperFile {
    /// Reads the pepper, or creates one if there is no database yet.
    pub(super) fn open(dir: &Path, may_create: bool) -> Result<Self, StartError> {
        let path = dir.join("pepper");
        let staged = dir.join("pepper.new");
        if let Some(pepper) = read(&path)? {
            return Ok(Self {
                pepper,
                path,
                staged: None,
            });
        }
        let pepper = match read(&staged)? {
            Some(pepper) => pepper,
            None if may_create => create(&staged)?,
            None => return Err(lost(&path, "is missing")),
        };
        Ok(Self {
            pepper,
            path,
            staged: Some(staged),
        })
    }

    /// Returns the path of the pepper after the first start.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a first start has finished with this pepper.
    pub(super) fn is_final(&self) -> bool {
        self.staged.is_none()
    }

    /// Marks the first start as finished: from now on the database must exist.
    pub(super) fn finish(&self) {
        if let Some(staged) = &self.staged {
            // If this fails the next start does it; failing here would lose the first key, which is shown once.
            drop(fs::rename(staged, &self.path));
        }
    }
}

fn read(path: &Path) -> Result<Option<Pepper>, StartError> {
    let bytes = files::read(path, OtherUsers::Nothing, MAX_BYTES)
        .map_err(|message| StartError::new(StartErrorKind::DataDir, message))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    decode(&bytes)
        .map(Some)
        .ok_or_else(|| lost(path, "is damaged"))
}

fn lost(path: &Path, what: &str) -> StartError {
    StartError::new(
        StartErrorKind::Damaged,
        Diagnostic::new(format!(
            "{} {what}; no key can be checked without it",
            path.display()
        ))
        .with_hint("restore it from your backup"),
    )
}

fn create(path: &Path) -> Result<Pepper, StartError> {
    let pepper = Pepper::generate()
        .map_err(|error| StartError::new(StartErrorKind::Internal, error.to_string()))?;
    let digits = Zeroizing::new(hex::encode(pepper.bytes()));
    let text = Zeroizing::new(format!("{PEPPER_ID} {}\n", *digits));
    write_private(path, text.as_bytes(), Replace::No).map_err(|error| {
        let shown = path.display();
        let failed = Diagnostic::new(format!("cannot write {shown}: {error}"))
            .with_hint("choose another directory with --data-dir");
        StartError::new(StartErrorKind::DataDir, failed)
    })?;
    Ok(pepper)
}

fn decode(bytes: &[u8]) -> Option<Pepper> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    let digits = text.strip_prefix(&format!("{PEPPER_ID} "))?;
    let bytes = Zeroizing::new(hex::decode(digits)?);
    bytes.as_slice().try_into().ok().map(Pepper::from_bytes)
}
