//! Lower-level parts for programs that show and check settings, such as the CLI.
//!
//! The module loads the layers of settings before they are resolved, creates a client from settings that are already
//! loaded, and checks a connection in stages. Other programs need only [`HoneyHive`](crate::HoneyHive) and
//! [`HoneyHiveTracer`](crate::HoneyHiveTracer).

use bytes::Bytes;

use crate::{Error, HoneyHive, Options};

pub use crate::client::create_client;
pub use crate::report::Severity;
pub use crate::resolve::{
    KEY_HELP, Layers, Resolved, layers, load_without_profile, probe, resolve, warnings,
};
pub use hh_transport::{
    Certificate, CertificateProblem, Connection, Handshake, Probe, ProbeResponse, Roots,
    TransportError, TransportErrorKind,
};
pub use http::Method;

/// Sends a request that need not belong to an operation of this version, and returns the body of the response.
///
/// `target` is a path that begins with `/`, and optionally a query. It is appended to the base URL, so that the key is sent
/// to no other server. A body is sent as JSON. Only requests with the methods GET and HEAD are retried.
///
/// # Errors
/// The [errors of every call](HoneyHive#errors), and `Invalid` if `target` is not valid in a URL.
pub async fn send(
    client: &HoneyHive,
    method: Method,
    target: &str,
    body: Bytes,
) -> Result<Bytes, Error> {
    client.send_raw(method, target, body).await
}

/// Passes warnings and debug lines, each with its severity, to a function instead of standard error.
///
/// The function can run on the export thread of the tracer. If it panics, the panic is caught and the line is lost.
pub fn with_reporter(
    options: Options,
    reporter: impl Fn(Severity, &str) + Send + Sync + 'static,
) -> Options {
    options.with_lines(reporter)
}
