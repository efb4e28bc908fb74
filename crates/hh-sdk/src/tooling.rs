//! Lower-level parts for programs that show and check settings, such as the CLI.
//!
//! The module loads the layers of settings before they are resolved, creates a client from settings that are already
//! loaded, and checks a connection in stages. Other programs need only [`HoneyHive`](crate::HoneyHive) and
//! [`HoneyHiveTracer`](crate::HoneyHiveTracer).

use crate::Options;

pub use crate::client::create_client;
pub use crate::raw::{RawResponse, send};
pub use crate::report::Severity;
pub use crate::resolve::{
    KEY_HELP, Layers, Resolved, layers, load_without_profile, probe, resolve, warnings,
};
pub use hh_transport::{
    Certificate, CertificateProblem, Connection, Handshake, Probe, ProbeResponse, Roots,
    TransportError, TransportErrorKind,
};
pub use http::Method;

/// Passes warnings and debug lines, each with its severity, to a function instead of standard error.
///
/// The function can run on the export thread of the tracer. If it panics, the panic is caught and the line is lost.
pub fn with_reporter(
    options: Options,
    reporter: impl Fn(Severity, &str) + Send + Sync + 'static,
) -> Options {
    options.with_lines(reporter)
}
