//! Joins the members of the path with a JSON body, and unwraps bodies.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Unexpected, Visitor,
};
use serde::{Deserialize, Deserializer};

use super::decoded::Decoded;
use super::known::StructMembers;
use super::members::{MemberMap, RequestMember};
use super::tracked::DecodeErrorKind;
use crate::Dialect;

/// The form of the input in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The body is the input.
    Plain,
    /// One member of the body, the wrapper, is the input.
    Wrapped(&'static str),
    /// The body is the input, although the route has a wrapper. The body must have a member of the input; otherwise, the
    /// wrapper is missing.
    Unwrapped(&'static str),
}

impl Form {
    /// Returns the form of the bodies of a route.
    pub(super) fn new(wrapper: Option<&'static str>) -> Self {
        wrapper.map_or(Self::Plain, Self::Wrapped)
    }

    /// Returns the form to try after an error: on legacy routes, a body without the wrapper can be the input.
    pub(super) fn after(self, error: &DecodeErrorKind, dialect: Dialect) -> Option<Self> {
        let Self::Wrapped(wrapper) = self else {
            return None;
        };
        let is_missing = *error == DecodeErrorKind::MissingMember(wrapper);
        (is_missing && dialect == Dialect::Legacy).then_some(Self::Unwrapped(wrapper))
    }
}

/// A seed that reads an input from the members of the path and those of a JSON object.
pub(super) struct Input<'m, T> {
    /// The members of the path.
    pub(super) members: &'m [RequestMember],
    /// Whether a string with JSON text is accepted instead of the object.
    pub(super) accepts_text: bool,
    /// Whether unknown members are ignored, even if the type of the input rejects them.
    pub(super) ignores_unknown: bool,
    /// The member that is missing if no member of the input is present.
    pub(super) missing: Option<&'static str>,
    pub(super) value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Input<'_, T> {
    type Value = Decoded<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decoded<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Input<'_, T> {
    type Value = Decoded<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, body: A) -> Result<Decoded<T>, A::Error> {
        let joined = Joined {
            members: self.members,
            first: Some(MemberMap::new(self.members)),
            body,
        };
        let members = StructMembers {
            access: joined,
            ignores_unknown: self.ignores_unknown,
            missing: self.missing,
        };
        T::deserialize(members).map(Decoded::Value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decoded<T>, E> {
        if self.accepts_text {
            Ok(Decoded::Text(text.to_owned()))
        } else {
            Err(E::invalid_type(Unexpected::Str(""), &self))
        }
    }
}

/// A map of the members of the path, followed by those of the body.
struct Joined<'m, A, E> {
    members: &'m [RequestMember],
    /// The members of the path that were not read yet; `None` while the body is read.
    first: Option<MemberMap<'m, E>>,
    body: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Joined<'_, A, A::Error> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        if let Some(first) = self.first.as_mut().filter(|first| !first.is_empty()) {
            return first.next_key_seed(seed);
        }
        self.first = None;
        self.body.next_key_seed(BodyName {
            members: self.members,
            seed,
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match &mut self.first {
            Some(first) => first.next_value_seed(seed),
            None => self.body.next_value_seed(seed),
        }
    }
}

/// A seed for the name of a member of the body, which rejects the members of the path.
struct BodyName<'m, S> {
    members: &'m [RequestMember],
    seed: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for BodyName<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        if self.members.is_empty() {
            return self.seed.deserialize(deserializer);
        }
        let name = String::deserialize(deserializer)?;
        if self.members.iter().any(|member| member.name == name) {
            return Err(D::Error::unknown_field(&name, &[]));
        }
        self.seed.deserialize(name.into_deserializer())
    }
}

/// A seed that reads an input from one member of a JSON object and ignores the other members.
pub(super) struct Wrapped<'m, T> {
    pub(super) wrapper: &'static str,
    pub(super) input: Input<'m, T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Wrapped<'_, T> {
    type Value = Decoded<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decoded<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Wrapped<'_, T> {
    type Value = Decoded<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut body: A) -> Result<Decoded<T>, A::Error> {
        let (mut input, mut decoded) = (Some(self.input), None);
        while let Some(name) = body.next_key::<String>()? {
            if name == self.wrapper {
                let input = input.take();
                let input = input.ok_or_else(|| A::Error::duplicate_field(self.wrapper))?;
                decoded = Some(body.next_value_seed(input)?);
            } else {
                body.next_value::<IgnoredAny>()?;
            }
        }
        decoded.ok_or_else(|| A::Error::missing_field(self.wrapper))
    }
}
