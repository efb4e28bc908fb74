//! Converts dotted names to nested objects.

use serde_json::Value;
use serde_json::map::Entry;

use crate::types::Object;

/// The limit of parts of a dotted name; further dots belong to the last part.
///
/// Without a limit, one long name could nest so deeply that the event cannot be read again or the stack overflows.
const MAX_PARTS: usize = 32;

/// Inserts a value under a dotted name and creates the objects of the path.
///
/// If a part of the path is another value, the whole name stays flat, so that no value is lost. The function calls
/// `create` before it creates an object.
///
/// The result does not depend on the order of attributes if names with fewer dots are inserted first.
pub(super) fn insert<E>(
    object: &mut Object,
    name: &str,
    value: Value,
    mut create: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let mut parts = name.splitn(MAX_PARTS, '.').peekable();
    let mut at = &mut *object;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            if at.contains_key(part) {
                break;
            }
            at.insert(part.to_owned(), value);
            return Ok(());
        }
        let below = match at.entry(part) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(vacant) => {
                create()?;
                vacant.insert(Value::Object(Object::new()))
            }
        };
        let Value::Object(next) = below else {
            break;
        };
        at = next;
    }
    object.insert(name.to_owned(), value);
    Ok(())
}

/// Converts objects with the members 0, 1, 2, … to lists, because clients flatten lists to such names.
pub(super) fn restore_lists(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(restore_lists);
            let count = object.len();
            let is_list = count > 0 && (0..count).all(|at| object.contains_key(&at.to_string()));
            if is_list {
                let items = (0..count).filter_map(|at| object.remove(&at.to_string()));
                *value = Value::Array(items.collect());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(restore_lists),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
