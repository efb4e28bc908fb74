//! Helpers for the tests of several crates. They depend on no other crate of the workspace, so every crate can use them.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails by panicking"
)]

mod authority;
mod command;
mod corpus;
mod env;
mod http_server;
mod idle;
mod poll;
mod process;

pub use authority::{CertificateAuthority, SelfSigned, server_config};
pub use command::{RunOutput, run, run_with_input};
pub use corpus::replay;
pub use env::{TestEnv, write};
pub use http_server::{HttpServer, Reply, Request, response, response_bytes};
pub use idle::{FilteredPort, IdleListener, closed_address};
pub use poll::{PATIENCE, poll_until, rounds};
pub use process::ServerProcess;
pub use rcgen;
pub use tokio_rustls::rustls::ServerConfig;
