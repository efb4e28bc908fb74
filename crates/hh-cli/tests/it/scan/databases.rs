//! Keys in SQLite databases.

use std::fs;

use hh_auth::Level;
use rusqlite::Connection;

use super::{POSSIBLE, commit, found, minted, with_repository};
use crate::support::TestEnv;

/// Creates a database with a table.
fn database(env: &TestEnv, name: &str, settings: &str) -> Connection {
    let connection = Connection::open(env.path(name)).unwrap();
    connection.execute_batch(settings).unwrap();
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, key TEXT, tail TEXT)";
    connection.execute_batch(table).unwrap();
    connection
}

fn insert(connection: &Connection, values: [&str; 3]) {
    let insert = "INSERT INTO t (name, key, tail) VALUES (?, ?, ?)";
    connection.execute(insert, values).unwrap();
}

/// Closes a database without deleted values.
fn close(connection: Connection) {
    connection.execute_batch("VACUUM").unwrap();
    connection.close().unwrap();
}

/// Returns the redacted keys that are found in a file.
fn keys(env: &TestEnv, arguments: &[&str]) -> Vec<String> {
    let mut keys: Vec<_> = found(env, arguments)
        .iter()
        .map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            format!("{} {}", words[0], words[2])
        })
        .collect();
    keys.sort();
    keys
}

const SETTINGS: [&str; 4] = [
    "",
    "PRAGMA page_size = 512",
    "PRAGMA page_size = 65536",
    "PRAGMA encoding = 'UTF-16le'; PRAGMA page_size = 1024",
];

#[test]
fn a_key_between_the_values_of_other_columns() {
    let env = TestEnv::new();
    let typed = minted(Level::IngestOnly);
    for (number, settings) in SETTINGS.iter().enumerate() {
        let name = format!("{number}.db");
        let connection = database(&env, &name, settings);
        for row in 0..200 {
            insert(&connection, ["name", "value", &format!("{row}")]);
        }
        // No character separates the values in the file.
        insert(&connection, ["default", POSSIBLE, "2026-11-30"]);
        insert(&connection, ["ingestion", &typed, "tail"]);
        insert(&connection, ["text", &format!("HH_API_KEY={POSSIBLE}"), ""]);
        close(connection);
        let mut wanted = vec![
            format!("confirmed {}", hh_auth::redact(&typed)),
            format!("possible {}", hh_auth::redact(POSSIBLE)),
            format!("possible {}", hh_auth::redact(POSSIBLE)),
        ];
        wanted.sort();
        assert_eq!(keys(&env, &[&name]), wanted, "{settings}");
    }
}

/// Returns a possible key that is different for each number.
fn possible(number: usize) -> String {
    format!("hh_Z{number:04}{}", &POSSIBLE[8..])
}

/// Returns the redacted keys that are found in a file, without copies in unused parts of its pages.
fn distinct(env: &TestEnv, name: &str) -> Vec<String> {
    let mut keys = keys(env, &[name]);
    keys.dedup();
    keys
}

#[test]
fn a_key_at_every_place_of_a_long_value() {
    let env = TestEnv::new();
    for (number, settings) in SETTINGS.iter().enumerate() {
        let name = format!("{number}.db");
        let connection = database(&env, &name, settings);
        let mut wanted = Vec::new();
        // The value starts in a page of the table and continues in other pages.
        for before in (0..4_200).step_by(37) {
            let (confidence, key) = if before % 2 == 0 {
                ("confirmed", minted(Level::IngestOnly))
            } else {
                ("possible", possible(before))
            };
            let text = format!("{} {key} {}", "x".repeat(before), "y".repeat(3_000));
            insert(&connection, ["n", &text, "t"]);
            wanted.push(format!("{confidence} {}", hh_auth::redact(&key)));
        }
        close(connection);
        wanted.sort();
        assert_eq!(distinct(&env, &name), wanted, "{settings}");
    }
}

