mod generated;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use futures_util::poll;
use hh_auth::ProjectId;
use rusqlite::StatementStatus;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::find_sessions::FIND;
use super::super::get_event::GET;
use super::super::rollups::{Counted, Rollups, day_of};
use super::super::schema;
use super::*;
use crate::domain::keys::KeyRecord;
use crate::domain::usage::Usage;
use crate::store::page::{EventPredicate, Position};
use crate::store::tests::runtime;
use crate::store::{ReadRest, Store};

/// Returns queries with all combinations of filters and starts.
fn all_queries() -> impl Iterator<Item = ReadEvents> {
    let kinds = EventKind::ALL.map(Some).into_iter().chain([None]);
    let filtered = kinds.flat_map(|kind| {
        (0..16).map(move |bits| ReadEvents {
            session: (bits & 1 > 0).then(Uuid::nil),
            kind,
            name: (bits & 2 > 0).then(String::new),
            errors_only: bits & 4 > 0,
            from: (bits & 8 > 0).then_some(1),
            before: (bits & 8 > 0).then_some(2),
            ..ReadEvents::default()
        })
    });
    let position = |id| Position {
        started: 1,
        sid: 1,
        id,
    };
    let starts = [
        PageStart::Number(0),
        PageStart::Number(3),
        PageStart::Cursor(Some(position(None))),
        PageStart::Cursor(Some(position(Some([0; 16])))),
    ];
    filtered.flat_map(move |query| {
        starts.map(|start| ReadEvents {
            start,
            ..query.clone()
        })
    })
}

#[test]
fn every_query_for_events_reads_an_index_in_order_and_sorts_nothing() {
    let (_dir, connection) = database();
    for kind in 1..4 {
        let sql = "INSERT INTO rollup_hours VALUES (1, 0, ?1, 1)";
        connection.execute(sql, [kind]).unwrap();
    }
    let plan = |sql: &str| -> Vec<String> {
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let used = plan.parameter_count();
        let nulls = vec![rusqlite::types::Null; used];
        let steps = plan.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3));
        steps.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let (mut plans, mut plans_with_rows) = (0, 0);
    for query in all_queries() {
        let mut keys = Keys::new(&connection, 1, &query, offset(&query)).unwrap();
        let Some(range) = keys.next_range(&connection).unwrap() else {
            panic!("{query:?} reads no keys");
        };
        let steps = plan(&keys.sql(range, Columns::Keys));
        let check = |steps: &[String]| {
            for bad in ["TEMP B-TREE", "SCAN"] {
                let found = steps.iter().any(|step| step.contains(bad));
                assert!(!found, "{query:?}: {steps:?}");
            }
        };
        check(&steps);
        if let Some(range) = keys.range_of_rows() {
            let with_rows = plan(&keys.sql(range, Columns::Rows));
            check(&with_rows);
            let indexes = |steps: &[String]| -> Vec<String> {
                let of = |step: &String| Some(step.split_once(" INDEX ")?.1.to_owned());
                steps.iter().filter_map(of).collect()
            };
            assert_eq!(indexes(&with_rows), indexes(&steps), "{query:?}");
            plans_with_rows += 1;
        }
        let has_index = |name: &str| steps.iter().any(|step| step.contains(name));
        // The conditions are checked without reading rows.
        let is_covered = query.session.is_none() && (query.name.is_none() || !query.errors_only);
        let reads = steps.iter().filter(|step| step.contains("SEARCH"));
        for read in reads.filter(|_| is_covered) {
            assert!(read.contains("COVERING INDEX"), "{query:?}: {steps:?}");
        }
        if query.session.is_none() && query.kind == Some(EventKind::Tool) {
            let index = match (&query.name, query.errors_only) {
                (Some(_), _) => "events_name (project=? AND kind=? AND name=?",
                (None, true) => "events_errors (project=?",
                (None, false) => "events_time (project=?",
            };
            assert!(has_index(index), "{query:?}: {steps:?}");
            // The range and the cursor limit the part of the index that is read.
            let has_range = query.from.is_some() || matches!(query.start, PageStart::Cursor(_));
            let ranges = ["started<?", "started>?", "(started,sid", "started,sid,id"];
            assert!(
                !has_range || ranges.iter().any(|range| has_index(range)),
                "{query:?}: {steps:?}"
            );
        }
        plans += 1;
    }
    assert_eq!(plans, 5 * 16 * 4);
    assert!(plans_with_rows > 30, "{plans_with_rows}");
    for sql in [FIND, GET, keys::LONGEST_MOVE] {
        let steps = plan(sql);
        let uses_index = steps.iter().any(|step| step.contains("INDEX"));
        assert!(uses_index, "{steps:?}");
        for bad in ["TEMP B-TREE", "SCAN"] {
            let found = steps.iter().any(|step| step.contains(bad));
            assert!(!found, "{steps:?}");
        }
    }
    // The plan of a query that does sort contains these words.
    let sorted = plan("SELECT name FROM events ORDER BY name");
    assert!(sorted.iter().any(|step| step.contains("TEMP B-TREE")));
    assert!(sorted.iter().any(|step| step.contains("SCAN")));
}

