//! Encodes an input as a request.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::operation::path_member;
use crate::{BodyKind, Route};

/// All characters except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An encoded request of an operation, without headers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoded {
    /// The path, with the query if there is one.
    pub target: String,
    /// The values of the members in the path, without percent-encoding.
    pub path_values: Vec<String>,
    /// The body; empty if the route has none.
    pub body: Vec<u8>,
}

/// The reason why an input cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The input cannot be serialized as a JSON object.
    Json,
    /// This member of the path is missing or is not a valid path segment.
    Path(&'static str),
}

impl Route {
    /// Encodes an input as a request of this route.
    ///
    /// # Errors
    /// - [`EncodeError::Path`]: a member of the path is missing, empty, `.` or `..`.
    /// - [`EncodeError::Json`]: the input cannot be serialized as a JSON object.
    ///
    /// # Examples
    /// ```
    /// use hh_api::OpId;
    /// use hh_api::types::KeyRef;
    ///
    /// let route = OpId::GetKey.operation().route();
    /// let encoded = route.encode(&KeyRef { id: "k1".to_owned() }).unwrap();
    /// assert_eq!(encoded.target, "/v1/api_keys/k1");
    /// ```
    pub fn encode(&self, input: &impl Serialize) -> Result<Encoded, EncodeError> {
        let uses_query = self.method.uses_query();
        if !uses_query && self.path_members().next().is_none() {
            // In this usual case the input is serialized only once.
            return Ok(Encoded {
                target: self.path.to_owned(),
                path_values: Vec::new(),
                body: self.body(input)?,
            });
        }
        let Ok(Value::Object(mut members)) = serde_json::to_value(input) else {
            return Err(EncodeError::Json);
        };
        let mut path_values = Vec::new();
        let mut target = String::new();
        for segment in self.path.split('/').skip(1) {
            target.push('/');
            match path_member(segment) {
                Some(name) => {
                    let value = members.remove(name).and_then(text).unwrap_or_default();
                    if matches!(value.as_str(), "" | "." | "..") {
                        return Err(EncodeError::Path(name));
                    }
                    target.extend(utf8_percent_encode(&value, RESERVED));
                    path_values.push(value);
                }
                None => target.push_str(segment),
            }
        }
        let body = if uses_query {
            target.push_str(&query(members));
            Vec::new()
        } else {
            self.body(&members)?
        };
        Ok(Encoded {
            target,
            path_values,
            body,
        })
    }

    /// Returns the body, in its wrapper if the route has one.
    fn body(&self, input: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
        let body = match (self.body, self.wrapper) {
            (BodyKind::None | BodyKind::Otlp, _) => return Ok(Vec::new()),
            (BodyKind::Json | BodyKind::Optional, None) => serde_json::to_vec(input),
            (BodyKind::Json | BodyKind::Optional, Some(name)) => {
                serde_json::to_vec(&InWrapper(name, input))
            }
        };
        body.map_err(|_| EncodeError::Json)
    }
}

/// An input in a wrapper.
struct InWrapper<'i, T>(&'static str, &'i T);

impl<T: Serialize> Serialize for InWrapper<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}

/// Returns members as a query with the question mark; omits members that are null.
fn query(members: Map<String, Value>) -> String {
    let mut query = String::new();
    for (name, value) in members {
        let (suffix, values) = match value {
            Value::Array(values) => ("%5B%5D", values),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => ("", vec![value]),
        };
        for value in values.into_iter().filter_map(text) {
            let separator = if query.is_empty() { '?' } else { '&' };
            let name = utf8_percent_encode(&name, RESERVED);
            let value = utf8_percent_encode(&value, RESERVED);
            // Writing to a string cannot fail.
            let _ = write!(query, "{separator}{name}{suffix}={value}");
        }
    }
    query
}

/// Returns the text of a value in a path or a query; `None` for null.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(value.to_string())
        }
    }
}
