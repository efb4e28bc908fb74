//! Fills a database of the server, and runs bare queries on it, as the baseline of `cargo xtask bench reads`.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, ToSql, params};
use rustix::time::{ClockId, clock_gettime};

/// The number of events in a session.
const SESSION: u64 = 25;
/// The number of events in the earliest session, which is read as a whole.
const LARGE_SESSION: u64 = 1000;
/// The id of the large session, and of its first event.
const KNOWN_ID: [u8; 16] = [7; 16];
const START: i64 = 1_767_225_600_000_000_000;
/// The time in which all events start: thirty days.
const DURATION: i64 = 30 * 24 * HOUR;
const HOUR: i64 = 60 * 60 * 1_000_000_000;
const NAMES: [&str; 5] = ["chat", "search", "plan", "summarize", "embed"];
const BODY: &str = r#"{"source":"bench","inputs":{"question":"Where does login keep my key, and who can read it?"},"outputs":{"answer":"In a file that only its owner can read"},"metadata":{"model":"none"},"metrics":{"prompt_tokens":12}}"#;
/// Number of rounds; the best one counts, because other work on the machine only increases the time.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["fill", path, events] => fill(Path::new(path), events.parse()?),
        ["measure", path] => measure(Path::new(path)),
        _ => Err("usage: bench-database fill PATH EVENTS | measure PATH".into()),
    }
}

/// Inserts events in the order of the primary key, and creates the indexes after that.
fn fill(path: &Path, events: u64) -> Result<(), Box<dyn Error>> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cache_size", -262_144)?;
    let project: i64 =
        connection.query_row("SELECT min(project) FROM projects", [], |row| row.get(0))?;
    let indexes = {
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
          AND tbl_name IN ('events', 'sessions')";
        let mut statement = connection.prepare(sql)?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.collect::<Result<Vec<(String, String)>, _>>()?
    };
    for (name, _) in &indexes {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let counts = insert(&connection, project, events)?;
    for (_, sql) in &indexes {
        connection.execute_batch(sql)?;
    }
    let mut totals = BTreeMap::<i64, i64>::new();
    let transaction = connection.unchecked_transaction()?;
    for ((hour, kind), n) in &counts {
        *totals.entry(*kind).or_default() += n;
        connection
            .prepare_cached("INSERT INTO rollup_hours VALUES (?1, ?2, ?3, ?4)")?
            .execute([project, *hour, *kind, *n])?;
    }
    for (kind, n) in totals {
        let sql = "INSERT INTO rollup_totals VALUES (?1, ?2, ?3)";
        connection.execute(sql, [project, kind, n])?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}

/// Inserts sessions and events, and returns their number by hour and kind.
fn insert(
    connection: &Connection,
    project: i64,
    events: u64,
) -> Result<BTreeMap<(i64, i64), i64>, Box<dyn Error>> {
    let transaction = connection.unchecked_transaction()?;
    let mut session = connection.prepare(
        "INSERT INTO sessions (sid, project, id, name, started, ended, implicit, id_scheme, day, listed, family, body)
         VALUES (?1, ?2, ?3, 'session', ?4, ?4, 1, 1, ?5, ?4, 1, CAST('{\"source\":\"bench\"}' AS BLOB))",
    )?;
    let mut event = connection.prepare(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, error, family, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10)",
    )?;
    let step = DURATION / i64::try_from(events.max(1))?;
    let mut counts = BTreeMap::new();
    let (mut sid, mut left, mut id) = (0_i64, 0_u64, KNOWN_ID);
    for number in 0..events {
        let started = START + i64::try_from(number)? * step;
        if left == 0 {
            sid += 1;
            left = if sid == 1 { LARGE_SESSION } else { SESSION };
            id = if sid == 1 {
                KNOWN_ID
            } else {
                spread(number, 1)
            };
            session.execute(params![sid, project, id, started, started / (24 * HOUR)])?;
            *counts.entry((started / HOUR, 0)).or_default() += 1;
        }
        left -= 1;
        // The first bytes of an id are those of its trace.
        let mut event_id = spread(number, 2);
        for (byte, of_session) in event_id.iter_mut().zip(id).take(6) {
            *byte = of_session;
        }
        if number == 0 {
            event_id = [8; 16];
        }
        let kind = 1 + i64::try_from(number % 3)?;
        let name = NAMES[usize::try_from(number)? % NAMES.len()];
        let ended = started + 5_000_000;
        event.execute(params![
            sid,
            started,
            event_id,
            id,
            project,
            kind,
            name,
            ended,
            number % 100 == 0,
            BODY.as_bytes()
        ])?;
        *counts.entry((started / HOUR, kind)).or_default() += 1;
    }
    drop((session, event));
    transaction.commit()?;
    Ok(counts)
}

/// Returns bytes that look random.
fn spread(number: u64, seed: u64) -> [u8; 16] {
    let mix = |value: u64| {
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let high = mix(number.wrapping_mul(4).wrapping_add(seed));
    let both = (u128::from(high) << 64) | u128::from(mix(high));
    both.to_be_bytes()
}

/// Prints the CPU time of each query in microseconds, one line each. The connection has the defaults of rusqlite.
fn measure(path: &Path) -> Result<(), Box<dyn Error>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let project: i64 =
        connection.query_row("SELECT min(project) FROM projects", [], |row| row.get(0))?;
    let columns = "e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body";
    let page = format!(
        "SELECT 0, id, id, NULL, name, started, ended, body, sid FROM sessions WHERE project = ?1
         UNION ALL
         SELECT {columns}, e.sid FROM events e CROSS JOIN sessions s USING (sid) WHERE e.project = ?1
         ORDER BY 6 DESC, 9 DESC, 2 DESC LIMIT 100"
    );
    let session = format!(
        "SELECT {columns} FROM sessions s CROSS JOIN events e USING (sid) WHERE s.project = ?1 AND s.id = ?2
         ORDER BY e.started DESC, e.id DESC LIMIT 1000"
    );
    let event = format!(
        "SELECT {columns} FROM events e CROSS JOIN sessions s USING (sid) WHERE e.project = ?1 AND e.id = ?2"
    );
    let total = "SELECT n FROM rollup_totals WHERE project = ?1 AND kind = 1";
    for (name, sql, values, rows, times) in [
        ("page", &*page, &[&project as &dyn ToSql][..], 100, 200),
        ("session", &session, &[&project, &KNOWN_ID], 1000, 50),
        ("event", &event, &[&project, &[8_u8; 16]], 1, 5000),
        ("stored total", total, &[&project], 1, 5000),
    ] {
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let start = clock_gettime(ClockId::ThreadCPUTime);
            for _ in 0..times {
                let found = read(&connection, sql, values)?;
                if found != rows {
                    return Err(format!("{name}: {found} rows instead of {rows}").into());
                }
            }
            let end = clock_gettime(ClockId::ThreadCPUTime);
            let nanos = (end.tv_sec - start.tv_sec) * 1_000_000_000 + (end.tv_nsec - start.tv_nsec);
            #[expect(clippy::cast_precision_loss, reason = "the times are short")]
            let micros = nanos as f64 / 1e3 / f64::from(times);
            best = best.min(micros);
        }
        writeln!(io::stdout(), "{name} {best:.2}")?;
    }
    Ok(())
}

/// Reads all columns of all rows, and returns the number of rows.
fn read(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<usize, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(values)?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            black_box(row.get_ref(column)?);
        }
        count += 1;
    }
    Ok(count)
}