#[test]
fn blobs_indexes_and_tables_without_row_ids() {
    let env = TestEnv::new();
    for (table, insert) in [
        (
            "CREATE TABLE t (name TEXT, value BLOB)",
            "INSERT INTO t VALUES (?, ?)",
        ),
        (
            "CREATE TABLE t (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
            "INSERT INTO t VALUES (?, ?)",
        ),
        (
            "CREATE TABLE t (value TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID",
            "INSERT INTO t VALUES (?2, ?1)",
        ),
    ] {
        let connection = Connection::open(env.path("a.db")).unwrap();
        connection
            .execute_batch("PRAGMA page_size = 512; DROP TABLE IF EXISTS t")
            .unwrap();
        connection.execute_batch(table).unwrap();
        let mut wanted = Vec::new();
        for before in (0..900).step_by(7) {
            let value = format!("{} {}", "x".repeat(before), possible(before));
            let row = (before.to_string(), value.into_bytes());
            connection.execute(insert, row).unwrap();
            wanted.push(format!("possible {}", hh_auth::redact(&possible(before))));
        }
        close(connection);
        assert_eq!(distinct(&env, "a.db"), wanted, "{table}");
    }
}

#[test]
fn databases_in_repositories_and_on_standard_input() {
    let env = with_repository();
    let connection = database(&env, "a.db", "PRAGMA page_size = 512");
    insert(&connection, ["default", POSSIBLE, "tail"]);
    insert(
        &connection,
        ["n", &format!("{} {POSSIBLE}", "x".repeat(440)), "t"],
    );
    close(connection);
    assert_eq!(keys(&env, &["a.db"]).len(), 2);
    commit(&env);
    assert_eq!(keys(&env, &["--history"]).len(), 2);
    let input = fs::File::open(env.path("a.db")).unwrap();
    let output = env
        .command(&["auth", "scan", "-"])
        .stdin(input)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("<stdin>:").count(), 2, "{stdout}");
    assert!(!stdout.contains(&POSSIBLE[8..]), "{stdout}");
}

#[test]
fn damaged_databases_are_scanned_as_bytes() {
    let env = TestEnv::new();
    let connection = database(&env, "a.db", "PRAGMA page_size = 512");
    for before in 0..60 {
        let text = format!(
            "{} {POSSIBLE} {}",
            "x".repeat(before * 20),
            "y".repeat(2_000)
        );
        insert(&connection, ["n", &text, "t"]);
    }
    close(connection);
    let bytes = fs::read(env.path("a.db")).unwrap();
    let mut seed = 7_u64;
    for round in 0..40 {
        let mut damaged = bytes.clone();
        for _ in 0..200 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = usize::try_from(seed >> 33).unwrap() % damaged.len();
            // The first bytes identify the format.
            damaged[at.max(16)] = seed.to_le_bytes()[4];
        }
        damaged.truncate(damaged.len() - round * 900);
        env.write("damaged.db", &damaged);
        let done = env.run(&["auth", "scan", "damaged.db"]);
        assert_eq!(done.code, 1, "{}", done.stderr);
    }
    for header in [0, 1, 3, 511, 0x4000] {
        let mut damaged = bytes.clone();
        damaged[16..18].copy_from_slice(&u16::to_be_bytes(header));
        damaged[20] = 0xff;
        env.write("damaged.db", &damaged);
        assert_eq!(env.run(&["auth", "scan", "damaged.db"]).code, 1);
    }
    env.write("short.db", &bytes[..40]);
    assert_eq!(env.run(&["auth", "scan", "short.db"]).code, 0);
}

/// The cells of a valid page do not overlap. A page whose cells are all the same long record would take hours.
#[test]
fn cells_that_overlap_do_not_slow_the_scan_down() {
    let env = TestEnv::new();
    let connection = database(&env, "a.db", "PRAGMA page_size = 65536");
    let key = minted(Level::IngestOnly);
    insert(
        &connection,
        ["", "", &format!("{}{key}", "x".repeat(60_000))],
    );
    close(connection);
    let mut bytes = fs::read(env.path("a.db")).unwrap();
    let page = bytes.len() - 65_536;
    let cells = [bytes[page + 8], bytes[page + 9]].repeat(2_000);
    bytes[page + 3..page + 5].copy_from_slice(&2_000_u16.to_be_bytes());
    bytes[page + 8..page + 8 + cells.len()].copy_from_slice(&cells);
    let copies = bytes[page..].repeat(100);
    bytes.extend(copies);
    env.write("a.db", &bytes);
    assert_eq!(
        distinct(&env, "a.db"),
        [format!("confirmed {}", hh_auth::redact(&key))]
    );
}
