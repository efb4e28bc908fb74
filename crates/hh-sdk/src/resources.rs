//! Implements the calls of the client, with one file for each resource. The other calls are in `client.rs`.

mod keys;
mod owners;
