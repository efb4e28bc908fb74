//! Reads texts, lists and attribute values.

use std::borrow::Cow;

use serde_json::Value;

use super::super::value::{base64, bytes};
use super::super::{MAX_VALUE_DEPTH, reason};
use crate::json::{Parser, Scalar, Stop, float, integer, number};
use crate::types::Object;

/// Reads the members of a message; null is an empty message.
pub(super) fn members<'a>(
    parser: &mut Parser<'a>,
    member: impl FnMut(&mut Parser<'a>, &str) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if parser.null()? {
        return Ok(());
    }
    if parser.peek()? != b'{' {
        return Err(Stop::Refused(reason::NOT_OBJECT));
    }
    parser.object(member)
}

/// Reads the items of a list; null is an empty list, and null as an item is left out.
pub(super) fn items<'a>(
    parser: &mut Parser<'a>,
    mut item: impl FnMut(&mut Parser<'a>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if parser.null()? {
        return Ok(());
    }
    if parser.peek()? != b'[' {
        return Err(Stop::Refused(reason::NOT_LIST));
    }
    parser.list(|parser| if parser.null()? { Ok(()) } else { item(parser) })
}

/// Reads a text; a number or a flag is read as its text.
pub(super) fn text(parser: &mut Parser<'_>) -> Result<String, Stop> {
    Ok(match parser.scalar()? {
        Scalar::Null => String::new(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Number(number) => number.to_owned(),
        Scalar::Text(text) => text.into_owned(),
        Scalar::Other(_) => return Err(Stop::Refused(reason::NOT_TEXT)),
    })
}

/// Reads a list of `KeyValue`, or an object with the keys as names.
pub(super) fn key_values(
    parser: &mut Parser<'_>,
    depth: usize,
) -> Result<Vec<(String, Value)>, Stop> {
    let mut pairs = Vec::new();
    if parser.peek()? == b'{' {
        parser.object(|parser, key| {
            let key = key.to_owned();
            pairs.push((key, any_value(parser, depth)?));
            Ok::<_, Stop>(())
        })?;
        return Ok(pairs);
    }
    items(parser, |parser| {
        let (mut name, mut value) = (String::new(), Value::Null);
        members(parser, |parser, key| {
            match key {
                "key" => name = text(parser)?,
                "value" => value = any_value(parser, depth)?,
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        pairs.push((name, value));
        Ok(())
    })?;
    Ok(pairs)
}

/// Reads an `AnyValue`. A value without the object around it is accepted too. `depth` is the number of lists and objects
/// around it.
fn any_value(parser: &mut Parser<'_>, depth: usize) -> Result<Value, Stop> {
    match parser.peek()? {
        b'{' => {}
        b'[' => return Ok(Value::Array(values(parser, depth)?)),
        _ => {
            return Ok(parser.scalar()?.into_value(integer, Value::from));
        }
    }
    let mut value = Value::Null;
    let mut unknown = Object::new();
    parser.object(|parser, key| {
        if parser.null()? {
            return Ok(());
        }
        value = match key {
            "stringValue" | "string_value" => parser.scalar()?.into_value(Value::from, Value::from),
            "boolValue" | "bool_value" => parser.scalar()?.into_value(integer, flag),
            "intValue" | "int_value" => parser.scalar()?.into_value(integer, |text| integer(&text)),
            "doubleValue" | "double_value" => {
                parser.scalar()?.into_value(float, |text| float(&text))
            }
            "bytesValue" | "bytes_value" => parser.scalar()?.into_value(Value::from, decoded),
            "arrayValue" | "array_value" => Value::Array(list_of(parser, depth, values)?),
            "kvlistValue" | "kvlist_value" => {
                let pairs = list_of(parser, depth, |parser, depth| {
                    check_depth(depth)?;
                    key_values(parser, depth + 1)
                })?;
                Value::Object(pairs.into_iter().collect::<Object>())
            }
            _ => {
                unknown.insert(key.to_owned(), json(parser, depth)?);
                return Ok(());
            }
        };
        Ok::<_, Stop>(())
    })?;
    if value.is_null() && !unknown.is_empty() {
        // Members that are not known, such as misspelled ones, are not lost.
        return Ok(Value::Object(unknown));
    }
    Ok(value)
}

/// Reads JSON as it is, not as an `AnyValue`.
fn json(parser: &mut Parser<'_>, depth: usize) -> Result<Value, Stop> {
    check_depth(depth)?;
    match parser.peek()? {
        b'{' => {
            let mut members = Object::new();
            parser.object(|parser, key| {
                members.insert(key.to_owned(), json(parser, depth + 1)?);
                Ok::<_, Stop>(())
            })?;
            Ok(Value::Object(members))
        }
        b'[' => {
            let mut items = Vec::new();
            parser.list(|parser| {
                items.push(json(parser, depth + 1)?);
                Ok::<_, Stop>(())
            })?;
            Ok(Value::Array(items))
        }
        _ => Ok(parser.scalar()?.into_value(number, Value::from)),
    }
}

/// Reads a flag that is text.
fn flag(text: Cow<'_, str>) -> Value {
    match &*text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::from(text),
    }
}

/// Reads bytes in any form of base64.
fn decoded(text: Cow<'_, str>) -> Value {
    base64(&text).map_or_else(|| Value::from(text), |decoded| bytes(&decoded))
}

fn check_depth(depth: usize) -> Result<(), Stop> {
    if depth == MAX_VALUE_DEPTH {
        return Err(Stop::Refused(reason::TOO_DEEP));
    }
    Ok(())
}

/// Reads `{"values": […]}`, or the list alone.
fn list_of<'a, T>(
    parser: &mut Parser<'a>,
    depth: usize,
    read: impl Fn(&mut Parser<'a>, usize) -> Result<Vec<T>, Stop>,
) -> Result<Vec<T>, Stop> {
    if parser.peek()? == b'[' {
        return read(parser, depth);
    }
    check_depth(depth)?;
    let mut list = Vec::new();
    members(parser, |parser, key| {
        if key == "values" && !parser.null()? {
            list = read(parser, depth)?;
            return Ok(());
        }
        if key == "values" {
            Ok(())
        } else {
            parser.skip()
        }
    })?;
    Ok(list)
}

/// Reads a list of `AnyValue`.
fn values(parser: &mut Parser<'_>, depth: usize) -> Result<Vec<Value>, Stop> {
    check_depth(depth)?;
    let mut values = Vec::new();
    if parser.peek()? != b'[' {
        return Err(Stop::Refused(reason::NOT_LIST));
    }
    parser.list(|parser| {
        values.push(any_value(parser, depth + 1)?);
        Ok::<_, Stop>(())
    })?;
    Ok(values)
}
