//! Parts for programs that show and check settings, such as the command line: layers before they are resolved, clients of
//! settings that are loaded already, and the stages of a connection. Other programs need [`HoneyHive`](crate::HoneyHive)
//! and [`HoneyHiveTracer`](crate::HoneyHiveTracer) alone.

pub use crate::client::create_client;
pub use crate::resolve::{
    Layers, Resolved, layers, load_without_profile, probe, resolve, warnings,
};
pub use hh_transport::{
    Certificate, CertificateProblem, Connection, Handshake, Probe, ProbeResponse, Roots,
    TransportError, TransportErrorKind,
};
