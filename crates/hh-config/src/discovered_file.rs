//! The files that loading looked for, each with the result.

use std::path::{Path, PathBuf};

use crate::Source;

/// A file that loading looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveredFile {
    /// The source that the file belongs to.
    pub source: Source,
    /// The file, or the first of its possible paths if none exists; `None` if it is read only when named.
    pub path: Option<PathBuf>,
    /// The result.
    pub state: FileState,
}

impl DiscoveredFile {
    pub(crate) fn new(source: Source, path: &Path, state: FileState) -> Self {
        Self {
            source,
            path: Some(path.to_owned()),
            state,
        }
    }

    pub(crate) fn dotenv(path: Option<PathBuf>) -> Self {
        let state = match &path {
            None => FileState::Absent,
            Some(path) if path.is_file() => FileState::Read,
            Some(_) => FileState::Unreadable,
        };
        Self {
            source: Source::DotEnv,
            path,
            state,
        }
    }
}

/// The result of looking for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// It was read.
    Read,
    /// It was read; it is in the working directory, and the user trusts it.
    Trusted,
    /// It was read; it is in the working directory and not trusted, so it may not set everything.
    NotTrusted,
    /// It does not exist.
    Absent,
    /// It could not be read.
    Unreadable,
    /// It is not used, since other users can change it.
    Unsafe,
    /// It is not read, since another file takes precedence.
    Ignored,
    /// It is not read, since it exists under two names.
    TwoSpellings,
}

impl FileState {
    /// Returns the text that is shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trusted => "read, trusted",
            Self::NotTrusted => "read, not trusted",
            Self::Absent => "not there",
            Self::Unreadable => "not readable",
            Self::Unsafe => "not used, other users can change it",
            Self::Ignored => "not read",
            Self::TwoSpellings => "there in two spellings",
        }
    }
}
