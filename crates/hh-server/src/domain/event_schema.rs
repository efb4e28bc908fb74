//! Collects the names of the fields of events.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hh_api::types::EventField;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The maximum number of fields.
const MAX_FIELDS: usize = 2000;
/// The maximum number of names in the path of a field.
const MAX_DEPTH: usize = 4;

/// A rendered page of events.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

/// Returns the fields of the events on a rendered page; `None` if the page is not valid.
///
/// Each member of an object is a field, down to a limited depth. The elements of a list are not fields.
pub(crate) fn fields_of(page: &[u8]) -> Option<Vec<EventField>> {
    let page: Page<'_> = serde_json::from_slice(page).ok()?;
    let mut fields = BTreeSet::new();
    for event in &page.events {
        let kind = event.get("event_type")?;
        let kind: Cow<'_, str> = serde_json::from_str(kind.get()).ok()?;
        for (name, value) in event {
            collect(&mut fields, name, value, &kind, MAX_DEPTH);
        }
    }
    Some(fields.into_iter().collect())
}

fn collect(
    fields: &mut BTreeSet<EventField>,
    path: &str,
    value: &RawValue,
    kind: &str,
    depth: usize,
) {
    let members = (depth > 1)
        .then(|| serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(value.get()).ok());
    match members.flatten() {
        Some(members) => {
            for (name, value) in &members {
                collect(fields, &format!("{path}.{name}"), value, kind, depth - 1);
            }
        }
        None if fields.len() < MAX_FIELDS => {
            fields.insert(EventField {
                name: path.to_owned(),
                event_type: kind.to_owned(),
            });
        }
        None => {}
    }
}
