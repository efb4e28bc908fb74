//! The client and the tracer against a real server on a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod client;
mod config;
mod credentials;
mod in_memory;
mod keys;
mod network;
mod outage;
mod outage_variants;
mod security;
mod self_hosted;
mod tracer;
