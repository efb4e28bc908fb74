//! Implements the rules of the server as pure functions over plain data, without SQL, HTTP or a clock.

pub(crate) mod event_body;
pub(crate) mod event_ids;
pub(crate) mod event_limits;
pub(crate) mod event_schema;
pub(crate) mod event_view;
pub(crate) mod events;
pub(crate) mod filter;
pub(crate) mod histogram;
pub(crate) mod idempotency;
pub(crate) mod keys;
pub(crate) mod last_admin;
pub(crate) mod new_events;
mod refusal;
pub(crate) mod retention;
pub(crate) mod rotation;
pub(crate) mod sessions;
pub(crate) mod stored_body;
pub(crate) mod usage;
pub(crate) mod user_property;

pub(crate) use refusal::Refusal;
