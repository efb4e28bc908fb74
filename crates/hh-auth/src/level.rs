//! Permission levels as sets of needs, and the projects a key applies to.

use std::collections::BTreeSet;
use std::fmt;

/// A permission that an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Permission to send telemetry.
    Ingest,
    /// Permission to read projects, sessions and events.
    Read,
    /// Permission to create and change data.
    Write,
    /// Permission to manage projects, settings and keys.
    Admin,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        })
    }
}

/// A named set of needs. Levels have no order: for example, neither `IngestOnly` nor `ReadOnly` includes the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Permission to send telemetry only.
    IngestOnly,
    /// Permission to read only.
    ReadOnly,
    /// Permission to send telemetry, and to read, create and change data.
    ReadWrite,
    /// All permissions.
    Admin,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 4] = [
        Self::IngestOnly,
        Self::ReadOnly,
        Self::ReadWrite,
        Self::Admin,
    ];

    /// Returns the needs in the set.
    #[must_use]
    pub fn needs(self) -> &'static [Need] {
        match self {
            Self::IngestOnly => &[Need::Ingest],
            Self::ReadOnly => &[Need::Read],
            Self::ReadWrite => &[Need::Ingest, Need::Read, Need::Write],
            Self::Admin => &[Need::Ingest, Need::Read, Need::Write, Need::Admin],
        }
    }

    /// Returns whether a need is in the set.
    #[must_use]
    pub fn allows(self, need: Need) -> bool {
        self.needs().contains(&need)
    }

    /// Returns whether the other level includes every need of this level.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.needs().iter().all(|need| other.allows(*need))
    }

    /// Returns the level with this name in the API; `None` for an unknown name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// Returns the name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IngestOnly => "ingest_only",
            Self::ReadOnly => "read_only",
            Self::ReadWrite => "read_write",
            Self::Admin => "admin",
        }
    }

    /// Returns the display name (see `docs/design/decisions.md#c3`).
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::IngestOnly => "Ingest Only",
            Self::ReadOnly => "Read Only",
            Self::ReadWrite => "Read/Write",
            Self::Admin => "Admin",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The number of a project within one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(i64);

impl ProjectId {
    /// Creates an id from its number.
    #[must_use]
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

/// The projects that a key applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Projects {
    /// Every project, including future projects.
    All,
    /// Only these projects.
    Only(BTreeSet<ProjectId>),
}

impl Projects {
    /// Returns whether a project is included.
    #[must_use]
    pub fn contains(&self, project: ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&project),
        }
    }

    /// Returns whether the other set includes all of these projects.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(mine), Self::Only(theirs)) => mine.is_subset(theirs),
        }
    }
}
