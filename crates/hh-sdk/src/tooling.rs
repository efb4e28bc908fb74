//! Lower-level parts for programs that show and check settings, such as the CLI.
//!
//! The module provides the layers of settings before resolution, clients of settings that are already loaded, and the
//! stages of a connection. Other programs only need [`HoneyHive`](crate::HoneyHive) and
//! [`HoneyHiveTracer`](crate::HoneyHiveTracer).

pub use crate::client::create_client;
pub use crate::resolve::{
    Layers, Resolved, layers, load_without_profile, probe, resolve, warnings,
};
pub use hh_transport::{
    Certificate, CertificateProblem, Connection, Handshake, Probe, ProbeResponse, Roots,
    TransportError, TransportErrorKind,
};
