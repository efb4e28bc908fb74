//! Ignores the unknown members of structs that otherwise reject them, on routes whose clients may send more members.

use std::fmt;

use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// A visitor of a struct that can ignore unknown members.
pub(super) struct Known<V> {
    /// The names of the members of the struct.
    pub(super) fields: &'static [&'static str],
    pub(super) ignores_unknown: bool,
    /// The member that is missing if no known member is present.
    pub(super) missing: Option<&'static str>,
    pub(super) inner: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Known<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(KnownMembers {
            fields: self.fields,
            ignores_unknown: self.ignores_unknown,
            missing: self.missing,
            access,
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.inner.visit_str(text)
    }
}

/// The members of a map, without the unknown ones if they are ignored.
struct KnownMembers<A> {
    fields: &'static [&'static str],
    ignores_unknown: bool,
    /// The member that is missing if no known member was read.
    missing: Option<&'static str>,
    access: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KnownMembers<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        if !self.ignores_unknown {
            return self.access.next_key_seed(seed);
        }
        while let Some(name) = self.access.next_key::<String>()? {
            if self.fields.contains(&name.as_str()) {
                self.missing = None;
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            self.access.next_value::<IgnoredAny>()?;
        }
        match self.missing {
            Some(missing) => Err(A::Error::missing_field(missing)),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.access.next_value_seed(seed)
    }
}

/// A deserializer of a struct from a map, with or without its unknown members.
pub(super) struct StructMembers<A> {
    pub(super) access: A,
    pub(super) ignores_unknown: bool,
    /// The member that is missing if no member of the struct is present.
    pub(super) missing: Option<&'static str>,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for StructMembers<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        // The members of a flattened struct are not known, so no object can be identified as one.
        if let Some(missing) = self.missing {
            return Err(A::Error::missing_field(missing));
        }
        MapAccessDeserializer::new(self.access).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        inner: V,
    ) -> Result<V::Value, A::Error> {
        let known = Known {
            fields,
            ignores_unknown: self.ignores_unknown,
            missing: self.missing,
            inner,
        };
        known.visit_map(self.access)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
