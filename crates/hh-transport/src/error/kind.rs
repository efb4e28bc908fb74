//! The kinds of a transport error, and the stages that can time out.

/// The kind of a [`TransportError`](crate::TransportError). A caller can handle all errors of a kind in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The client rejected the request, because it uses plain HTTP to a host that is neither a loopback
    /// address nor explicitly allowed.
    Insecure,
    /// The client rejected the request, or a part of it such as an idempotency key, because it is invalid.
    InvalidRequest,
    /// The connection could not be established: the name does not resolve, the connection was refused, or it was lost
    /// during its setup.
    Unreachable,
    /// The proxy cannot be reached, is not trusted, or does not connect to the server.
    Proxy,
    /// The certificate of the server is not trusted, the server does not support TLS, or the file of trusted
    /// certificates is unusable.
    Tls,
    /// No complete response was received in time; [`timeout_stage`](crate::TransportError::timeout_stage) names the
    /// stage.
    Timeout,
    /// The connection was lost, and a part of the request may have been sent.
    Interrupted,
    /// No usable key exists, or the server responded with 401.
    Unauthenticated,
    /// The server responded with 403.
    PermissionDenied,
    /// The server responded with 404.
    NotFound,
    /// The server responded with 409.
    Conflict,
    /// The server responded with 429, or a rate limit requires a longer wait than the
    /// [maximum](crate::RetryPolicy::with_max_wait).
    RateLimited,
    /// The server responded with another 4xx status, or with a 3xx status, because redirects are not followed.
    Rejected,
    /// The server responded with a 5xx status.
    Unavailable,
    /// The response is malformed, its body exceeds the size limit, or it is a web page although the `accept` header of
    /// the request does not contain `html`.
    InvalidResponse,
    /// Anything else.
    Other,
}

/// The stage of a request that timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutStage {
    /// The setup of the connection, including name resolution, proxy and TLS.
    Connect,
    /// The wait for the head of the response.
    FirstByte,
    /// The wait for the next part of the response body.
    IdleRead,
    /// The whole call, including retries.
    Total,
}
