//! The description of an operation: who may call it, whether it may be retried, and its routes.

use hh_auth::Need;

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must handle every case")]
pub enum Requirement {
    /// No key is required.
    Open,
    /// Any valid key.
    AnyKey,
    /// A key whose level has this need.
    Need(Need),
    /// As `Need`, and any key if the `{id}` of the path names that key or the one it replaces.
    Own(Need),
}

/// Whether a request may be sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Sending it twice has the same effect as sending it once.
    Safe,
    /// Sending it twice has the same effect as sending it once if both carry the same `Idempotency-Key`.
    Keyed,
    /// Sending it twice may do something twice.
    Never,
    /// The rules of OTLP: only on the statuses that ask for a retry, or after a broken connection.
    Otlp,
}

/// A kind of API key that clients use for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUse {
    /// An ingestion key (`hh_ingst_…`).
    Ingestion,
    /// A project key.
    Project,
    /// A fine-grained data plane key (`hh_fgdp_…`).
    DataPlane,
}

impl Retry {
    /// Returns the name in the reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Keyed => "keyed",
            Self::Never => "never",
            Self::Otlp => "otlp",
        }
    }
}

impl KeyUse {
    /// Returns the name in the reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Project => "project",
            Self::DataPlane => "data plane",
        }
    }
}

/// A generation of the API. Dialects differ in where ids stand, in wrapping and in null handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle every case")]
pub enum Dialect {
    /// Paths without a version.
    Legacy,
    /// Paths below `/v1`; the key determines the project.
    V1,
    /// Paths below `/v1/projects/{project_id}`.
    Scoped,
}

impl Dialect {
    /// Returns the name in the reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V1 => "v1",
            Self::Scoped => "scoped",
        }
    }
}

/// The HTTP methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle every case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
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
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Returns whether requests of this method carry their members in the query instead of a body.
    #[must_use]
    pub const fn uses_query(self) -> bool {
        matches!(self, Self::Get | Self::Delete)
    }
}

/// What the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle every case")]
pub enum BodyKind {
    /// There is no body; one that is sent is not read.
    None,
    /// A JSON object with the members of the input that are not in the path.
    Json,
    /// As `Json`; an empty body means that no member is given.
    Optional,
    /// An OTLP trace export in protobuf or JSON, which is not part of the input.
    Otlp,
}

/// One method and path by which an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The generation of the API it belongs to.
    pub dialect: Dialect,
    /// Its method.
    pub method: Method,
    /// Its path; `{member}` stands for one segment that holds this member of the input.
    pub path: &'static str,
    /// What the body is.
    pub body: BodyKind,
    /// The member of the body that holds the input, if it is not the body itself.
    pub wrapper: Option<&'static str>,
}

impl Route {
    pub(crate) const fn new(
        dialect: Dialect,
        method: Method,
        path: &'static str,
        body: BodyKind,
        wrapper: Option<&'static str>,
    ) -> Self {
        let body = match method {
            Method::Get | Method::Delete => BodyKind::None,
            Method::Post | Method::Put | Method::Patch => body,
        };
        Self {
            dialect,
            method,
            path,
            body,
            wrapper,
        }
    }

    /// Returns the members of the input that are part of the path, in the order of the path.
    pub fn path_members(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter_map(path_member)
    }
}

/// Returns the name of the member that a segment of a path pattern stands for.
pub(crate) fn path_member(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// One entry of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The resource that it belongs to.
    pub resource: &'static str,
    /// Its documentation, as Markdown.
    pub description: &'static str,
    /// Who may call it.
    pub need: Requirement,
    /// Whether it may be retried.
    pub retry: Retry,
    /// The kinds of keys that clients use for it, the preferred one first.
    pub keys: &'static [KeyUse],
    /// How it is called, never empty; the client uses the first.
    pub routes: &'static [Route],
}

impl Operation {
    /// Returns the route that the client uses.
    #[must_use]
    pub const fn route(&self) -> &'static Route {
        // The macro accepts no operation without a route.
        &self.routes[0]
    }
}