#[test]
fn statements_are_prepared_once_for_all_values_of_their_parameters() {
    let (_dir, connection) = database();
    insert(&connection, 100);
    for query in all_queries() {
        for columns in [Columns::Keys, Columns::Rows] {
            let mut keys = Keys::new(&connection, 1, &query, offset(&query)).unwrap();
            let range = keys.next_range(&connection).unwrap().unwrap();
            let sql = keys.sql(range, columns);
            let mut statement = connection.prepare_cached(&sql).unwrap();
            for project in 0..3 {
                let keys = Keys::new(&connection, project, &query, offset(&query)).unwrap();
                let mut rows = keys.run(&mut statement, range).unwrap();
                while rows.next().unwrap().is_some() {}
            }
            let again = statement.get_status(StatementStatus::RePrepare);
            assert_eq!(again, 0, "{sql}");
        }
    }
}

/// Creates an empty database.
fn database() -> (TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let mut connection = schema::open(&path).unwrap();
    schema::migrate_to(&mut connection, schema::newest()).unwrap();
    (dir, connection)
}

const SESSIONS: i64 = 10;
/// The time between two events, so that about eighty are in an hour.
const STEP: i64 = 45_700_000_000;

/// Inserts sessions and events of three kinds in turn.
fn insert(connection: &Connection, events: i64) {
    let transaction = connection.unchecked_transaction().unwrap();
    let mut rollups = Rollups::default();
    let mut count = |kind, started| {
        rollups.add(&Counted {
            project: 1,
            kind,
            day: day_of(started),
            started,
            ended: started,
            usage: Usage::default(),
        });
    };
    for sid in 1..=SESSIONS {
        let started = sid * 1000 * STEP;
        connection
            .prepare_cached(
                "INSERT INTO sessions VALUES (?1, 1, ?2, 's', ?3, ?3, 0, 1, 0, 0, NULL, NULL, NULL, 1, x'7b7d', ?3)",
            )
            .unwrap()
            .execute(params![sid, Uuid::from_u128(sid.unsigned_abs().into()).as_bytes(), started])
            .unwrap();
        count(0, started);
    }
    for number in 0..events {
        let (id, kind) = (
            Uuid::from_u128((1000 + number).unsigned_abs().into()),
            1 + number % 3,
        );
        // Some events have the same start time.
        let started = number / 3 * 3 * STEP;
        connection
            .prepare_cached(
                "INSERT INTO events VALUES (1 + ?1 % 10, ?2, ?3, x'00000000000000000000000000000000', 1, ?4, 'n', ?2, 0,
                   NULL, NULL, NULL, 1, x'7b7d')",
            )
            .unwrap()
            .execute(params![number, started, id.as_bytes(), kind])
            .unwrap();
        count(kind, started);
    }
    rollups.save(connection).unwrap();
    transaction.commit().unwrap();
}

fn stop(is_abandoned: Arc<AtomicBool>) -> Stop {
    Stop::after(Duration::from_mins(1), is_abandoned, "too slow")
}

fn read(connection: &Connection, query: &ReadEvents) -> Value {
    let stop = stop(Arc::default());
    let page = read_page(connection, 1, "p", query, &stop).unwrap();
    serde_json::from_slice(&page.json).unwrap()
}

