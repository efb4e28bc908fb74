//! Compares generated queries with a model that sorts and filters all rows in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hh_api::types::{Filter, Operator};
use hh_auth::{Level, ProjectId};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::super::session_rows::{kind_of, stored_event};
use super::super::super::{large_bodies, schema};
use super::super::*;
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::EventIdentity;
use crate::domain::events::Rights;
use crate::domain::filter::{self, Candidate};
use crate::domain::keys::KeyRecord;
use crate::domain::usage::Usage;
use crate::store::page::Position;
use crate::store::tests::{first_key, runtime};
use crate::store::{InsertEvents, NewEvent, NewSession, StartSession, Store};

/// The times of all events: about eight hours.
const TIMES: Range<i64> = 1_704_067_200_000_000_000..1_704_096_000_000_000_000;
const SESSIONS: u8 = 12;
const NAMES: [&str; 3] = ["chat", "search", "plan"];

/// A change of the stored rows.
#[derive(Clone, Debug)]
enum Write {
    Start {
        session: u8,
        started: i64,
        name: usize,
    },
    Insert(Vec<(u8, i64, u8)>),
}

fn time() -> impl Strategy<Value = i64> {
    // Some events start at the same time, or within the same millisecond.
    prop_oneof![
        3 => TIMES,
        1 => (0..20_i64, 0..3_i64).prop_map(|(hour, nanos)| TIMES.start + hour * 1_800_000_000_000 + nanos),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        1 => (0..SESSIONS, time(), 0..NAMES.len())
            .prop_map(|(session, started, name)| Write::Start { session, started, name }),
        4 => prop::collection::vec((0..SESSIONS, time(), any::<u8>()), 1..8).prop_map(Write::Insert),
    ]
}

fn session_id(number: u8) -> Uuid {
    Uuid::from_u128(1000 + u128::from(number))
}

/// A store with one project, and a connection that reads it.
struct Database {
    store: Store,
    access: ProjectAccess,
    connection: Connection,
    /// The number of events that were created.
    events: u128,
    runtime: tokio::runtime::Runtime,
    _dir: TempDir,
}

impl Database {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("honeyhive.db");
        let store = Store::open(&path, Arc::new(()), Arc::default()).unwrap();
        store.first_start("o".to_owned(), first_key()).unwrap();
        let connection = schema::open_reader(&path).unwrap();
        connection.set_prepared_statement_cache_capacity(500);
        Self {
            store,
            access: ProjectAccess::of(ProjectId::new(1), "p", &KeyRecord::of_admin(1)),
            connection,
            events: 0,
            runtime: runtime(),
            _dir: dir,
        }
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::Start {
                session,
                started,
                name,
            } => {
                let session = NewSession {
                    id: session_id(*session),
                    name: NAMES[*name].to_owned(),
                    started: *started,
                    ended: *started,
                    body: EventBody::default(),
                    encoded: b"{}".to_vec(),
                };
                let rights = Rights::new(Level::Admin, 1);
                let start = StartSession { rights, session };
                self.runtime
                    .block_on(self.store.write(&self.access, start))
                    .unwrap();
            }
            Write::Insert(events) => {
                let events = events.iter().map(|event| {
                    self.events += 1;
                    new_event(self.events, event)
                });
                let events = events.collect();
                let record = KeyRecord::of_admin(1);
                let access = crate::auth::Access::of(record, jiff::Timestamp::now());
                let insert = InsertEvents {
                    batches: vec![(self.access.clone(), events)],
                };
                self.runtime
                    .block_on(self.store.write(&access, insert))
                    .unwrap();
            }
        }
    }

    fn read(&self, query: &ReadEvents) -> Value {
        let stop = Stop::after(Duration::from_mins(1), Arc::default(), "too slow");
        let page = read_page(&self.connection, 1, "p", query, &stop).unwrap();
        assert!(page.rest.is_empty());
        serde_json::from_slice(&page.json).unwrap()
    }

    /// Reads all rows without the queries for pages.
    fn rows(&self) -> Vec<Row> {
        let sessions = format!(
            "SELECT 0, id, id, NULL, name, started, ended, {}, sid, listed FROM sessions",
            large_bodies::BODY
        );
        let events = "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body, e.sid, e.started
            FROM events e JOIN sessions s ON s.sid = e.sid";
        let mut rows = Vec::new();
        for sql in [&sessions, events] {
            let mut statement = self.connection.prepare(sql).unwrap();
            let found = statement.query_map([], |row| {
                let event = stored_event(row)?;
                let id = (event.kind != EventKind::Session).then(|| event.id.into_bytes());
                Ok(Row {
                    id: event.id,
                    session: event.session,
                    parent: event.parent,
                    kind: kind_of(row.get(0)?),
                    name: event.name.to_owned(),
                    started: event.started,
                    ended: event.ended,
                    body: event.body.to_vec(),
                    place: (event.started, row.get(8)?, id),
                    listed: (row.get(9)?, row.get(8)?, id),
                })
            });
            rows.extend(found.unwrap().map(Result::unwrap));
        }
        rows
    }
}

