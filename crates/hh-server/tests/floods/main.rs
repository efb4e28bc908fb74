//! Floods of requests that must not keep others out: `cargo xtask soak floods`.
//!
//! They measure time and memory for many seconds, so that they are no part of the usual tests. Each needs a process of its
//! own, because memory is measured for the whole process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its figures are printed"
)]

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

/// Prints the figures of a scenario for the soak.
fn figures(text: impl Display) {
    println!("soak: {text}");
}
