//! The description of an operation: required permission, retry rule, kinds of keys and routes.

use hh_auth::Need;

/// The permission that an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must handle every case")]
pub enum Requirement {
    /// No key is required.
    Open,
    /// Any valid key.
    AnyKey,
    /// A key whose level includes this need.
    Need(Need),
    /// A key whose level includes this need, or the key with the `{id}` of the path, or the key that replaces it.
    Own(Need),
}

/// The rule for retries of a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The request is idempotent and can be retried.
    Safe,
    /// The request can be retried with the same `Idempotency-Key`.
    Keyed,
    /// The request must not be retried.
    Never,
    /// The rules of OTLP apply: retry after a retryable status or a broken connection.
    Otlp,
}

/// A kind of API key that a client uses for an operation.
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
    /// Returns the name in the reference documentation.
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
    /// Returns the name in the reference documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Project => "project",
            Self::DataPlane => "data plane",
        }
    }
}

/// A generation of the API. Dialects differ in the location of ids, in wrapper members and in the handling of null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle every case"
)]
pub enum Dialect {
    /// Paths without a version, such as `/session/start`.
    Legacy,
    /// Paths below `/v1`. The key determines the project.
    V1,
    /// Paths below `/v1/projects/{project_id}`.
    Scoped,
}

impl Dialect {
    /// Returns the name in the reference documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V1 => "v1",
            Self::Scoped => "scoped",
        }
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle every case"
)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
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

    /// Returns whether requests with this method have their members in the query instead of a body.
    #[must_use]
    pub const fn uses_query(self) -> bool {
        matches!(self, Self::Get | Self::Delete)
    }
}

/// The kind of the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle every case"
)]
pub enum BodyKind {
    /// No body; a server ignores one.
    None,
    /// A JSON object with the members of the input that are not in the path.
    Json,
    /// The same as `Json`, or an empty body, which means an object without members.
    Optional,
    /// An OTLP trace export in protobuf or JSON, which is not part of the input.
    Otlp,
}

/// A method and a path of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The generation of the API.
    pub dialect: Dialect,
    /// The method.
    pub method: Method,
    /// The path, in which `{member}` is a segment with the value of this member of the input.
    pub path: &'static str,
    /// The kind of the body.
    pub body: BodyKind,
    /// The member of the body that contains the input; `None` if the body is the input.
    pub wrapper: Option<&'static str>,
}

impl Route {
    /// Creates a route; GET and DELETE have no body.
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

    /// Returns the names of the members that are in the path, in their order.
    pub fn path_members(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter_map(path_member)
    }
}

/// Returns the name of the member in a segment of a path pattern; `None` for a literal segment.
pub(crate) fn path_member(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// An entry of the table of operations.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The name of the resource, such as `keys`.
    pub resource: &'static str,
    /// The description, as Markdown.
    pub description: &'static str,
    /// The required permission.
    pub need: Requirement,
    /// The retry rule.
    pub retry: Retry,
    /// The kinds of keys that clients use, the preferred one first.
    pub keys: &'static [KeyUse],
    /// The routes, at least one. The client uses the first.
    pub routes: &'static [Route],
}

impl Operation {
    /// Returns the route that the client uses.
    #[must_use]
    pub const fn route(&self) -> &'static Route {
        // The macro rejects an operation without a route.
        &self.routes[0]
    }
}
