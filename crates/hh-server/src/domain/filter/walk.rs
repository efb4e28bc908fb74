//! Evaluates a test on the values at a path of an encoded body, without decoding the body into values.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::operand::Scalar;
use super::test::Test;

/// The result of a test on the values at a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Whether there is a value.
    pub(super) exists: bool,
    /// Whether the test holds for one of the values.
    pub(super) holds: bool,
}

impl Found {
    fn one(holds: bool) -> Self {
        Self {
            exists: true,
            holds,
        }
    }

    fn add(&mut self, other: Self) {
        self.exists |= other.exists;
        self.holds |= other.holds;
    }
}

/// Evaluates a test on the values at a path; `None` if the body is not valid JSON.
pub(super) fn find(body: &[u8], path: &str, test: &Test) -> Option<Found> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = At {
        path: Some(path),
        test,
    }
    .deserialize(&mut json);
    found.ok()
}

/// A value at the rest of a path; `None` is the value itself.
#[derive(Clone, Copy)]
struct At<'f> {
    path: Option<&'f str>,
    test: &'f Test,
}

impl At<'_> {
    /// Returns the part of the path behind the name of a member: `None` if the path does not begin with the name.
    fn enter(self, name: &str) -> Option<Self> {
        let rest = self.path?.strip_prefix(name)?;
        let path = match rest.strip_prefix('.') {
            Some(rest) => Some(rest),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Self { path, ..self })
    }

    fn scalar(self, value: Scalar<'_>) -> Found {
        match self.path {
            None => Found::one(self.test.holds(value)),
            Some(_) => Found::default(),
        }
    }

    /// Returns the position that the path names in a list, and the path behind it.
    fn position(self) -> Option<(usize, Self)> {
        let path = self.path?;
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        let position = if is_number {
            first.parse().ok()?
        } else {
            return None;
        };
        Some((position, Self { path: rest, ..self }))
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Signed(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Unsigned(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Found, E> {
        Ok(self.scalar(Scalar::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        if self.path.is_none() {
            found = Found::one(matches!(self.test, Test::Exists));
            if let Test::Contains(operand) = self.test {
                let element = At {
                    path: None,
                    test: &Test::Equals(operand.clone()),
                };
                while let Some(element) = list.next_element_seed(element)? {
                    found.holds |= element.holds;
                }
            }
        } else if let Some((position, rest)) = self.position() {
            for _ in 0..position {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(found);
                }
            }
            found.add(list.next_element_seed(rest)?.unwrap_or_default());
        } else {
            while let Some(element) = list.next_element_seed(self)? {
                found.add(element);
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        if self.path.is_none() {
            found = Found::one(matches!(self.test, Test::Exists));
        }
        while let Some(member) = map.next_key_seed(Name(self))? {
            match member {
                Member::At(at) => found.add(map.next_value_seed(at)?),
                Member::Contained => {
                    found.holds = true;
                    map.next_value::<IgnoredAny>()?;
                }
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// A seed for the name of a member.
struct Name<'f>(At<'f>);

/// A member of an object.
enum Member<'f> {
    /// The path leads into it.
    At(At<'f>),
    /// The object is tested, and its member has the name that it must contain.
    Contained,
    Other,
}

impl<'de, 'f> DeserializeSeed<'de> for Name<'f> {
    type Value = Member<'f>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'f>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for Name<'f> {
    type Value = Member<'f>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Member<'f>, E> {
        Ok(match (self.0.path, self.0.test) {
            (None, Test::Contains(operand)) if operand.is_name(name) => Member::Contained,
            (None, _) => Member::Other,
            (Some(_), _) => self.0.enter(name).map_or(Member::Other, Member::At),
        })
    }
}
