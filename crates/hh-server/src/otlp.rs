//! Decodes OTLP traces and maps their spans to events.

mod encoding;
mod group;
mod map;
mod protobuf;
mod receive;
mod rejections;

pub(crate) use crate::domain::event_ids::session_id;
pub(crate) use encoding::Encoding;
pub(crate) use map::MappedSpan;
pub(crate) use protobuf::{encode_partial_success, encode_status};
pub(crate) use receive::{Arrival, Received, receive};
pub(crate) use rejections::Rejections;