fn ids(page: &Value) -> Vec<Value> {
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| event["event_id"].clone()).collect()
}

/// Reads all events with cursors, and checks that none is returned twice.
fn read_all(connection: &Connection, query: &ReadEvents) -> Vec<Value> {
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let page = read(
            connection,
            &ReadEvents {
                start: PageStart::Cursor(start),
                ..query.clone()
            },
        );
        all.extend(ids(&page));
        let Some(next) = page["next"].as_str() else {
            let mut different: Vec<_> = all.iter().map(Value::to_string).collect();
            different.sort_unstable();
            different.dedup();
            assert_eq!(different.len(), all.len());
            return all;
        };
        start = Some(Position::parse(next).unwrap());
    }
}

#[test]
fn pages_by_number_and_by_cursor_contain_the_same_events() {
    let (_dir, connection) = database();
    insert(&connection, 5000);
    for (kind, count) in [
        (None, 5010),
        (Some(EventKind::Model), 1667),
        (Some(EventKind::Session), 10),
    ] {
        let query = ReadEvents {
            kind,
            limit: 331,
            ..ReadEvents::default()
        };
        let all = read_all(&connection, &query);
        assert_eq!(all.len(), count);
        for number in 0..20 {
            let start = PageStart::Number(number);
            let page = read(
                &connection,
                &ReadEvents {
                    start,
                    ..query.clone()
                },
            );
            let expected = all.iter().skip(number as usize * 331).take(331).cloned();
            assert_eq!(
                ids(&page),
                expected.collect::<Vec<_>>(),
                "{kind:?} {number}"
            );
            assert_eq!(page["totalEvents"], count);
            assert_eq!(page["total_is_exact"], Value::Null);
        }
    }
}

#[test]
fn a_far_page_costs_little_more_than_the_first() {
    let (_dir, mut connection) = database();
    insert(&connection, 20_000);
    let mut cost = |page| {
        let query = ReadEvents {
            limit: 100,
            start: PageStart::Number(page),
            ..ReadEvents::default()
        };
        let (page, steps) = steps(&mut connection, &query);
        assert_eq!(ids(&page).len(), 100);
        steps
    };
    // 19,900 keys before the page would need several instructions each. Each hour needs some, too.
    let (first, last) = (cost(0), cost(199));
    assert!(last < first + 40_000, "{first} {last}");
}

#[test]
fn events_after_a_page_are_counted_up_to_a_limit() {
    let (_dir, connection) = database();
    insert(&connection, 10_250);
    let filters: [fn(&mut ReadEvents); 3] = [
        |query| query.predicate = Some(EventPredicate::new(|_| true)),
        |query| query.from = Some(i64::MIN),
        |query| query.name = Some("n".to_owned()),
    ];
    for (filter, sessions) in filters.into_iter().zip([10, 10, 0]) {
        let total = |limit, page| {
            let mut query = ReadEvents {
                limit,
                start: PageStart::Number(page),
                count_time: Duration::from_mins(1),
                ..ReadEvents::default()
            };
            filter(&mut query);
            let page = read(&connection, &query);
            (
                page["totalEvents"].as_i64().unwrap(),
                page["total_is_exact"] != false,
            )
        };
        let all = 10_250 + sessions;
        assert_eq!(total(100, 0), (101, false));
        assert_eq!(total(100, 1), (201, false));
        assert_eq!(total(100, 2), (all, true));
        assert_eq!(total(200, 0), (201, false));
        assert_eq!(total(1000, 11), (all, true));
        assert_eq!(total(1000, 50), (all, true));
    }
}

