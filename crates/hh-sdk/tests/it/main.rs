//! The client and the tracer against a real server on a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod builders;
mod client;
mod config;
mod credentials;
mod deletions;
mod events;
mod in_memory;
mod key_info;
mod keys;
mod network;
mod outage;
mod outage_variants;
mod pipes;
mod runtime;
mod security;
mod self_hosted;
mod shutdown;
mod tracer;
