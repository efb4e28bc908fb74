//! Decodes a request to an input.

use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::error::Category;

use super::decoded::Decoded;
use super::join::{Form, Input, Wrapped};
use super::members::{RequestMember, path_members, query_members};
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
        let has_body = match self.body {
            BodyKind::Json => true,
            BodyKind::Optional => !body.is_empty(),
            BodyKind::None | BodyKind::Otlp => false,
        };
        if !has_body && self.method.uses_query() {
            members.extend(query_members(query.unwrap_or_default()));
        }
        // All requests are decoded in the same way, because each way is compiled for every operation.
        let body = if has_body { body } else { b"{}" };
        let wrapper = self.wrapper.filter(|_| has_body);
        let decoded = self.decode_json(&members, Form::new(wrapper), body);
        decoded.map_err(|DecodeError { kind, place }| DecodeError {
            kind: self.without_path(kind),
            place: place.filter(|_| has_body),
        })
    }

    /// Decodes an input from JSON text that a body contained in a string, see [`Decoded::Text`].
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind), without the place.
    pub fn decode_text<T: DeserializeOwned>(&self, text: &str) -> Result<T, DecodeErrorKind> {
        match self.decode_json(&[], Form::Plain, text.as_bytes()) {
            Ok(Decoded::Value(input)) => Ok(input),
            Ok(Decoded::Text(_)) => Err(DecodeErrorKind::WrongType),
            Err(error) => Err(error.kind),
        }
    }

    /// Decodes an input from JSON and members of the path or the query.
    fn decode_json<T: DeserializeOwned>(
        &self,
        members: &[RequestMember],
        form: Form,
        body: &[u8],
    ) -> Result<Decoded<T>, DecodeError> {
        let track = Track::new(self.dialect == Dialect::Legacy);
        let mut json = serde_json::Deserializer::from_slice(body);
        let tracked = Tracked {
            inner: &mut json,
            track: &track,
        };
        let decoded = self.read_input(members, form, tracked).map_err(in_body);
        if let Err(error) = &decoded
            && let Some(other) = form.after(&error.kind, self.dialect)
        {
            return self.decode_json(members, other, body);
        }
        let decoded = decoded?;
        json.end().map_err(|error| in_body(track.enter(error)))?;
        Ok(decoded)
    }

    /// Reads an input from the deserializer of a body and from members of the path or the query.
    pub(super) fn read_input<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        &self,
        members: &[RequestMember],
        form: Form,
        body: D,
    ) -> Result<Decoded<T>, D::Error> {
        let is_legacy = self.dialect == Dialect::Legacy;
        let input = Input {
            members,
            accepts_text: is_legacy && matches!(form, Form::Wrapped(_)),
            ignores_unknown: is_legacy,
            missing: match form {
                Form::Plain | Form::Wrapped(_) => None,
                Form::Unwrapped(wrapper) => Some(wrapper),
            },
            value: PhantomData,
        };
        match form {
            Form::Wrapped(wrapper) => Wrapped { wrapper, input }.deserialize(body),
            Form::Plain | Form::Unwrapped(_) => input.deserialize(body),
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
