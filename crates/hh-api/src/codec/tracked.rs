//! A deserializer that returns errors as data.
//!
//! The error of a JSON deserializer is a text that quotes values of the request. This wrapper passes every call to the
//! inner deserializer, and records the violated rule before the inner deserializer converts it to text.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::Deserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};

use super::known::Known;

/// The kind of a decoding error. It contains names of members and rules, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the server has a message for every case"
)]
pub enum DecodeErrorKind {
    /// The body is not JSON.
    Syntax,
    /// The operation does not have a member with this name.
    UnknownMember {
        /// The name, as the client sent it.
        name: String,
        /// The members that the operation has.
        expected: Vec<&'static str>,
    },
    /// A required member is missing.
    MissingMember(&'static str),
    /// A member violates a rule.
    Rule {
        /// The name of the member.
        member: String,
        /// A description of valid values.
        rule: String,
    },
    /// A value has the wrong type.
    WrongType,
    /// The value of the member with this name has the wrong type.
    WrongMember(String),
    /// Lists and objects are nested too deeply.
    TooDeep,
}

/// An error with its kind. `inner` is the error of the inner deserializer, if it returned one.
#[derive(Debug)]
pub(super) struct Failure<E> {
    pub(super) kind: DecodeErrorKind,
    pub(super) inner: Option<E>,
}

impl<E> Failure<E> {
    /// Creates an error without an inner error.
    pub(super) fn new(kind: DecodeErrorKind) -> Self {
        Self { kind, inner: None }
    }
}

impl<E> Display for Failure<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.kind)
    }
}

impl<E: std::error::Error> std::error::Error for Failure<E> {}

impl<E: Error> Error for Failure<E> {
    fn custom<T: Display>(_: T) -> Self {
        Self::new(DecodeErrorKind::WrongType)
    }

    /// Returns a violated rule if a type of this crate names it by `Unexpected::Other(member)`. Other errors may quote
    /// a value, so their text is discarded.
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let Unexpected::Other(member) = unexpected else {
            return Self::new(DecodeErrorKind::WrongType);
        };
        Self::new(DecodeErrorKind::Rule {
            member: member.to_owned(),
            rule: expected.to_string(),
        })
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        Self::new(DecodeErrorKind::UnknownMember {
            name: name.to_owned(),
            expected: expected.to_vec(),
        })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(DecodeErrorKind::MissingMember(name))
    }
}

/// The kind of the error that currently passes through the inner deserializer.
pub(super) struct Track {
    kind: Cell<Option<DecodeErrorKind>>,
    /// Whether structs ignore unknown members, even if their type rejects them.
    ignores_unknown: bool,
}

impl Track {
    /// Creates a track without an error.
    pub(super) fn new(ignores_unknown: bool) -> Self {
        Self {
            kind: Cell::default(),
            ignores_unknown,
        }
    }

    /// Converts an error of the inner deserializer.
    pub(super) fn enter<E>(&self, inner: E) -> Failure<E> {
        Failure {
            kind: self.kind.take().unwrap_or(DecodeErrorKind::WrongType),
            inner: Some(inner),
        }
    }

    /// Passes an error to the inner deserializer, which adds its place.
    fn leave<E: Error>(&self, failure: Failure<E>) -> E {
        self.kind.set(Some(failure.kind));
        failure.inner.unwrap_or_else(|| E::custom(""))
    }
}

/// A wrapped deserializer, visitor, seed or access.
pub(super) struct Tracked<'t, T> {
    pub(super) inner: T,
    pub(super) track: &'t Track,
}

impl<'t, T> Tracked<'t, T> {
    /// Wraps another value with the same track.
    fn wrap<U>(&self, inner: U) -> Tracked<'t, U> {
        let track = self.track;
        Tracked { inner, track }
    }
}

