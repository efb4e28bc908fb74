//! Implements the calls of the client, with one file for each resource. The other calls are in `client.rs`.

mod deletion;
mod event_pages;
mod event_position;
mod event_query;
mod events;
mod keys;
mod owners;
mod sessions;

pub use event_pages::EventPages;
pub use event_position::EventPosition;
pub use event_query::EventQuery;
pub use events::Events;
pub use sessions::Sessions;
