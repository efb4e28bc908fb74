//! Defines the files that loading searches for, each with the result.

use std::path::{Path, PathBuf};

use crate::Source;

/// A file that loading searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveredFile {
    /// The source that the file belongs to.
    pub source: Source,
    /// The path of the file, or the first of its possible paths if none of them exists. It is `None` for a `.env` file
    /// if the caller names none.
    pub path: Option<PathBuf>,
    /// The result of the search.
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

    /// Creates the entry of the `.env` file if the caller names none.
    pub(crate) fn unnamed_dotenv() -> Self {
        Self {
            source: Source::DotEnv,
            path: None,
            state: FileState::Absent,
        }
    }
}

/// The result of the search for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// The file was read.
    Read,
    /// The file was read. It is in the working directory, and the user trusts it.
    Trusted,
    /// The file was read. It is in the working directory and not trusted, so that some settings are rejected.
    NotTrusted,
    /// The file does not exist.
    Absent,
    /// The file could not be read.
    Unreadable,
    /// The file is not used, because other users can change it.
    Unsafe,
    /// The file is not read, because another file takes precedence.
    Ignored,
    /// The file is not read, because another file has the same name with another extension.
    TwoSpellings,
}

impl FileState {
    /// Returns the text for users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trusted => "read, trusted",
            Self::NotTrusted => "read, not trusted",
            Self::Absent => "not found",
            Self::Unreadable => "not readable",
            Self::Unsafe => "not used, because other users can change it",
            Self::Ignored => "ignored",
            Self::TwoSpellings => "ambiguous (two extensions)",
        }
    }
}