/// Implements methods of a deserializer.
macro_rules! forward_deserialize {
    ($($name:ident($($argument:ident: $type:ty),*))*) => {
        $(fn $name<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let (track, visitor) = (self.track, self.wrap(visitor));
            self.inner.$name($($argument,)* visitor).map_err(|error| track.enter(error))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tracked<'_, D> {
    type Error = Failure<D::Error>;

    forward_deserialize! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_map()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let track = self.track;
        let visitor = self.wrap(Known {
            fields,
            ignores_unknown: track.ignores_unknown,
            missing: None,
            inner: visitor,
        });
        let visited = self.inner.deserialize_struct(name, fields, visitor);
        visited.map_err(|error| track.enter(error))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Implements methods of a visitor for plain values.
macro_rules! forward_visit {
    ($($name:ident($type:ty))*) => {
        $(fn $name<E: Error>(self, value: $type) -> Result<Self::Value, E> {
            let track = self.track;
            self.inner.$name(value).map_err(|failure| track.leave(failure))
        })*
    };
}

/// Implements methods of a visitor for compound values.
macro_rules! forward_visit_access {
    ($($name:ident<$access:ident: $bound:path>)*) => {
        $(fn $name<$access: $bound>(self, access: $access) -> Result<Self::Value, $access::Error> {
            let (track, access) = (self.track, self.wrap(access));
            self.inner.$name(access).map_err(|failure| track.leave(failure))
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Tracked<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    forward_visit! {
        visit_bool(bool)
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_f32(f32) visit_f64(f64) visit_char(char)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        let track = self.track;
        self.inner
            .visit_none()
            .map_err(|failure| track.leave(failure))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        let track = self.track;
        self.inner
            .visit_unit()
            .map_err(|failure| track.leave(failure))
    }

    forward_visit_access! {
        visit_some<D: Deserializer<'de>>
        visit_newtype_struct<D: Deserializer<'de>>
        visit_seq<A: SeqAccess<'de>>
        visit_map<A: MapAccess<'de>>
        visit_enum<A: EnumAccess<'de>>
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tracked<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let (track, deserializer) = (self.track, self.wrap(deserializer));
        self.inner
            .deserialize(deserializer)
            .map_err(|failure| track.leave(failure))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Tracked<'_, A> {
    type Error = Failure<A::Error>;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Self::Error> {
        let (track, seed) = (self.track, self.wrap(seed));
        self.inner
            .next_element_seed(seed)
            .map_err(|error| track.enter(error))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Tracked<'_, A> {
    type Error = Failure<A::Error>;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Self::Error> {
        let (track, seed) = (self.track, self.wrap(seed));
        self.inner
            .next_key_seed(seed)
            .map_err(|error| track.enter(error))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        let (track, seed) = (self.track, self.wrap(seed));
        self.inner
            .next_value_seed(seed)
            .map_err(|error| track.enter(error))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 't, A: EnumAccess<'de>> EnumAccess<'de> for Tracked<'t, A> {
    type Error = Failure<A::Error>;
    type Variant = Tracked<'t, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Self::Error> {
        let (track, seed) = (self.track, self.wrap(seed));
        let (value, inner) = self
            .inner
            .variant_seed(seed)
            .map_err(|error| track.enter(error))?;
        Ok((value, Tracked { inner, track }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Tracked<'_, A> {
    type Error = Failure<A::Error>;

    fn unit_variant(self) -> Result<(), Self::Error> {
        let track = self.track;
        self.inner
            .unit_variant()
            .map_err(|error| track.enter(error))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        let (track, seed) = (self.track, self.wrap(seed));
        self.inner
            .newtype_variant_seed(seed)
            .map_err(|error| track.enter(error))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let (track, visitor) = (self.track, self.wrap(visitor));
        self.inner
            .tuple_variant(length, visitor)
            .map_err(|error| track.enter(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let (track, visitor) = (self.track, self.wrap(visitor));
        self.inner
            .struct_variant(fields, visitor)
            .map_err(|error| track.enter(error))
    }
}
