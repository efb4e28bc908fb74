//! What must hold for any bytes: the checks of the fuzz targets.
//!
//! The integration tests of hh-config include this file as well and replay the committed corpora through it, so outside
//! of `transport` it uses nothing but hh-config and secrecy.

mod file_layer;
mod substitute;
// Not where a test includes this file: hh-config does not know hh-transport, whose own tests include that file.
#[cfg(not(test))]
#[path = "transport.rs"]
mod transport;

pub use file_layer::file_layer;
pub use substitute::substitute;
#[cfg(not(test))]
pub use transport::{problem_body, retry_after};
