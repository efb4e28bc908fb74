use std::path::Path;

use rusqlite::types::Value;

use super::super::{large_bodies, schema};
use super::*;

const TABLES: [&str; 3] = ["rollup_totals", "rollup_days", "rollup_hours"];

/// Returns all rows of a table in the order of its key, without counts of nothing.
fn rows(connection: &Connection, table: &str) -> Vec<Vec<Value>> {
    let sql = format!("SELECT * FROM {table} WHERE n != 0 ORDER BY 1, 2, 3");
    let mut statement = connection.prepare(&sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).map(|column| row.get(column)).collect()
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn empty() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate_to(&mut connection, schema::newest()).unwrap();
    connection
}

/// Checks that the counts of a database are those of its rows, which are read from the bodies.
pub(crate) fn check_counts(path: &Path) {
    let stored = Connection::open(path).unwrap();
    let counted = empty();
    let mut rollups = Rollups::default();
    let usage = "error, input_tokens, output_tokens, cost";
    for rows in [
        format!(
            "SELECT project, 0, day, started, ended, {}, {usage} FROM sessions",
            large_bodies::BODY
        ),
        format!("SELECT project, kind, NULL, started, ended, body, {usage} FROM events"),
    ] {
        let mut statement = stored.prepare(&rows).unwrap();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let started = row.get(3).unwrap();
            let body: Vec<u8> = row.get(5).unwrap();
            let usage = Usage::of_encoded(&body).unwrap();
            let columns = Usage {
                has_error: row.get(6).unwrap(),
                input_tokens: row.get(7).unwrap(),
                output_tokens: row.get(8).unwrap(),
                cost: row.get(9).unwrap(),
            };
            assert_eq!(columns, usage, "{}", String::from_utf8_lossy(&body));
            rollups.add(&Counted {
                project: row.get(0).unwrap(),
                kind: row.get(1).unwrap(),
                day: row
                    .get::<_, Option<_>>(2)
                    .unwrap()
                    .unwrap_or(day_of(started)),
                started,
                ended: row.get(4).unwrap(),
                usage,
            });
        }
    }
    rollups.save(&counted).unwrap();
    for table in TABLES {
        assert_eq!(rows(&stored, table), rows(&counted, table), "{table}");
    }
}

fn event(started: i64, usage: Usage) -> Counted {
    Counted {
        project: 1,
        kind: 2,
        day: day_of(started),
        started,
        ended: started + 5000,
        usage,
    }
}

#[test]
fn counts_of_removed_events_are_deleted() {
    let connection = empty();
    let usage = Usage {
        has_error: true,
        input_tokens: Some(3),
        output_tokens: None,
        cost: Some(0.1),
    };
    let events: Vec<_> = (0..40).map(|number| event(number * HOUR, usage)).collect();
    let mut rollups = Rollups::default();
    for event in &events {
        rollups.add(event);
    }
    rollups.save(&connection).unwrap();
    let sql = "SELECT n, errors, input_tokens, output_tokens, cost FROM rollup_days WHERE day = 0";
    let day: (i64, i64, i64, i64, i64) =
        connection.query_row(sql, [], |row| row.try_into()).unwrap();
    assert_eq!(day, (24, 24, 72, 0, 2_400_000_000));
    assert_eq!(total(&connection, 1, Some(2)).unwrap(), 40);
    assert_eq!(total(&connection, 1, None).unwrap(), 40);
    assert_eq!(total(&connection, 2, None).unwrap(), 0);
    for part in events.chunks(7) {
        let mut rollups = Rollups::default();
        for event in part {
            rollups.remove(event);
        }
        rollups.save(&connection).unwrap();
    }
    for table in &TABLES[1..] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{table}");
    }
    assert_eq!(total(&connection, 1, None).unwrap(), 0);
}

#[test]
fn a_jump_skips_whole_hours_only() {
    let connection = empty();
    let mut rollups = Rollups::default();
    for number in 0..30 {
        // Ten events in each of the hours -1, 0 and 1.
        rollups.add(&event((number / 10 - 1) * HOUR + number, Usage::default()));
    }
    rollups.save(&connection).unwrap();
    let of = |kind, offset| jump(&connection, 1, kind, (i64::MIN, i64::MAX), offset).unwrap();
    let jumps = [0, 9, 10, 19, 20, 29, 30, 100].map(|offset| {
        let jump = of(None, offset).unwrap();
        (jump.before / HOUR, jump.skipped)
    });
    let expected = [
        (2, 0),
        (2, 0),
        (1, 10),
        (1, 10),
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 20),
    ];
    assert_eq!(jumps, expected);
    assert_eq!(of(Some(2), 25).unwrap().skipped, 20);
    assert_eq!(of(Some(3), 25), None);
    let within = jump(&connection, 1, None, (-1, 0), 15).unwrap().unwrap();
    assert_eq!((within.before / HOUR, within.skipped), (0, 10));
    assert_eq!(jump(&connection, 1, None, (2, 1), 15).unwrap(), None);
    let hour = |kind, up_to| last_hour(&connection, 1, kind, up_to).unwrap();
    assert_eq!(
        [hour(2, 9), hour(2, 0), hour(2, -1)],
        [Some(1), Some(0), Some(-1)]
    );
    assert_eq!([hour(2, -2), hour(3, 9)], [None, None]);
}

#[test]
fn a_sum_beyond_64_bits_is_correct_again_when_events_are_removed() {
    let connection = empty();
    let most = Usage {
        has_error: false,
        input_tokens: Some(i64::MAX / 2),
        output_tokens: None,
        cost: Some(1e6),
    };
    let few = Usage {
        input_tokens: Some(3),
        cost: Some(0.5),
        ..most
    };
    let mut rollups = Rollups::default();
    rollups.add(&event(0, few));
    for _ in 0..10_000 {
        rollups.add(&event(0, most));
    }
    rollups.save(&connection).unwrap();
    for _ in 0..4 {
        let mut rollups = Rollups::default();
        for _ in 0..2_500 {
            rollups.remove(&event(0, most));
        }
        rollups.save(&connection).unwrap();
    }
    let sql = "SELECT n, input_tokens, cost FROM rollup_days";
    let day: (i64, i64, i64) = connection.query_row(sql, [], |row| row.try_into()).unwrap();
    assert_eq!(day, (1, 3, 500_000_000));
}
