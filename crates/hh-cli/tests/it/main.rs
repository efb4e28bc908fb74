//! The program as a person runs it: real processes against a real server, in a home of their own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod auth;
mod completion;
mod config;
mod doctor;
mod features;
mod format;
mod help;
mod hostile;
mod keyring;
mod leaks;
mod logins;
mod logout;
mod output;
mod owners;
mod reads;
mod revealed;
mod rotate;
mod scan;
mod server;
mod stored;
mod unsafe_text;
