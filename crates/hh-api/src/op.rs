//! What an operation is.

use hh_auth::Need;

/// The operations there are. Exhaustive on purpose: a missing handler must not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a missing match arm must not compile"
)]
pub enum OpId {
    /// Tells that the server answers.
    Health,
    /// Tells who the key acts for.
    Whoami,
    /// Mints a key.
    CreateKey,
    /// Lists keys.
    ListKeys,
    /// Describes one key.
    GetKey,
    /// Revokes one key.
    RevokeKey,
    /// Mints the key that takes the place of another.
    RotateKey,
    /// Creates an owner.
    CreateOwner,
    /// Lists owners.
    ListOwners,
    /// Disables an owner and revokes their keys.
    DisableOwner,
    /// Creates a project.
    CreateProject,
    /// Lists projects.
    ListProjects,
    /// Starts a session.
    StartSession,
    /// Takes OTLP spans.
    ExportTraces,
    /// Reads events.
    ExportEvents,
    /// Merges into an event.
    UpdateEvent,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must handle every case")]
pub enum Access {
    /// Anybody, without a key.
    Open,
    /// Any valid key.
    AnyKey,
    /// A key whose level has this need.
    Need(Need),
    /// As `Need`, and any key if the path names that key or the one it replaces.
    Own(Need),
}

/// What repeating an operation would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// The same as doing it once.
    Safe,
    /// The same as doing it once, if both carry the same `Idempotency-Key`.
    Keyed,
    /// Possibly something twice.
    Unsafe,
    /// What OTLP says: only where a repetition is asked for or the connection broke.
    Otlp,
}

/// The HTTP methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle every case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One entry of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// Who may call it.
    pub access: Access,
    /// What repeating it would do.
    pub repeat: Repeat,
    /// Its method.
    pub method: Method,
    /// Its path; `{id}` stands for one segment.
    pub path: &'static str,
}

impl Operation {
    pub(crate) const fn new(
        method: Method,
        path: &'static str,
        access: Access,
        repeat: Repeat,
    ) -> Self {
        Self {
            access,
            repeat,
            method,
            path,
        }
    }
}
