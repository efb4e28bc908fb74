//! Tests of the tasks, which run the program.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod demo;
mod man;
