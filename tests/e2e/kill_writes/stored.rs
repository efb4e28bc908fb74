//! All events that a server stores.

use std::collections::{BTreeMap, HashMap, HashSet};

use hh_testing::poll_until;
use serde_json::{Value, json};

use super::client::Api;

const LIMIT: u64 = 1000;

pub(super) struct StoredEvent {
    pub(super) id: String,
    pub(super) session: String,
    pub(super) value: u64,
}

/// All events by their names, and the ids of all sessions.
pub(super) struct Stored {
    events: HashMap<String, StoredEvent>,
    sessions: HashSet<String>,
    /// The numbers of events by their types.
    kinds: BTreeMap<String, u64>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Stored {
    /// Reads all pages, by cursors or by numbers.
    pub(super) fn read(api: &Api, by_cursor: bool) -> Self {
        let mut stored = Self {
            events: HashMap::new(),
            sessions: HashSet::new(),
            kinds: BTreeMap::new(),
        };
        let (mut cursor, mut number) = (String::new(), 1);
        loop {
            let body = if by_cursor {
                json!({"limit": LIMIT, "cursor": cursor})
            } else {
                json!({"limit": LIMIT, "page": number})
            };
            let page = api.read("POST", "/v1/events/export", &body);
            let events = page["events"].as_array().unwrap();
            for event in events {
                stored.add(event);
            }
            number += 1;
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None if by_cursor || (events.len() as u64) < LIMIT => return stored,
                None => {}
            }
        }
    }

    fn add(&mut self, event: &Value) {
        let (id, kind) = (text(&event["event_id"]), text(&event["event_type"]));
        let is_new = if kind == "session" {
            self.sessions.insert(id)
        } else {
            let found = StoredEvent {
                id,
                session: text(&event["session_id"]),
                value: event["metadata"]["value"].as_u64().unwrap(),
            };
            let name = text(&event["event_name"]);
            self.events.insert(name, found).is_none()
        };
        assert!(is_new, "stored twice: {event}");
        *self.kinds.entry(kind).or_default() += 1;
    }

    pub(super) fn event(&self, name: &str) -> Option<&StoredEvent> {
        self.events.get(name)
    }

    pub(super) fn has_session(&self, id: &str) -> bool {
        self.sessions.contains(id)
    }

    /// Returns the number of events, with the sessions themselves.
    pub(super) fn len(&self) -> usize {
        self.events.len() + self.sessions.len()
    }

    /// Checks that the counts of the server, in total and by type, are those of the events.
    pub(super) fn check_counts(&self, api: &Api) {
        let kinds = self.kinds.iter().map(|(kind, count)| {
            let filter = json!({"field": "event_type", "operator": "is", "value": kind});
            (json!([filter]), *count)
        });
        for (filters, count) in kinds.chain([(json!([]), self.len() as u64)]) {
            let body = json!({"filters": filters, "limit": 1});
            // A deletion that the kill interrupted may still change the counts.
            poll_until(&format!("the count of {filters} is {count}"), || {
                let page = api.read("POST", "/v1/events/export", &body);
                page["count"] == count
                    && page["totalEvents"] == count
                    && page.get("total_is_exact").is_none()
            });
        }
    }
}
