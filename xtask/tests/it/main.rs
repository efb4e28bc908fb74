//! The tasks as a person runs them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod demo;
mod man;
