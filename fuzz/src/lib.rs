//! What must hold for any bytes: the checks of the fuzz targets.
//!
//! The integration tests of hh-config include this file as well and replay the committed corpora through it, so outside
//! of `auth` and `transport` it uses nothing but hh-config and secrecy.

// Not where a test includes this file: hh-config does not know these crates, whose own tests include the two files.
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
