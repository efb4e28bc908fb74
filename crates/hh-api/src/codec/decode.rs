//! Decodes a request to an input.

use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::value::{self, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::error::Category;

use super::decoded::Decoded;
use super::join::{Input, Wrapped};
use super::members::{MemberMap, RequestMember, path_members, query_members};
use super::tracked::{DecodeErrorKind, Failure, Track, Tracked};
use crate::{BodyKind, Dialect, Route};

/// The reason why a request cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The kind of the error.
    pub kind: DecodeErrorKind,
    /// The line and the column in the body, starting at 1; `None` if the error is not in the body.
    pub place: Option<(usize, usize)>,
}

impl Route {
    /// Returns the decoded value of a member of the path.
    #[must_use]
    pub fn path_value(&self, path: &str, name: &str) -> Option<String> {
        let mut members = path_members(self, path).into_iter();
        let member = members.find(|member| member.name == name)?;
        member.texts.into_iter().next()
    }

    /// Decodes the input of a request, and ignores the body if the route has none.
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind). The errors contain names of members, but no values of the request.
    pub fn decode<T: DeserializeOwned>(
        &self,
        path: &str,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Decoded<T>, DecodeError> {
        let mut members = path_members(self, path);
        let decoded = match self.body {
            BodyKind::Json => self.decode_body(&members, body),
            BodyKind::Optional if !body.is_empty() => self.decode_body(&members, body),
            BodyKind::None | BodyKind::Optional | BodyKind::Otlp => {
                if self.method.uses_query() {
                    members.extend(query_members(query.unwrap_or_default()));
                }
                decode_members(&members)
            }
        };
        decoded.map_err(|DecodeError { kind, place }| DecodeError {
            kind: self.without_path(kind),
            place,
        })
    }

    /// Decodes an input from JSON text that a body contained in a string, see [`Decoded::Text`].
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind), without the place.
    pub fn decode_text<T: DeserializeOwned>(&self, text: &str) -> Result<T, DecodeErrorKind> {
        let track = Track::new(self.dialect == Dialect::Legacy);
        let mut json = serde_json::Deserializer::from_str(text);
        let tracked = Tracked {
            inner: &mut json,
            track: &track,
        };
        let decoded = T::deserialize(tracked).map_err(|failure| failure.kind)?;
        json.end().map_err(|_| DecodeErrorKind::Syntax)?;
        Ok(decoded)
    }

    /// Decodes an input from a body and the members of the path.
    fn decode_body<T: DeserializeOwned>(
        &self,
        members: &[RequestMember],
        body: &[u8],
    ) -> Result<Decoded<T>, DecodeError> {
        let track = Track::new(self.dialect == Dialect::Legacy);
        let mut json = serde_json::Deserializer::from_slice(body);
        let tracked = Tracked {
            inner: &mut json,
            track: &track,
        };
        let decoded = self.read_input(members, tracked).map_err(in_body)?;
        json.end().map_err(|error| in_body(track.enter(error)))?;
        Ok(decoded)
    }

    /// Reads an input from the deserializer of a body and the members of the path.
    pub(super) fn read_input<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        &self,
        members: &[RequestMember],
        body: D,
    ) -> Result<Decoded<T>, D::Error> {
        let is_legacy = self.dialect == Dialect::Legacy;
        let input = Input {
            members,
            accepts_text: self.wrapper.is_some() && is_legacy,
            ignores_unknown: is_legacy,
            value: PhantomData,
        };
        match self.wrapper {
            Some(wrapper) => Wrapped { wrapper, input }.deserialize(body),
            None if members.is_empty() => T::deserialize(body).map(Decoded::Value),
            None => input.deserialize(body),
        }
    }

    /// Removes the members of the path from the names that an error lists, because they are not part of the body.
    pub(super) fn without_path(&self, mut kind: DecodeErrorKind) -> DecodeErrorKind {
        if let DecodeErrorKind::UnknownMember { expected, .. } = &mut kind {
            expected.retain(|name| self.path_members().all(|member| member != *name));
        }
        kind
    }
}

/// Decodes an input from members only.
fn decode_members<T: DeserializeOwned>(
    members: &[RequestMember],
) -> Result<Decoded<T>, DecodeError> {
    let map = MemberMap::<Failure<value::Error>>::new(members);
    let decoded = T::deserialize(MapAccessDeserializer::new(map));
    decoded.map(Decoded::Value).map_err(|failure| DecodeError {
        kind: failure.kind,
        place: None,
    })
}

/// Returns the error of a body, with its place.
fn in_body(failure: Failure<serde_json::Error>) -> DecodeError {
    let is_data = |error: &serde_json::Error| error.classify() == Category::Data;
    DecodeError {
        kind: match &failure.inner {
            Some(error) if !is_data(error) => DecodeErrorKind::Syntax,
            Some(_) | None => failure.kind,
        },
        place: failure.inner.map(|error| (error.line(), error.column())),
    }
}