#[test]
fn a_query_that_is_stopped_returns_what_it_found_if_it_has_a_cursor() {
    let (_dir, connection) = database();
    insert(&connection, 1000);
    let all = read_all(&connection, &ReadEvents::default());
    let read = |start| {
        // The query is stopped after 300 events.
        let (stopped, compared) = (Arc::<AtomicBool>::default(), AtomicUsize::new(0));
        let stop = stop(Arc::clone(&stopped));
        let predicate = EventPredicate::new(move |event| {
            stopped.store(
                compared.fetch_add(1, Ordering::Relaxed) >= 300,
                Ordering::Relaxed,
            );
            event.kind != EventKind::Tool
        });
        let query = ReadEvents {
            predicate: Some(predicate),
            start,
            ..ReadEvents::default()
        };
        read_page(&connection, 1, "p", &query, &stop)
    };
    let error = read(PageStart::Number(0)).unwrap_err();
    assert!(matches!(error, StoreError::TooSlow(_)), "{error}");
    let (mut found, mut start, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = read(PageStart::Cursor(start)).unwrap();
        let page: Value = serde_json::from_slice(&page.json).unwrap();
        found.extend(ids(&page));
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        start = Some(Position::parse(next).unwrap());
    }
    assert_eq!(pages, 4);
    let events = read_all(
        &connection,
        &ReadEvents {
            predicate: Some(EventPredicate::new(|event| event.kind != EventKind::Tool)),
            ..ReadEvents::default()
        },
    );
    assert!(events.len() > 600 && events.len() < all.len());
    assert_eq!(found, events);
}

#[test]
fn a_full_page_says_that_more_events_may_follow_if_their_count_is_stopped() {
    let (_dir, connection) = database();
    insert(&connection, 1000);
    // The only events that match are those of the first page.
    let (stopped, compared) = (Arc::<AtomicBool>::default(), AtomicUsize::new(0));
    let stop = stop(Arc::clone(&stopped));
    let predicate = EventPredicate::new(move |_| {
        let number = compared.fetch_add(1, Ordering::Relaxed);
        stopped.store(number >= 300, Ordering::Relaxed);
        number < 10
    });
    let query = ReadEvents {
        predicate: Some(predicate),
        limit: 10,
        ..ReadEvents::default()
    };
    let page = read_page(&connection, 1, "p", &query, &stop).unwrap();
    let page: Value = serde_json::from_slice(&page.json).unwrap();
    assert_eq!(ids(&page).len(), 10);
    assert_eq!(page["totalEvents"], 11);
    assert_eq!(page["total_is_exact"], false);
}

#[test]
fn few_events_are_compared_after_a_page_is_full() {
    let (_dir, connection) = database();
    insert(&connection, 60_000);
    for start in [PageStart::Number(0), PageStart::Cursor(None)] {
        let compared = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&compared);
        // Only the events of the first page match.
        let predicate = EventPredicate::new(move |_| counted.fetch_add(1, Ordering::Relaxed) < 10);
        let query = ReadEvents {
            predicate: Some(predicate),
            limit: 10,
            start,
            count_time: Duration::from_mins(1),
            ..ReadEvents::default()
        };
        let page = read(&connection, &query);
        assert_eq!(ids(&page).len(), 10);
        let has_cursor = matches!(start, PageStart::Cursor(_));
        assert_eq!(page["totalEvents"], if has_cursor { 10 } else { 11 });
        assert_eq!(page["total_is_exact"], false);
        assert_eq!(page["next"].is_string(), has_cursor);
        let compared = compared.load(Ordering::Relaxed);
        assert!(compared < 50_100, "{compared}");
    }
}

#[test]
fn a_count_ends_after_its_time_and_the_page_is_returned() {
    let (_dir, connection) = database();
    insert(&connection, 1000);
    let compared = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&compared);
    let predicate = EventPredicate::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    let query = ReadEvents {
        predicate: Some(predicate),
        limit: 10,
        count_time: Duration::ZERO,
        ..ReadEvents::default()
    };
    let page = read(&connection, &query);
    assert_eq!((ids(&page).len(), &page["totalEvents"]), (10, &11.into()));
    assert_eq!(compared.load(Ordering::Relaxed), 10);
}

/// Counts the instructions of SQLite that a query needs.
fn steps(connection: &mut Connection, query: &ReadEvents) -> (Value, usize) {
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    // The first time, the statements are prepared.
    read(connection, query);
    connection.progress_handler(1, Some(count)).unwrap();
    let page = read(connection, query);
    connection
        .progress_handler(0, None::<fn() -> bool>)
        .unwrap();
    (page, steps.load(Ordering::Relaxed))
}

