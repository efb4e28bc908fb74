//! The members of an input that are in the path or the query, as text.

use std::marker::PhantomData;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::Deserializer;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::Route;
use crate::operation::path_member;

/// A member with its texts: one, or several of a list in the query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestMember {
    pub(super) name: String,
    pub(super) texts: Vec<String>,
}

/// Returns the members of a path that matches the route.
pub(super) fn path_members(route: &Route, path: &str) -> Vec<RequestMember> {
    let pattern = route.path.split('/').zip(path.split('/'));
    pattern
        .filter_map(|(pattern, segment)| {
            let name = path_member(pattern)?.to_owned();
            let text = percent_decode_str(segment).decode_utf8_lossy();
            let texts = vec![text.into_owned()];
            Some(RequestMember { name, texts })
        })
        .collect()
}

/// Returns the members of a query. A list is `name[]=a&name[]=b`; of a name without brackets, the first value counts.
pub(super) fn query_members(query: &str) -> Vec<RequestMember> {
    let mut members: Vec<RequestMember> = Vec::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let (name, value) = (decode_form(name), decode_form(value));
        let (name, is_list) = match name.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        match members.iter_mut().find(|member| member.name == name) {
            Some(member) if is_list => member.texts.push(value),
            Some(_) => {}
            None => members.push(RequestMember {
                name: name.to_owned(),
                texts: vec![value],
            }),
        }
    }
    members
}

fn decode_form(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Members as the entries of a map.
pub(super) struct MemberMap<'m, E> {
    rest: std::slice::Iter<'m, RequestMember>,
    value: Option<&'m RequestMember>,
    error: PhantomData<E>,
}

impl<'m, E> MemberMap<'m, E> {
    pub(super) fn new(members: &'m [RequestMember]) -> Self {
        Self {
            rest: members.iter(),
            value: None,
            error: PhantomData,
        }
    }

    /// Returns whether every name was read.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.as_slice().is_empty()
    }
}

impl<'de, E: Error> MapAccess<'de> for MemberMap<'_, E> {
    type Error = E;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, E> {
        self.value = self.rest.next();
        let name = self.value.map(|member| member.name.as_str());
        name.map(|name| seed.deserialize(StrDeserializer::new(name)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, E> {
        let member = self.value.take();
        let member = member.ok_or_else(|| E::custom("a value was asked for before its name"))?;
        seed.deserialize(Text::of(&member.name, &member.texts))
    }
}

/// The value of a member, read as the type that is asked for.
struct Text<'m, E> {
    name: &'m str,
    texts: &'m [String],
    error: PhantomData<E>,
}

impl<'m, E: Error> Text<'m, E> {
    fn of(name: &'m str, texts: &'m [String]) -> Self {
        Self {
            name,
            texts,
            error: PhantomData,
        }
    }

    fn text(&self) -> &'m str {
        self.texts.first().map_or("", String::as_str)
    }

    fn parse<T: FromStr>(&self, rule: &str) -> Result<T, E> {
        let invalid = |_| E::invalid_value(Unexpected::Other(self.name), &rule);
        self.text().parse().map_err(invalid)
    }
}

impl<'m, E: Error> IntoDeserializer<'_, E> for Text<'m, E> {
    type Deserializer = Text<'m, E>;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parse {
    ($($name:ident => $visit:ident, $rule:literal)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit(self.parse($rule)?)
        })*
    };
}

impl<'de, E: Error> Deserializer<'de> for Text<'_, E> {
    type Error = E;

    parse! {
        deserialize_bool => visit_bool, "true or false"
        deserialize_i64 => visit_i64, "a whole number"
        deserialize_u32 => visit_u32, "a whole number"
        deserialize_u64 => visit_u64, "a whole number"
        deserialize_f64 => visit_f64, "a number"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_str(self.text())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        let texts = self.texts.chunks(1);
        visitor.visit_seq(SeqDeserializer::new(
            texts.map(|text| Text::of(self.name, text)),
        ))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_enum(self.text().into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}
