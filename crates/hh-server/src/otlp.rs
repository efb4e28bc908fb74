//! Decodes OTLP traces and maps their spans to events.

mod decode;
mod map;

pub(crate) use crate::domain::event_ids::session_id;
pub(crate) use decode::{Encoding, decode};
pub(crate) use map::{MappedSpan, map};