#[test]
fn a_far_page_of_a_range_costs_little_more_than_the_first() {
    let (_dir, mut connection) = database();
    insert(&connection, 40_000);
    let hour = rollups::start_of_hour(1);
    // The bounds are within hours, and the pages are far from both.
    let (from, before) = (hour / 2, 39_000 / 3 * 3 * STEP - hour / 3);
    for kind in [None, Some(EventKind::Model)] {
        let range = ReadEvents {
            from: Some(from),
            before: Some(before),
            kind,
            limit: 100,
            count_time: Duration::ZERO,
            ..ReadEvents::default()
        };
        let all: Vec<_> = read_all(
            &connection,
            &ReadEvents {
                limit: 7500,
                ..range.clone()
            },
        );
        let last = u32::try_from(all.len() / 100 - 1).unwrap();
        let mut cost = |page| {
            let start = PageStart::Number(page);
            let query = ReadEvents {
                start,
                ..range.clone()
            };
            let (found, cost) = steps(&mut connection, &query);
            let expected = all.iter().skip(100 * page as usize).take(100);
            assert_eq!(ids(&found), expected.cloned().collect::<Vec<_>>(), "{page}");
            cost
        };
        let (first, far) = (cost(0), cost(last));
        for page in [1, 9, 10, 11, 50, last / 2] {
            cost(page);
        }
        // 39,000 keys before the page would need several instructions each. Each hour needs some, too.
        assert!(far < first + 40_000, "{kind:?}: {first} {far}");
    }
}

#[test]
fn a_rare_kind_is_found_without_reading_the_events_of_others() {
    let (_dir, mut connection) = database();
    insert(&connection, 40_000);
    // One event in an early hour that has no others.
    connection
        .execute(
            "INSERT INTO events VALUES (1, ?1, zeroblob(16), zeroblob(16), 1, 2, 'n', 0, 0, NULL, NULL, NULL, 1, x'7b7d')",
            [-STEP * 1000],
        )
        .unwrap();
    connection
        .execute_batch(
            "UPDATE events SET kind = 1 WHERE kind = 2 AND started >= 0;
             DELETE FROM rollup_hours WHERE kind = 2;
             DELETE FROM rollup_totals WHERE kind = 2;
             INSERT INTO rollup_totals VALUES (1, 2, 1);",
        )
        .unwrap();
    let hour = rollups::hour_of(-STEP * 1000);
    let sql = "INSERT INTO rollup_hours VALUES (1, ?1, 2, 1)";
    connection.execute(sql, [hour]).unwrap();
    for start in [PageStart::Number(0), PageStart::Cursor(None)] {
        let query = ReadEvents {
            kind: Some(EventKind::Model),
            start,
            ..ReadEvents::default()
        };
        let (page, steps) = steps(&mut connection, &query);
        assert_eq!((ids(&page).len(), &page["totalEvents"]), (1, &1.into()));
        assert_eq!(page["next"], Value::Null);
        assert!(steps < 10_000, "{steps}");
    }
}

#[test]
fn the_events_of_a_session_are_counted_for_the_first_page_only() {
    let (_dir, mut connection) = database();
    insert(&connection, 40_000);
    let query = |start| ReadEvents {
        session: Some(Uuid::from_u128(3)),
        limit: 10,
        start: PageStart::Cursor(start),
        ..ReadEvents::default()
    };
    let (first, whole) = steps(&mut connection, &query(None));
    assert_eq!(first["totalEvents"], 4001);
    let next = Position::parse(first["next"].as_str().unwrap()).unwrap();
    let (second, part) = steps(&mut connection, &query(Some(next)));
    assert_eq!(second["total_is_exact"], false);
    assert!(whole > 4000 && part < 2000, "{whole} {part}");
}

/// Returns a store with events of the project 1, and an access to it.
fn store(events: i64) -> (TempDir, Store, ProjectAccess) {
    let (dir, connection) = database();
    insert(&connection, events);
    drop(connection);
    let path = dir.path().join("honeyhive.db");
    let store = Store::open(&path, Arc::new(()), Arc::default()).unwrap();
    let key = crate::store::tests::first_key();
    store.first_start("o".to_owned(), key).unwrap();
    let access = ProjectAccess::of(ProjectId::new(1), "p", &KeyRecord::of_admin(1));
    (dir, store, access)
}

