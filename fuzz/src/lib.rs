//! Checks properties that hold for any input; the fuzz targets call these functions.
//!
//! The integration tests of hh-config also include this file and replay the committed corpora with it. Therefore, code
//! outside of `auth`, `filter`, `otlp` and `transport` uses only hh-config and secrecy.

// The tests of hh-config include this file, but hh-config does not depend on hh-auth, hh-api, hh-server and
// hh-transport. The tests of these crates include the four files.
#[cfg(not(test))]
#[path = "auth.rs"]
mod auth;
mod file_layer;
#[cfg(not(test))]
#[path = "filter.rs"]
mod filter;
#[cfg(not(test))]
#[path = "otlp.rs"]
mod otlp;
mod substitute;
#[cfg(not(test))]
#[path = "transport.rs"]
mod transport;

#[cfg(not(test))]
pub use auth::{api_key_parse, credentials_file};
pub use file_layer::file_layer;
#[cfg(not(test))]
pub use filter::event_filter;
#[cfg(not(test))]
pub use otlp::{otlp_json, otlp_pb};
pub use substitute::substitute;
#[cfg(not(test))]
pub use transport::{problem_body, retry_after};
