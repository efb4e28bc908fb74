//! What must hold for any bytes: the checks of the fuzz targets.
//!
//! The integration tests of hh-config include this file as well and replay the committed corpora through it, so it uses
//! nothing but hh-config and secrecy.

mod file_layer;
mod substitute;

pub use file_layer::file_layer;
pub use substitute::substitute;
