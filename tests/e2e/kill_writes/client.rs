//! A client that sends one request after another, and knows which of them the server has confirmed.

use std::io;
use std::sync::mpsc::Sender;

use hh_testing::{ServerProcess, poll_until};
use serde_json::{Value, json};

use super::super::http::send;
use super::sent::{NUMBERS, Session, State};
use super::stored::Stored;

/// The number of events of a session whose creation and deletion take several transactions.
const LARGE: u64 = 700;
/// How many deleted events and sessions of a round are requested by their ids.
const CHECKED: usize = 5;

/// A server and a key.
pub(super) struct Api {
    address: String,
    key: String,
}

impl Api {
    pub(super) fn new(server: &ServerProcess, key: &str) -> Self {
        Self {
            address: server.address().to_owned(),
            key: key.to_owned(),
        }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        send(&self.address, &self.key, method, path, body)
    }

    /// Sends a request that must succeed, and returns the response.
    pub(super) fn read(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method, path, body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    fn get_status(&self, path: &str) -> u16 {
        self.send("GET", path, &Value::Null).unwrap().0
    }
}

/// A generator of numbers that are the same in each run (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below a limit.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn choose<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let count = items.len().max(1) as u64;
        let place = usize::try_from(self.below(count)).unwrap();
        items.get(place).copied()
    }
}

/// A request. The numbers are places of a session and of one of its events.
enum Step {
    Create(usize),
    Update(usize, usize),
    DeleteEvent(usize, usize),
    DeleteSession(usize),
}

pub(super) struct Client {
    random: Random,
    /// The number of the next session, which no other client uses.
    next: u64,
    /// The last value of an update.
    value: u64,
    sessions: Vec<Session>,
    /// The numbers of confirmed requests: creations, updates, and deletions of events and sessions.
    confirmed: [u64; 4],
}

impl Client {
    pub(super) fn new(number: u64) -> Self {
        Self {
            random: Random::new(number),
            next: number * NUMBERS,
            value: 1_000_000,
            sessions: Vec::new(),
            confirmed: [0; 4],
        }
    }

    /// Sends requests until the server is killed, and reports each confirmed one. The client has at most about `room`
    /// sessions.
    pub(super) fn run(&mut self, api: &Api, room: usize, confirmed: &Sender<()>) {
        loop {
            let step = self.next_step(room);
            let (method, path, body) = self.request(&step);
            let Ok((status, answer)) = api.send(method, &path, &body) else {
                return;
            };
            assert_eq!(status, 200, "{method} {path}: {answer}");
            self.confirm(&step);
            confirmed.send(()).ok();
        }
    }

    /// Chooses a request and marks what it changes.
    fn next_step(&mut self, room: usize) -> Step {
        let sessions: Vec<usize> = (0..self.sessions.len())
            .filter(|place| self.sessions[*place].state == State::Present)
            .collect();
        let chance = self.random.below(100);
        let is_full = sessions.len() >= room && chance < 50;
        let Some(session) = self
            .random
            .choose(&sessions)
            .filter(|_| is_full || chance >= 50)
        else {
            return self.create(chance);
        };
        let found = &mut self.sessions[session];
        if is_full || chance >= 95 {
            found.state = State::Deleting;
            return Step::DeleteSession(session);
        }
        // The ids of spans are known after the next restart.
        let events: Vec<usize> = (0..found.events.len())
            .filter(|place| {
                let event = &found.events[*place];
                event.state == State::Present && event.id.is_some()
            })
            .collect();
        let Some(event) = self.random.choose(&events) else {
            return self.create(chance);
        };
        let found = &mut found.events[event];
        if chance >= 80 {
            found.state = State::Deleting;
            return Step::DeleteEvent(session, event);
        }
        self.value += 1;
        found.update = Some(self.value);
        Step::Update(session, event)
    }

    fn create(&mut self, chance: u64) -> Step {
        let (number, count) = (self.next, 1 + self.random.below(20));
        self.next += 1;
        self.sessions.push(match chance % 20 {
            0 => Session::of_spans(number, "chain", LARGE),
            1..=9 => Session::of_batch(number, count),
            _ => Session::of_spans(number, "model", count),
        });
        Step::Create(self.sessions.len() - 1)
    }

