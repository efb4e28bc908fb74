//! What a client has sent, and what it may find after a kill.

use serde_json::{Value, json};

use super::stored::Stored;

/// The maximum number of events that the server stores in one transaction.
const MAX_PART: usize = 500;
/// The start of the first session, in seconds since 1970.
const BEGIN: u64 = 1_700_000_000;
/// The time between the starts of two sessions, in seconds.
const INTERVAL: u64 = 617;
/// How many numbers of sessions each client has.
pub(super) const NUMBERS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The request that creates it has no response yet.
    Creating,
    Present,
    /// The request that deletes it has no response yet.
    Deleting,
    Absent,
}

pub(super) struct Event {
    name: String,
    /// The id; the server chooses the ids of spans.
    pub(super) id: Option<String>,
    pub(super) state: State,
    /// The value of the request that created the event.
    first: u64,
    /// The last confirmed value.
    value: u64,
    /// The value of an update that has no response yet.
    pub(super) update: Option<u64>,
}

/// A session, whose events are created by one request.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) events: Vec<Event>,
    /// The path and the body of the request.
    pub(super) request: (&'static str, Value),
}

/// Returns a UUID of a number. The UUIDs are not in the order of their numbers.
fn uuid(kind: u16, number: u64) -> String {
    let first = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    format!("{first:08x}-{kind:04x}-4000-8000-{number:012x}")
}

impl Event {
    fn new(session: u64, place: u64, id: Option<String>) -> Self {
        Self {
            name: name(session, place),
            id,
            state: State::Present,
            first: place,
            value: place,
            update: None,
        }
    }

    pub(super) fn confirm_update(&mut self) {
        self.value = self.update.take().unwrap_or(self.value);
    }

    pub(super) fn check(&self, found: &Value) {
        let value = &found["event"]["metadata"]["value"];
        assert_eq!(value, self.value, "{}: {found}", self.name);
    }

    /// Compares the event with the stored one, and keeps its state. Returns whether it is stored.
    fn settle(&mut self, stored: &Stored, session: &str) -> bool {
        let Some(found) = stored.event(&self.name) else {
            self.state = State::Absent;
            self.update = None;
            return false;
        };
        assert_eq!(found.session, session, "{}", self.name);
        let id = self.id.get_or_insert_with(|| found.id.clone());
        assert_eq!(*id, found.id, "{}", self.name);
        let value = found.value;
        assert!(
            value == self.value || Some(value) == self.update,
            "{}: {value} instead of {} or {:?}",
            self.name,
            self.value,
            self.update
        );
        (self.value, self.update, self.state) = (value, None, State::Present);
        true
    }

    /// Sets the state after the request that created the event was sent again.
    fn sent_again(&mut self) {
        (self.value, self.state) = (self.first, State::Present);
    }
}

impl Session {
    /// Returns a new session with an export of spans.
    pub(super) fn of_spans(number: u64, kind: &str, count: u64) -> Self {
        let (id, start) = (uuid(1, number), start_of(number));
        let label = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let spans: Vec<Value> = (1..=count)
            .map(|place| {
                json!({
                    "traceId": format!("{:032x}", number + 1),
                    "spanId": format!("{place:016x}"),
                    "name": name(number, place),
                    "kind": 1,
                    "startTimeUnixNano": (start * 1_000_000_000 + place * 1000).to_string(),
                    "endTimeUnixNano": ((start + 1) * 1_000_000_000).to_string(),
                    "attributes": [
                        label("honeyhive.session_id", &id),
                        label("honeyhive_event_type", kind),
                        {"key": "honeyhive_metadata.value", "value": {"intValue": place}},
                    ],
                })
            })
            .collect();
        let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
        let request = ("/opentelemetry/v1/traces", body);
        Self::new(
            id,
            (1..=count).map(|place| Event::new(number, place, None)),
            request,
        )
    }

    /// Returns a new session with a batch of events.
    pub(super) fn of_batch(number: u64, count: u64) -> Self {
        let (id, start) = (uuid(1, number), start_of(number));
        let event_id = |place| uuid(2, number * 1000 + place);
        let events: Vec<Value> = (1..=count)
            .map(|place| {
                json!({
                    "event_id": event_id(place),
                    "session_id": id,
                    "event_name": name(number, place),
                    "event_type": "tool",
                    "inputs": {"place": place},
                    "metadata": {"value": place},
                    "start_time": start * 1000 + place,
                    "duration": 5,
                })
            })
            .collect();
        let request = ("/v1/events/batch", json!({"events": events}));
        let events = (1..=count).map(|place| Event::new(number, place, Some(event_id(place))));
        Self::new(id, events, request)
    }

    fn new(
        id: String,
        events: impl Iterator<Item = Event>,
        request: (&'static str, Value),
    ) -> Self {
        Self {
            id,
            state: State::Creating,
            events: events.collect(),
            request,
        }
    }

    /// Returns the number of events that are stored, with the session itself.
    pub(super) fn len(&self) -> usize {
        match self.state {
            State::Present => 1 + self.present(),
            State::Creating | State::Deleting | State::Absent => 0,
        }
    }

    fn present(&self) -> usize {
        let present = self.events.iter();
        present
            .filter(|event| event.state == State::Present)
            .count()
    }

    /// Compares the session with the stored one, and keeps its state. Returns whether an interrupted request had an
    /// effect.
    pub(super) fn settle(&mut self, stored: &Stored) -> bool {
        let (id, was) = (&self.id, self.state);
        let is_stored = stored.has_session(id);
        match was {
            State::Present => assert!(is_stored, "session {id} is lost"),
            State::Absent => assert!(!is_stored, "session {id} returned"),
            State::Creating | State::Deleting => {}
        }
        let (present, mut found, mut had_effect) = (self.present(), 0, false);
        for event in &mut self.events {
            let (was, update) = (event.state, event.update);
            let is_stored = event.settle(stored, id);
            match was {
                State::Present | State::Creating => found += usize::from(is_stored),
                State::Deleting => had_effect |= !is_stored,
                State::Absent => assert!(!is_stored, "event {} of {id} returned", event.name),
            }
            had_effect |= update.is_some_and(|value| event.value == value);
        }
        // Requests with at most 500 events and all deletions have their effect at once.
        let is_part = was == State::Creating && found == MAX_PART;
        let expected = if is_stored { present } else { 0 };
        assert!(
            found == expected || is_part,
            "session {id} ({was:?}): {found} of {expected} events"
        );
        self.state = if is_stored {
            State::Present
        } else {
            State::Absent
        };
        match was {
            State::Creating => is_stored,
            State::Deleting => !is_stored,
            State::Present | State::Absent => had_effect,
        }
    }

    /// Sets the state after the request that created the events was sent again. A deleted event that is sent again is
    /// a new event.
    pub(super) fn sent_again(&mut self) {
        let was_absent = self.state == State::Absent;
        for event in &mut self.events {
            if was_absent || event.state == State::Absent {
                event.sent_again();
            }
        }
        self.state = State::Present;
    }
}

/// Returns the start of a session in seconds since 1970, which is in the past.
fn start_of(session: u64) -> u64 {
    BEGIN + session % NUMBERS * INTERVAL
}

/// Returns the name of an event, which no other event has.
fn name(session: u64, place: u64) -> String {
    format!("event {place} of session {session}")
}