fn new_event(number: u128, &(session, started, bits): &(u8, i64, u8)) -> NewEvent {
    let mut body = EventBody {
        error: (bits % 5 == 0).then(|| "timeout".to_owned()),
        ..EventBody::default()
    };
    body.metadata.insert("n".to_owned(), json!(bits % 7));
    NewEvent {
        identity: EventIdentity::Given {
            // The order of the ids is not that of the numbers.
            id: Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 100),
            parent: session_id(session),
            yields_to_session: false,
        },
        session: session_id(session),
        session_name: None,
        joins_trace: false,
        // Tools are rare.
        kind: EventKind::ALL[if bits < 5 {
            3
        } else {
            1 + usize::from(bits % 2)
        }],
        name: NAMES[usize::from(bits % 3)].to_owned(),
        started,
        ended: started + i64::from(bits) * 1_000_000,
        source: "test".to_owned(),
        usage: Usage::of(&body),
        body: body.encode().unwrap(),
    }
}

type Place = (i64, i64, Option<[u8; 16]>);

struct Row {
    id: Uuid,
    session: Uuid,
    parent: Option<Uuid>,
    kind: EventKind,
    name: String,
    started: i64,
    ended: i64,
    body: Vec<u8>,
    place: Place,
    /// The place in a list with cursors.
    listed: Place,
}

impl Row {
    fn matches(&self, filter: &filter::Filter) -> bool {
        filter.matches(&Candidate {
            id: self.id,
            session: self.session,
            parent: self.parent,
            kind: self.kind,
            name: &self.name,
            project: "p",
            started: self.started,
            ended: self.ended,
            body: &self.body,
        })
    }
}

/// Returns the ids of the rows that match, in the order of a list.
fn expected(rows: &[Row], filter: &filter::Filter, place: fn(&Row) -> Place) -> Vec<String> {
    let mut found: Vec<_> = rows.iter().filter(|row| row.matches(filter)).collect();
    found.sort_by_key(|row| std::cmp::Reverse(place(row)));
    found.iter().map(|row| row.id.to_string()).collect()
}

fn ids(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap().iter();
    let ids = events.map(|event| event["event_id"].as_str().unwrap().to_owned());
    ids.collect()
}

/// Returns a condition, most of which an index decides.
fn condition() -> impl Strategy<Value = Filter> {
    let filter = |field: &str, operator, value: Value| {
        let mut filter = Filter::is(field, "");
        (filter.operator, filter.value) = (operator, value);
        filter
    };
    let is = prop_oneof![4 => Just(Operator::Is), 1 => Just(Operator::IsNot)];
    let exists = prop_oneof![3 => Just(Operator::Exists), 1 => Just(Operator::NotExists)];
    let order = prop::sample::select(vec![
        Operator::After,
        Operator::Before,
        Operator::GreaterThan,
        Operator::LessThan,
        Operator::Is,
    ]);
    prop_oneof![
        (is.clone(), prop::sample::select(EventKind::ALL.to_vec()))
            .prop_map(move |(is, kind)| filter("event_type", is, json!(kind.as_str()))),
        (is.clone(), prop::sample::select(NAMES.to_vec())).prop_map(move |(is, name)| filter(
            "event_name",
            is,
            json!(name)
        )),
        (is, 0..SESSIONS).prop_map(move |(is, number)| filter(
            "session_id",
            is,
            json!(session_id(number))
        )),
        exists.prop_map(move |operator| filter("error", operator, Value::Null)),
        (order, millis()).prop_map(move |(order, time)| filter("start_time", order, json!(time))),
        (0..7_u8).prop_map(move |n| filter("metadata.n", Operator::LessThan, json!(n))),
    ]
}

fn millis() -> impl Strategy<Value = f64> {
    time().prop_map(hh_api::to_millis)
}

