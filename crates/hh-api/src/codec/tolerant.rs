//! A deserializer of JSON that accepts unusual values.
//!
//! Half of a surrogate pair and invalid UTF-8 become U+FFFD. A number that a JSON number of 64 bits or a double cannot
//! represent becomes its text.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::value::{CowStrDeserializer, Error as ValueError};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::known::Known;
use super::tracked::{DecodeErrorKind, Failure};
use crate::json::{self, Parser, Scalar, Stop};

/// The maximum depth of lists and objects in a body. Stored values are two levels deeper in a list of events, and JSON
/// parsers stop at 128.
pub const MAX_DEPTH: usize = 100;

/// The error of a tolerant deserializer. Its place is the position of the parser.
pub(super) type TolerantError = Failure<ValueError>;

impl From<Stop> for TolerantError {
    fn from(_: Stop) -> Self {
        Self::new(DecodeErrorKind::Syntax)
    }
}

/// Reads the items of some lists of an object.
pub(super) trait ItemLists<'de> {
    /// Reads the list that is the next value, if its items are read one by one.
    fn read(&mut self, parser: &mut Parser<'de>, name: &str) -> Result<bool, TolerantError>;
}

/// A deserializer of the next value of a parser.
pub(super) struct Tolerant<'p, 'l, 'de> {
    pub(super) parser: &'p mut Parser<'de>,
    /// Whether structs ignore unknown members, even if their type rejects them.
    pub(super) ignores_unknown: bool,
    /// The number of lists and objects around the value.
    pub(super) depth: usize,
    /// The lists among the members of the value whose items are read one by one.
    pub(super) lists: Option<&'l mut dyn ItemLists<'de>>,
}

impl<'p, 'l, 'de> Tolerant<'p, 'l, 'de> {
    /// Returns the access to the items or members of a list or an object.
    fn open(self, bracket: u8) -> Result<Nested<'p, 'l, 'de>, TolerantError> {
        if self.depth == MAX_DEPTH {
            return Err(Failure::new(DecodeErrorKind::TooDeep));
        }
        self.parser.expect(bracket)?;
        Ok(Nested {
            parser: self.parser,
            ignores_unknown: self.ignores_unknown,
            depth: self.depth + 1,
            lists: self.lists,
            is_first: true,
            name: 0,
        })
    }
}

impl<'de> Deserializer<'de> for Tolerant<'_, '_, 'de> {
    type Error = TolerantError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TolerantError> {
        match self.parser.peek()? {
            b'{' => return visitor.visit_map(self.open(b'{')?),
            b'[' => return visitor.visit_seq(self.open(b'[')?),
            _ => {}
        }
        match self.parser.scalar()? {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(flag) => visitor.visit_bool(flag),
            Scalar::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Scalar::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Scalar::Number(digits) => visit_number(&json::number(digits), visitor),
            // Lists and objects are read above.
            Scalar::Other(_) => Err(Failure::new(DecodeErrorKind::WrongType)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TolerantError> {
        if self.parser.null()? {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    /// Reads a number as the nearest double, which may be infinite.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TolerantError> {
        if !matches!(self.parser.peek()?, b'-' | b'0'..=b'9') {
            return self.deserialize_any(visitor);
        }
        if let Scalar::Number(digits) = self.parser.scalar()?
            && let Ok(number) = digits.parse()
        {
            return visitor.visit_f64(number);
        }
        Err(Failure::new(DecodeErrorKind::WrongType))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TolerantError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        inner: V,
    ) -> Result<V::Value, TolerantError> {
        let ignores_unknown = self.ignores_unknown;
        self.deserialize_any(Known {
            fields,
            ignores_unknown,
            missing: None,
            inner,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, TolerantError> {
        self.parser.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier
    }
}

/// Passes a number to a visitor, or its text.
fn visit_number<'de, V: Visitor<'de>>(
    number: &Value,
    visitor: V,
) -> Result<V::Value, TolerantError> {
    if let Some(number) = number.as_u64() {
        visitor.visit_u64(number)
    } else if let Some(number) = number.as_i64() {
        visitor.visit_i64(number)
    } else if let Some(number) = number.as_f64() {
        visitor.visit_f64(number)
    } else {
        visitor.visit_str(number.as_str().unwrap_or_default())
    }
}

/// The access to the rest of a list or an object.
struct Nested<'p, 'l, 'de> {
    parser: &'p mut Parser<'de>,
    ignores_unknown: bool,
    /// The number of lists and objects around an item or a value.
    depth: usize,
    lists: Option<&'l mut dyn ItemLists<'de>>,
    is_first: bool,
    /// The position of the name of the current member.
    name: usize,
}

impl<'de> Nested<'_, '_, 'de> {
    /// Returns whether another item or member follows.
    fn advance(&mut self, end: u8) -> Result<bool, TolerantError> {
        if !std::mem::replace(&mut self.is_first, false) {
            return Ok(!self.parser.is_closed(end)?);
        }
        if self.parser.peek()? == end {
            self.parser.expect(end)?;
            return Ok(false);
        }
        Ok(true)
    }

    fn value(&mut self) -> Tolerant<'_, '_, 'de> {
        Tolerant {
            parser: self.parser,
            ignores_unknown: self.ignores_unknown,
            depth: self.depth,
            lists: None,
        }
    }

    /// Reads the name of the current member again. The common case does not keep a copy of it.
    fn read_name(&mut self) -> Result<Cow<'de, str>, TolerantError> {
        let position = self.parser.position();
        self.parser.go_to(self.name);
        let name = self.parser.string();
        self.parser.go_to(position);
        Ok(name?)
    }
}

impl<'de> SeqAccess<'de> for Nested<'_, '_, 'de> {
    type Error = TolerantError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TolerantError> {
        if !self.advance(b']')? {
            return Ok(None);
        }
        seed.deserialize(self.value()).map(Some)
    }
}

impl<'de> MapAccess<'de> for Nested<'_, '_, 'de> {
    type Error = TolerantError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TolerantError> {
        if !self.advance(b'}')? {
            return Ok(None);
        }
        self.parser.peek()?;
        self.name = self.parser.position();
        let name = self.parser.string()?;
        self.parser.expect(b':')?;
        let name: CowStrDeserializer<'_, TolerantError> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, TolerantError> {
        if self.lists.is_some() && self.parser.peek()? == b'[' {
            let name = self.read_name()?;
            if let Some(lists) = &mut self.lists
                && lists.read(self.parser, &name)?
            {
                return seed.deserialize(EmptyList);
            }
        }
        match seed.deserialize(self.value()) {
            Err(failure) if failure.kind == DecodeErrorKind::WrongType => {
                let name = self.read_name()?.into_owned();
                Err(Failure::new(DecodeErrorKind::WrongMember(name)))
            }
            done => done,
        }
    }
}

/// A deserializer of an empty list, which replaces a list whose items were read already.
struct EmptyList;

impl<'de> Deserializer<'de> for EmptyList {
    type Error = TolerantError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TolerantError> {
        visitor.visit_seq(serde::de::value::SeqDeserializer::new(
            std::iter::empty::<()>(),
        ))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TolerantError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
