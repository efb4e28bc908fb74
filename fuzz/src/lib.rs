//! The checks of the fuzz targets, which must succeed for any bytes.
//!
//! The integration tests of hh-config also include this file and replay the committed corpora, so outside of `auth` and
//! `transport` it uses only hh-config and secrecy.

// These modules are excluded when the tests of hh-config include this file, because hh-config does not depend on their
// crates. The tests of those crates include the modules.
#[cfg(not(test))]
#[path = "auth.rs"]
mod auth;
mod file_layer;
mod substitute;
#[cfg(not(test))]
#[path = "transport.rs"]
mod transport;

#[cfg(not(test))]
pub use auth::{api_key_parse, credentials_file};
pub use file_layer::file_layer;
pub use substitute::substitute;
#[cfg(not(test))]
pub use transport::{problem_body, retry_after};
