//! Writes results as YAML.

use std::fmt::Write as _;

use hh_text::is_unsafe;
use jaq_json::Val;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_saphyr::DoubleQuoted;

use super::document::text;
use crate::error::CliError;
use crate::exit::Exit;

/// Returns a value as YAML, with unsafe characters escaped.
pub(crate) fn yaml(value: &Val) -> Result<String, CliError> {
    let yaml = serde_saphyr::to_string(&Yaml(value))
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
    let mut escaped = String::with_capacity(yaml.len());
    for character in yaml.trim_end_matches('\n').chars() {
        // The serializer has escaped the other control characters. What is left is in double quotes.
        if character != '\n' && is_unsafe(character) {
            let code = u32::from(character);
            // Writing to a string cannot fail.
            let written = if code > 0xffff {
                write!(escaped, "\\U{code:08x}")
            } else {
                write!(escaped, "\\u{code:04x}")
            };
            debug_assert!(written.is_ok());
        } else {
            escaped.push(character);
        }
    }
    Ok(escaped)
}

/// A value that is serialized with double quotes around every string that contains unsafe characters or line breaks.
struct Yaml<'a>(&'a Val);

impl Serialize for Yaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Val::Null => serializer.serialize_unit(),
            Val::Bool(value) => serializer.serialize_bool(*value),
            // Numbers that fit no type of Rust are rare and stay exact as text.
            Val::Num(number) => match number.to_string().parse::<serde_json::Number>() {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(&number.to_string()),
            },
            Val::BStr(_) | Val::TStr(_) => {
                let text = text(self.0);
                if text.contains(is_unsafe) {
                    DoubleQuoted(text).serialize(serializer)
                } else {
                    serializer.serialize_str(&text)
                }
            }
            Val::Arr(elements) => serializer.collect_seq(elements.iter().map(Yaml)),
            Val::Obj(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members.iter() {
                    map.serialize_entry(&Yaml(name), &Yaml(value))?;
                }
                map.end()
            }
        }
    }
}
