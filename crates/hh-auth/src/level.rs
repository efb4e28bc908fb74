//! Permission levels as sets of needs, and the projects a key applies to.

use std::collections::BTreeSet;
use std::fmt;

/// What an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Send telemetry.
    Ingest,
    /// Read projects, sessions and events.
    Read,
    /// Create and change data.
    Write,
    /// Manage projects, settings and keys.
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

/// A named set of needs; levels are sets, not ranks, so there is no order between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Telemetry only.
    IngestOnly,
    /// Reading only.
    ReadOnly,
    /// Reading, telemetry and changes.
    ReadWrite,
    /// Everything.
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

    /// Tells whether a need is in the set.
    #[must_use]
    pub fn allows(self, need: Need) -> bool {
        self.needs().contains(&need)
    }

    /// Tells whether every need of this level is one of the other's.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.needs().iter().all(|need| other.allows(*need))
    }

    /// Finds a level by its name on the wire.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IngestOnly => "ingest_only",
            Self::ReadOnly => "read_only",
            Self::ReadWrite => "read_write",
            Self::Admin => "admin",
        }
    }

    /// Returns the name that people see (see `docs/design/decisions.md#c3`).
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
    /// Wraps a number.
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

/// Where a key applies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Projects {
    /// Every project, those made later too.
    All,
    /// These and no others.
    Only(BTreeSet<ProjectId>),
}

impl Projects {
    /// Tells whether a project is one of them.
    #[must_use]
    pub fn contains(&self, project: ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&project),
        }
    }

    /// Tells whether all of these are among the other's.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(mine), Self::Only(theirs)) => mine.is_subset(theirs),
        }
    }
}
