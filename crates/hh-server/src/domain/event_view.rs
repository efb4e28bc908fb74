//! Changes rendered events for a request: selects members, and rounds times for older clients.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Refusal;

/// The maximum number of members that a request selects.
const MAX_MEMBERS: usize = 200;

/// The form in which a request receives events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventView {
    /// The members to return; all by default. A name with dots is a path in the objects of an event, see
    /// [`filter`](super::filter).
    members: Option<Vec<String>>,
    /// Whether the end time is rounded up to whole milliseconds, because the npm client rejects a fraction.
    has_whole_end: bool,
}

impl EventView {
    pub(crate) fn new(members: Option<Vec<String>>, has_whole_end: bool) -> Result<Self, Refusal> {
        if members
            .as_ref()
            .is_some_and(|names| names.len() > MAX_MEMBERS)
        {
            return Err(Refusal::Invalid(format!(
                "projections can have at most {MAX_MEMBERS} members"
            )));
        }
        Ok(Self {
            members,
            has_whole_end,
        })
    }

    /// Returns whether the view differs from the stored events.
    pub(crate) fn has_effect(&self) -> bool {
        self.members.is_some() || self.has_whole_end
    }

    /// Changes the events of a rendered page, an [`EventList`](hh_api::types::EventList). Returns `None` if the page is
    /// not valid.
    pub(crate) fn page(&self, page: &[u8]) -> Option<Vec<u8>> {
        let page: Page<'_> = serde_json::from_slice(page).ok()?;
        let events = page.events.iter().map(|event| self.viewed(event));
        let viewed = ViewedPage {
            events: events.collect(),
            rest: page.rest,
        };
        serde_json::to_vec(&viewed).ok()
    }

    /// Changes a rendered event. Returns `None` if it is not valid.
    pub(crate) fn event(&self, event: &[u8]) -> Option<Vec<u8>> {
        let event: &RawValue = serde_json::from_slice(event).ok()?;
        serde_json::to_vec(&self.viewed(event)).ok()
    }

    fn viewed<'a>(&'a self, event: &'a RawValue) -> Viewed<'a> {
        let members = self.members.as_ref();
        Viewed {
            value: event,
            paths: members.map(|names| names.iter().map(String::as_str).collect()),
            has_whole_end: self.has_whole_end,
        }
    }
}

/// A rendered page.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    #[serde(borrow, flatten)]
    rest: Rest<'a>,
}

/// The members of a page besides its events.
#[derive(Serialize, Deserialize)]
struct Rest<'a> {
    #[serde(rename = "totalEvents")]
    total_events: u64,
    count: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total_is_exact: Option<bool>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    next: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct ViewedPage<'a> {
    events: Vec<Viewed<'a>>,
    #[serde(flatten)]
    rest: Rest<'a>,
}

/// A value that is serialized with the selected members only.
struct Viewed<'a> {
    value: &'a RawValue,
    /// The members to serialize; `None` for all.
    paths: Option<Vec<&'a str>>,
    has_whole_end: bool,
}

impl Serialize for Viewed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A list or a scalar has no members to select.
        let Ok(members) =
            serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(self.value.get())
        else {
            return self.value.serialize(serializer);
        };
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &members {
            let is_selected = match &self.paths {
                None => true,
                Some(paths) => paths.iter().any(|path| path == name),
            };
            if is_selected {
                if self.has_whole_end && name == "end_time" {
                    map.serialize_entry(name, &whole(value).map_err(S::Error::custom)?)?;
                } else {
                    map.serialize_entry(name, value)?;
                }
                continue;
            }
            let paths = self.paths.iter().flatten();
            let paths: Vec<_> = paths
                .filter_map(|path| path.strip_prefix(name.as_ref())?.strip_prefix('.'))
                .collect();
            if !paths.is_empty() {
                let viewed = Viewed {
                    value,
                    paths: Some(paths),
                    has_whole_end: false,
                };
                map.serialize_entry(name, &viewed)?;
            }
        }
        map.end()
    }
}

/// Returns a number of milliseconds, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and no event has such a time"
)]
fn whole(millis: &RawValue) -> Result<i64, serde_json::Error> {
    let millis: f64 = serde_json::from_str(millis.get())?;
    Ok(millis.ceil() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn reduce(names: &[&str], event: &Value) -> Value {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let page = json!({"events": [event], "totalEvents": 3, "count": 3, "truncated": true});
        let view = EventView::new(Some(names), false).unwrap();
        let reduced = view.page(page.to_string().as_bytes()).unwrap();
        let reduced: Value = serde_json::from_slice(&reduced).unwrap();
        assert_eq!(reduced["totalEvents"], 3);
        assert_eq!(reduced["count"], 3);
        assert_eq!(reduced["truncated"], true);
        reduced["events"][0].clone()
    }

    #[test]
    fn only_the_selected_members_are_returned() {
        let event = json!({
            "event_id": "1",
            "event_name": "chat",
            "metadata": {"cost": 0.5, "gen_ai.cost": 1, "gen_ai": {"cost": 2, "other": 3}, "a.b": {"c": 4}},
            "inputs": {"messages": [{"role": "user"}]},
        });
        for (names, expected) in [
            (&["event_id"][..], json!({"event_id": "1"})),
            (&["event_id", "absent"], json!({"event_id": "1"})),
            (&["metadata.cost"], json!({"metadata": {"cost": 0.5}})),
            (
                &["metadata.gen_ai.cost"],
                json!({"metadata": {"gen_ai.cost": 1, "gen_ai": {"cost": 2}}}),
            ),
            (
                &["metadata", "metadata.cost"],
                json!({"metadata": event["metadata"]}),
            ),
            (
                &["inputs.messages"],
                json!({"inputs": {"messages": [{"role": "user"}]}}),
            ),
            (
                &["inputs.messages.role"],
                json!({"inputs": {"messages": [{"role": "user"}]}}),
            ),
            (&["metadata.a.b.c"], json!({"metadata": {"a.b": {"c": 4}}})),
            (&[], json!({})),
        ] {
            assert_eq!(reduce(names, &event), expected, "{names:?}");
        }
    }

    #[test]
    fn the_end_of_an_event_is_rounded_up_for_clients_that_need_a_whole_number() {
        let view = EventView::new(None, true).unwrap();
        let event = json!({"start_time": 1.5, "end_time": 1_796_041_625_974.269, "metadata": {"end_time": 0.5}});
        let viewed = view.event(event.to_string().as_bytes()).unwrap();
        let viewed: Value = serde_json::from_slice(&viewed).unwrap();
        let expected = json!({"start_time": 1.5, "end_time": 1_796_041_625_975_i64, "metadata": {"end_time": 0.5}});
        assert_eq!(viewed, expected);
    }
}
