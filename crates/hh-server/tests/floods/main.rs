//! Floods of requests, which must not block other clients: `cargo xtask soak floods`.
//!
//! They measure time and memory for many seconds, so that the usual tests do not include them. Each needs its own
//! process, because memory is measured for the whole process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its figures are printed"
)]

mod deletions;
mod load;
mod memory;
mod reads;
#[path = "../it/slow_client.rs"]
mod slow_client;
#[path = "../it/spans.rs"]
mod spans;
#[expect(dead_code, reason = "other test programs use the rest")]
#[path = "../it/support.rs"]
mod support;
mod writes;

use std::fmt::Display;

const MIB: usize = 1024 * 1024;

/// Prints the figures of a scenario.
fn figures(text: impl Display) {
    println!("soak: {text}");
}