#[test]
fn a_query_compares_no_event_after_its_caller_is_gone() {
    let (_dir, store, access) = store(1000);
    let (begun, has_begun) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let compared = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&compared);
    let predicate = EventPredicate::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        begun.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
        true
    });
    let query = ReadEvents {
        predicate: Some(predicate),
        ..ReadEvents::default()
    };
    runtime().block_on(async {
        let mut query = Box::pin(store.read(&access, query));
        // Polling starts the query on another thread.
        while has_begun.try_recv().is_err() {
            assert!(poll!(&mut query).is_pending());
            tokio::task::yield_now().await;
        }
        drop(query);
        drop(go);
        store.close().await;
    });
    assert_eq!(compared.load(Ordering::SeqCst), 1);
}

#[test]
fn a_query_that_exceeds_its_time_limit_is_stopped() {
    let (_dir, store, access) = store(10);
    runtime().block_on(async {
        for start in [PageStart::Number(0), PageStart::Cursor(None)] {
            let query = ReadEvents {
                start,
                time_limit: Duration::ZERO,
                ..ReadEvents::default()
            };
            let error = store.read(&access, query).await.unwrap_err();
            assert!(matches!(error, StoreError::TooSlow(_)), "{error}");
        }
        store.close().await;
    });
}

#[test]
fn a_page_beyond_the_limit_is_refused() {
    let (_dir, store, access) = store(10);
    runtime().block_on(async {
        let read = |limit, page| {
            let start = PageStart::Number(page);
            let query = ReadEvents {
                start,
                limit,
                ..ReadEvents::default()
            };
            store.read(&access, query)
        };
        read(1000, 10_000).await.unwrap();
        for (limit, page) in [(1000, 10_001), (1, 10_000_001), (7500, u32::MAX)] {
            let error = read(limit, page).await.unwrap_err();
            insta::allow_duplicates! {
                insta::assert_snapshot!(error, @"the page is beyond the first 10000000 events; use a filter or a time range");
            }
            assert!(matches!(error, StoreError::Refused(Refusal::Invalid(_))));
        }
        store.close().await;
    });
}

#[test]
fn the_rest_of_a_page_has_no_rows_of_a_session_that_replaced_the_one_of_the_page() {
    let (dir, store, access) = store(100);
    let other = ProjectAccess::of(ProjectId::new(2), "q", &KeyRecord::of_admin(1));
    let connection = Connection::open(dir.path().join("honeyhive.db")).unwrap();
    let position = |sql: &str| {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Position {
                started: row.get(0)?,
                sid: row.get(1)?,
                id: row.get(2)?,
            })
        };
        connection.query_row(sql, [], read).unwrap()
    };
    let positions = vec![
        position("SELECT started, sid, NULL FROM sessions WHERE sid = 1"),
        position("SELECT started, sid, id FROM events WHERE sid = 1"),
    ];
    let execute = |sql: &str| connection.execute(sql, []).unwrap();
    runtime().block_on(async {
        let kinds = async |access: &ProjectAccess| {
            let positions = positions.clone();
            let page = store.read(access, ReadRest { positions }).await.unwrap();
            let page: Value = serde_json::from_slice(&page.json).unwrap();
            let events = page["events"].as_array().unwrap();
            let is_session = |event: &Value| event["event_type"] == "session";
            events.iter().map(is_session).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&access).await, [true, false]);
        assert!(kinds(&other).await.is_empty());
        // The start of the session moves.
        execute("UPDATE sessions SET started = started - 1 WHERE sid = 1");
        assert_eq!(kinds(&access).await, [true, false]);
        // Another session has the same number.
        execute("UPDATE sessions SET listed = started - 1, started = started - 1 WHERE sid = 1");
        assert_eq!(kinds(&access).await, [false]);
        execute("INSERT INTO deleted_sessions VALUES (1, 1)");
        assert!(kinds(&access).await.is_empty());
        store.close().await;
    });
}