/// Returns the conditions and the range of a request.
fn request() -> impl Strategy<Value = (Vec<Filter>, Value)> {
    let bound = || prop::option::weighted(0.4, (any::<bool>(), millis()));
    let filters = prop::collection::vec(condition(), 0..4);
    (filters, bound(), bound()).prop_map(|(filters, from, to)| {
        let mut range = serde_json::Map::new();
        if let Some((is_inclusive, millis)) = from {
            range.insert(
                if is_inclusive { "$gte" } else { "$gt" }.to_owned(),
                json!(millis),
            );
        }
        if let Some((is_inclusive, millis)) = to {
            range.insert(
                if is_inclusive { "$lte" } else { "$lt" }.to_owned(),
                json!(millis),
            );
        }
        (filters, Value::Object(range))
    })
}

#[test]
fn generated_queries_return_the_same_events_as_a_model_in_memory() {
    let mut databases = Vec::new();
    let mut runner = TestRunner::deterministic();
    for size in [2, 6, 12, 18] {
        let mut database = Database::new();
        let writes = prop::collection::vec(write(), size..=size);
        for write in writes.new_tree(&mut runner).unwrap().current() {
            database.write(&write);
        }
        let rows = database.rows();
        databases.push((database, rows));
    }
    let config = Config {
        cases: 10_000,
        ..Config::default()
    };
    let query = (
        0..databases.len(),
        request(),
        5..40_u32,
        prop::option::weighted(0.7, 0..4_u32),
    );
    let done = TestRunner::new(config).run(&query, |(number, (filters, range), limit, page)| {
        let (database, rows) = &databases[number];
        let filter = filter::Filter::parse(&filters, Some(&range)).unwrap();
        let Some(query) = ReadEvents::matching(filter.clone(), "p") else {
            prop_assert!(!rows.iter().any(|row| row.matches(&filter)));
            return Ok(());
        };
        let query = ReadEvents {
            limit,
            count_time: Duration::from_mins(1),
            ..query
        };
        if let Some(page) = page {
            let all = expected(rows, &filter, |row| row.place);
            let found = database.read(&ReadEvents {
                start: PageStart::Number(page),
                ..query
            });
            let begin = (page * limit) as usize;
            let wanted: Vec<_> = all
                .iter()
                .skip(begin)
                .take(limit as usize)
                .cloned()
                .collect();
            prop_assert_eq!(ids(&found), wanted);
            prop_assert_eq!(&found["totalEvents"], &json!(all.len()));
            prop_assert_eq!(found.get("total_is_exact"), None);
            return Ok(());
        }
        let all = expected(rows, &filter, |row| row.listed);
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let page = database.read(&ReadEvents {
                start: PageStart::Cursor(start),
                ..query.clone()
            });
            if start.is_none() {
                prop_assert_eq!(&page["totalEvents"], &json!(all.len()));
            }
            let on_page = ids(&page);
            prop_assert!(on_page.len() <= limit as usize);
            found.extend(on_page);
            let Some(next) = page["next"].as_str() else {
                break;
            };
            start = Some(Position::parse(next).unwrap());
        }
        prop_assert_eq!(found, all);
        Ok(())
    });
    done.unwrap();
}

#[test]
fn cursors_cover_every_row_exactly_once_while_rows_are_written_and_sessions_move() {
    let config = Config {
        cases: 24,
        ..Config::default()
    };
    let case = (
        prop::collection::vec(write(), 1..10),
        prop::collection::vec(write(), 0..60),
        request(),
        1..6_u32,
    );
    let done = TestRunner::new(config).run(&case, |(first, later, (filters, range), limit)| {
        let mut database = Database::new();
        for write in &first {
            database.write(write);
        }
        let filter = filter::Filter::parse(&filters, Some(&range)).unwrap();
        let Some(query) = ReadEvents::matching(filter.clone(), "p") else {
            return Ok(());
        };
        let before = database.rows();
        let mut found = BTreeMap::<String, usize>::new();
        let (mut start, mut later) = (None, later.iter());
        loop {
            let page = database.read(&ReadEvents {
                start: PageStart::Cursor(start),
                limit,
                ..query.clone()
            });
            for id in ids(&page) {
                *found.entry(id).or_default() += 1;
            }
            let Some(next) = page["next"].as_str() else {
                break;
            };
            start = Some(Position::parse(next).unwrap());
            for write in later.by_ref().take(2) {
                database.write(write);
            }
        }
        for (id, count) in &found {
            prop_assert_eq!(*count, 1, "{}", id);
        }
        // A row can also stop or begin to match.
        let after = database.rows();
        for row in before.iter().filter(|row| row.matches(&filter)) {
            let now = after.iter().find(|other| other.id == row.id).unwrap();
            if now.matches(&filter) {
                prop_assert!(found.contains_key(&row.id.to_string()), "{}", row.id);
            }
        }
        Ok(())
    });
    done.unwrap();
}
