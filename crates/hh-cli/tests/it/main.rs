//! The program from the command line: real processes against a real server, each in its own home.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod auth;
mod completion;
mod config;
mod deletions;
mod doctor;
mod events;
mod features;
mod first_use;
mod format;
mod guesses;
mod help;
mod hostile;
mod keyring;
mod leaks;
mod logins;
mod logout;
mod mistakes;
mod output;
mod owners;
mod proxies;
mod raw_requests;
mod reads;
mod revealed;
mod rotate;
mod scan;
mod server;
mod stored;
mod terminal;
mod unsafe_text;
