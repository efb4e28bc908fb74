//! Rules as pure functions: no SQL, no HTTP, no clock.

pub(crate) mod event_limits;
