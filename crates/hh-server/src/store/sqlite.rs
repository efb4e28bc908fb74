//! Implements the store on SQLite, with one writer thread that commits in groups and readers that never wait for each
//! other.

mod check;
mod checkpoints;
mod deletions;
mod engine;
mod error;
mod events;
mod find_sessions;
mod first_start;
mod get_event;
mod idempotency_keys;
mod key_rows;
mod key_update;
mod keys;
mod large_bodies;
mod last_admin;
mod log_file;
mod log_limit;
mod merge;
mod open;
mod owner_rows;
mod owners;
mod pages;
mod patch;
mod projects;
mod reader;
mod reserve;
mod revocation;
mod rollups;
mod rotation;
mod schema;
mod session_rows;
mod sessions;
mod turns;
mod upgrade;
mod writer;

pub(super) use engine::Sqlite;
pub(super) use open::{Opened, open};

#[cfg(test)]
pub(crate) use rollups::check_counts;
#[cfg(test)]
mod tests;
