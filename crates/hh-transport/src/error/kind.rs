//! The kinds of a transport error, and the stages that can time out.

/// The kind of a [`TransportError`](crate::TransportError), by what a caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// Rejected before sending: plain HTTP to a host that is not a loopback address.
    Insecure,
    /// Rejected before sending: the request is invalid.
    InvalidRequest,
    /// No connection: the name does not resolve, the connection is refused, or it failed during the setup.
    Unreachable,
    /// The proxy cannot be reached, or does not connect to the server.
    Proxy,
    /// The certificate of the server is not trusted, or the server does not support TLS.
    Tls,
    /// No complete response was received in time; [`timeout_stage`](crate::TransportError::timeout_stage) names the
    /// stage.
    Timeout,
    /// The connection was lost after bytes of the request may have left.
    Interrupted,
    /// No usable key exists, or the server responded with 401.
    Unauthenticated,
    /// The server responded with 403.
    PermissionDenied,
    /// The server responded with 404.
    NotFound,
    /// The server responded with 409.
    Conflict,
    /// The server responded with 429, or a rate limit does not allow the request in time.
    RateLimited,
    /// The server responded with another 4xx, or with a 3xx: redirects are not followed.
    Rejected,
    /// The server responded with 5xx.
    Unavailable,
    /// The response is malformed, or its body exceeds the size limit.
    InvalidResponse,
    /// Anything else.
    Other,
}

/// The stage of a request that timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutStage {
    /// Setting up the connection, including name resolution and TLS.
    Connect,
    /// Waiting for the head of the response.
    FirstByte,
    /// Waiting for more of the response body.
    IdleRead,
    /// The whole call, including retries.
    Total,
}
