//! Converts results to JSON values whose fields keep their order.

use jaq_json::{Map, Val, read, write};
use serde::Serialize;

use crate::error::CliError;
use crate::exit::Exit;

/// Converts a result to a value.
pub(crate) fn value(result: &impl Serialize) -> Result<Val, CliError> {
    let text = serde_json::to_string(result)?;
    // The parser accepts everything that the serializer writes.
    read::parse_single(text.as_bytes())
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))
}

/// Returns the member of an object.
pub(crate) fn member<'a>(object: &'a Val, name: &str) -> Option<&'a Val> {
    let Val::Obj(members) = object else {
        return None;
    };
    members.get(&Val::from(name.to_owned()))
}

/// Returns the values of a list.
pub(crate) fn elements(list: &Val) -> &[Val] {
    if let Val::Arr(elements) = list {
        elements
    } else {
        &[]
    }
}

/// Returns the rows of a result: the values of a list, or the result itself.
pub(crate) fn rows(result: &Val) -> &[Val] {
    if matches!(result, Val::Arr(_)) {
        elements(result)
    } else {
        std::slice::from_ref(result)
    }
}

/// Returns the names of the fields of all rows, in the order of their first occurrence, then the optional fields that no
/// row has. Without rows, the fields are unknown.
pub(crate) fn field_names(rows: &[Val], optional: &[&str]) -> Vec<String> {
    let mut names = Map::<Val, ()>::default();
    for row in rows {
        if let Val::Obj(members) = row {
            names.extend(members.keys().map(|name| (name.clone(), ())));
        }
    }
    if !names.is_empty() {
        let optional = optional.iter().map(|name| Val::from((*name).to_owned()));
        names.extend(optional.map(|name| (name, ())));
    }
    names.keys().map(text).collect()
}

/// Selects fields of an object. A missing field is null.
pub(crate) fn select(object: &Val, fields: &[String]) -> Val {
    let members = fields.iter().map(|field| {
        let value = member(object, field).cloned().unwrap_or_default();
        (Val::from(field.clone()), value)
    });
    Val::obj(members.collect())
}

/// Returns an object with another value of a member.
pub(crate) fn with_member(object: &Val, name: &str, value: Val) -> Val {
    let mut members = if let Val::Obj(members) = object {
        members.as_ref().clone()
    } else {
        Map::default()
    };
    members.insert(Val::from(name.to_owned()), value);
    Val::obj(members)
}

/// Returns a value as text: a string without quotes, nothing for null, and compact JSON for everything else.
pub(crate) fn text(value: &Val) -> String {
    match value {
        Val::Null => String::new(),
        Val::TStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Bool(_) | Val::Num(_) | Val::BStr(_) | Val::Arr(_) | Val::Obj(_) => value.to_string(),
    }
}

/// Returns a value as indented JSON.
pub(crate) fn indented(value: &Val) -> Result<String, CliError> {
    let style = write::Pp {
        indent: Some("  ".to_owned()),
        sep_space: true,
        ..write::Pp::default()
    };
    let mut text = Vec::new();
    write::write(&mut text, &style, 0, value)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