    fn request(&self, step: &Step) -> (&'static str, String, Value) {
        let event = |session: usize, event: usize| {
            let event = &self.sessions[session].events[event];
            let path = format!("/v1/events/{}", event.id.as_ref().unwrap());
            (path, json!({"metadata": {"value": event.update}}))
        };
        match *step {
            Step::Create(session) => {
                let (path, body) = &self.sessions[session].request;
                ("POST", (*path).to_owned(), body.clone())
            }
            Step::Update(session, place) => {
                let (path, body) = event(session, place);
                ("PUT", path, body)
            }
            Step::DeleteEvent(session, place) => ("DELETE", event(session, place).0, Value::Null),
            Step::DeleteSession(session) => {
                let path = format!("/v1/sessions/{}", self.sessions[session].id);
                ("DELETE", path, Value::Null)
            }
        }
    }

    fn confirm(&mut self, step: &Step) {
        let kind = match *step {
            Step::Create(session) => {
                self.sessions[session].state = State::Present;
                0
            }
            Step::Update(session, event) => {
                self.sessions[session].events[event].confirm_update();
                1
            }
            Step::DeleteEvent(session, event) => {
                self.sessions[session].events[event].state = State::Absent;
                2
            }
            Step::DeleteSession(session) => {
                self.sessions[session].state = State::Absent;
                3
            }
        };
        self.confirmed[kind] += 1;
    }

    /// Adds the numbers of confirmed requests.
    pub(super) fn confirmed_with(&self, sum: [u64; 4]) -> [u64; 4] {
        std::array::from_fn(|kind| sum[kind] + self.confirmed[kind])
    }

    /// Returns the number of events that are stored, with the sessions themselves.
    pub(super) fn len(&self) -> usize {
        self.sessions.iter().map(Session::len).sum()
    }

    /// Compares everything that the client has sent with what is stored. Returns whether its interrupted request, if
    /// any, had an effect.
    pub(super) fn settle(&mut self, stored: &Stored) -> bool {
        let effects = self.sessions.iter_mut();
        effects.fold(false, |any, session| session.settle(stored) | any)
    }

    /// Checks reads of single sessions and events.
    pub(super) fn check_reads(&self, api: &Api) {
        let is_deleted = |session: &&Session| session.state == State::Absent;
        for session in self.sessions.iter().filter(is_deleted).take(CHECKED) {
            assert_eq!(api.get_status(&format!("/v1/sessions/{}", session.id)), 404);
            let filter = json!({"field": "session_id", "operator": "is", "value": session.id});
            let page = api.read("POST", "/v1/events/export", &json!({"filters": [filter]}));
            assert_eq!((&page["events"], &page["count"]), (&json!([]), &json!(0)));
            let event = session.events[0].id.as_ref();
            if let Some(id) = event {
                assert_eq!(api.get_status(&format!("/v1/events/{id}")), 404);
            }
        }
        let sessions = self.sessions.iter();
        let present = sessions.filter(|session| session.state == State::Present);
        let (deleted, stored): (Vec<_>, Vec<_>) = present
            .flat_map(|session| &session.events)
            .partition(|event| event.state == State::Absent);
        for event in deleted.into_iter().rev().take(CHECKED) {
            let Some(id) = &event.id else { continue };
            assert_eq!(api.get_status(&format!("/v1/events/{id}")), 404);
        }
        for event in stored.into_iter().rev().take(CHECKED) {
            let path = format!("/v1/events/{}", event.id.as_ref().unwrap());
            event.check(&api.read("GET", &path, &Value::Null));
        }
    }

    /// Sends the requests again that created a stored session and a deleted one, and returns their number.
    pub(super) fn resend(&mut self, api: &Api) -> usize {
        let mut resent = 0;
        for state in [State::Present, State::Absent] {
            let places: Vec<usize> = (0..self.sessions.len())
                .filter(|place| self.sessions[*place].state == state)
                .collect();
            let Some(place) = self.random.choose(&places) else {
                continue;
            };
            let session = &mut self.sessions[place];
            let (path, body) = &session.request;
            // Events of a session that is being deleted are accepted and discarded.
            poll_until("the deletion is complete", || {
                api.read("POST", path, body);
                api.get_status(&format!("/v1/sessions/{}", session.id)) == 200
            });
            session.sent_again();
            resent += 1;
        }
        resent
    }

    pub(super) fn forget_deleted(&mut self) {
        self.sessions
            .retain(|session| session.state != State::Absent);
    }
}
