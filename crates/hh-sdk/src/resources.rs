//! Implements the calls of the client, with one file for each resource. The other calls are in `client.rs`.

mod deletion;
mod event_query;
mod events;
mod keys;
mod owners;
mod sessions;

pub use event_query::{EventPages, EventQuery};
pub use events::Events;
pub use sessions::Sessions;
