//! Represents a stored body with its members as JSON text, so that a merge creates no values in memory.
//!
//! Decoded into values, 1 MiB of small objects needs more than 100 MiB of memory.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hh_api::types::Object;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Refusal;

/// The encoded form of an [`EventBody`](super::event_body::EventBody), with the same members in the same order.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct StoredBody<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    source: Option<Part<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Members::is_empty")]
    pub(super) config: Members<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    inputs: Option<Part<'a, Object>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    outputs: Option<Part<'a, Object>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Members::is_empty")]
    pub(super) metadata: Members<'a>,
    #[serde(borrow, skip_serializing_if = "Members::is_empty")]
    pub(super) metrics: Members<'a>,
    #[serde(borrow, skip_serializing_if = "Members::is_empty")]
    pub(super) feedback: Members<'a>,
    #[serde(borrow, skip_serializing_if = "Members::is_empty")]
    pub(super) user_properties: Members<'a>,
}

impl<'a> StoredBody<'a> {
    pub(super) fn parse(stored: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(stored).map_err(|_| Refusal::Damaged("the body of an event"))
    }

    pub(super) fn set_source(&mut self, source: &'a str) {
        self.source = (!source.is_empty()).then_some(Part::Sent(source));
    }

    pub(super) fn set_inputs(&mut self, inputs: &'a Object) {
        self.inputs = (!inputs.is_empty()).then_some(Part::Sent(inputs));
    }

    /// Sets the outputs, unless the body has some.
    pub(super) fn add_outputs(&mut self, outputs: &'a Object) {
        if self.outputs.is_none() {
            self.set_outputs(outputs);
        }
    }

    pub(super) fn set_outputs(&mut self, outputs: &'a Object) {
        self.outputs = (!outputs.is_empty()).then_some(Part::Sent(outputs));
    }
}

/// The members of an object.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Members<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, Part<'a, Value>>);

impl<'a> Members<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets members, and replaces those that exist.
    pub(super) fn set(&mut self, sent: &'a Object) {
        for (name, value) in sent {
            self.0.insert(Cow::Borrowed(name), Part::Sent(value));
        }
    }

    /// Adds members that do not exist yet.
    pub(super) fn add(&mut self, sent: &'a Object) {
        for (name, value) in sent {
            let entry = self.0.entry(Cow::Borrowed(name));
            entry.or_insert(Part::Sent(value));
        }
    }

    /// Returns whether all members of another stored object are members of this one.
    ///
    /// The encoded text is compared: equal values have the same text, because the server encoded both. Only -0.0 and
    /// 0.0 count as different values.
    pub(super) fn has_all(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, wanted)| {
            let found = self.0.get(name).and_then(Part::stored);
            found.is_some() && found == wanted.stored()
        })
    }
}

/// A stored value, or a value from the request.
enum Part<'a, T: ?Sized> {
    Stored(&'a RawValue),
    Sent(&'a T),
}

impl<T: ?Sized> Part<'_, T> {
    fn stored(&self) -> Option<&str> {
        match self {
            Self::Stored(value) => Some(value.get()),
            Self::Sent(_) => None,
        }
    }
}

impl<'de: 'a, 'a, T: ?Sized> Deserialize<'de> for Part<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self::Stored)
    }
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stored(value) => value.serialize(serializer),
            Self::Sent(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests;
