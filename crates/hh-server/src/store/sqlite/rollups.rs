//! Keeps counts of events by project, kind and time in the same transaction as the events.
//!
//! A command collects its changes in memory and saves them once, so that it changes few rows for many events.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::histogram::Histogram;
use crate::domain::usage::Usage;
use crate::store::port::StoreError;

const HOUR: i64 = 60 * 60 * 1_000_000_000;
const DAY: i64 = 24 * HOUR;

/// The cost of 1, in the unit of `rollup_days`.
const COST: f64 = 1e9;

/// Returns the UTC day of a time in nanoseconds since 1970, as days since 1970.
pub(super) fn day_of(nanos: i64) -> i64 {
    nanos.div_euclid(DAY)
}

/// Returns the hour of a time in nanoseconds since 1970, as hours since 1970.
pub(super) fn hour_of(nanos: i64) -> i64 {
    nanos.div_euclid(HOUR)
}

/// Returns the first time of an hour, in nanoseconds since 1970.
pub(super) fn start_of_hour(hour: i64) -> i64 {
    hour.saturating_mul(HOUR)
}

/// Returns the first time after an hour, in nanoseconds since 1970.
pub(super) fn end_of_hour(hour: i64) -> i64 {
    start_of_hour(hour.saturating_add(1))
}

/// Returns the first hour that begins at a time or after it.
pub(super) fn first_whole_hour(nanos: i64) -> i64 {
    let hour = hour_of(nanos);
    hour + i64::from(nanos.rem_euclid(HOUR) != 0)
}

/// What the counts contain of one event or session. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) project: i64,
    pub(super) kind: i64,
    /// The day of an event, or the day on which a session was created.
    pub(super) day: i64,
    pub(super) started: i64,
    pub(super) ended: i64,
    pub(super) usage: Usage,
}

/// Changes of the counts.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    /// By project, day and kind.
    days: BTreeMap<(i64, i64, i64), DayCounts>,
    /// By project, hour and kind.
    hours: BTreeMap<(i64, i64, i64), i64>,
}

#[derive(Debug, Default)]
struct DayCounts {
    n: i64,
    errors: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost: i64,
    latency: Histogram,
}

impl DayCounts {
    fn is_zero(&self) -> bool {
        let Self {
            n,
            errors,
            input_tokens,
            output_tokens,
            cost,
            latency,
        } = self;
        [n, errors, input_tokens, output_tokens, cost]
            .into_iter()
            .all(|count| *count == 0)
            && latency.is_zero()
    }

    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            n: row.get(0)?,
            errors: row.get(1)?,
            input_tokens: row.get(2)?,
            output_tokens: row.get(3)?,
            cost: row.get(4)?,
            latency: Histogram::decode(row.get_ref(5)?.as_blob()?),
        })
    }

    fn add(&mut self, change: &Self) {
        for (count, change) in [
            (&mut self.n, change.n),
            (&mut self.errors, change.errors),
            (&mut self.input_tokens, change.input_tokens),
            (&mut self.output_tokens, change.output_tokens),
            (&mut self.cost, change.cost),
        ] {
            // A sum that wraps is correct again when events are removed; a saturated sum never would be.
            *count = count.wrapping_add(change);
        }
        self.latency.add(&change.latency);
    }
}

impl Rollups {
    /// Counts an event or a session.
    pub(super) fn add(&mut self, event: &Counted) {
        self.change(event, 1);
    }

    /// Removes an event or a session from the counts.
    pub(super) fn remove(&mut self, event: &Counted) {
        self.change(event, -1);
    }

    fn change(&mut self, event: &Counted, sign: i64) {
        let Counted {
            project,
            kind,
            usage,
            ..
        } = *event;
        let day = self.days.entry((project, event.day, kind)).or_default();
        day.n += sign;
        day.errors += sign * i64::from(usage.has_error);
        let add = |sum: &mut i64, value: i64| *sum = sum.wrapping_add(sign * value);
        add(&mut day.input_tokens, usage.input_tokens.unwrap_or(0));
        add(&mut day.output_tokens, usage.output_tokens.unwrap_or(0));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cost of an event is limited"
        )]
        let cost = (usage.cost.unwrap_or(0.0) * COST).round() as i64;
        add(&mut day.cost, cost);
        let duration = event.ended.saturating_sub(event.started);
        day.latency.count(duration, sign);
        let hour = (project, hour_of(event.started), kind);
        *self.hours.entry(hour).or_default() += sign;
    }

    /// Adds the changes to the stored counts.
    pub(super) fn save(self, connection: &Connection) -> Result<(), StoreError> {
        let mut totals = BTreeMap::<_, i64>::new();
        for ((project, day, kind), change) in &self.days {
            if change.is_zero() {
                continue;
            }
            *totals.entry((*project, *kind)).or_default() += change.n;
            save_day(connection, (*project, *day, *kind), change)?;
        }
        for ((project, kind), change) in totals {
            if change != 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO rollup_totals VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    )?
                    .execute([project, kind, change])?;
            }
            if change < 0 {
                connection
                    .prepare_cached(
                        "DELETE FROM rollup_totals WHERE project = ?1 AND kind = ?2 AND n = 0",
                    )?
                    .execute([project, kind])?;
            }
        }
        for ((project, hour, kind), change) in self.hours {
            if change != 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO rollup_hours VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    )?
                    .execute([project, hour, kind, change])?;
            }
            if change < 0 {
                connection
                    .prepare_cached(
                        "DELETE FROM rollup_hours WHERE project = ?1 AND hour = ?2 AND kind = ?3 AND n = 0",
                    )?
                    .execute([project, hour, kind])?;
            }
        }
        Ok(())
    }
}

/// Adds a change to the counts of a day. Counts of a day without events are deleted.
fn save_day(
    connection: &Connection,
    (project, day, kind): (i64, i64, i64),
    change: &DayCounts,
) -> Result<(), StoreError> {
    let stored = connection
        .prepare_cached(
            "SELECT n, errors, input_tokens, output_tokens, cost, latency FROM rollup_days
             WHERE project = ?1 AND day = ?2 AND kind = ?3",
        )?
        .query_row([project, day, kind], DayCounts::read)
        .optional()?;
    let mut counts = stored.unwrap_or_default();
    counts.add(change);
    if counts.n == 0 {
        let sql = "DELETE FROM rollup_days WHERE project = ?1 AND day = ?2 AND kind = ?3";
        connection
            .prepare_cached(sql)?
            .execute([project, day, kind])?;
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO rollup_days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            project,
            day,
            kind,
            counts.n,
            counts.errors,
            counts.input_tokens,
            counts.output_tokens,
            counts.cost,
            counts.latency.encode(),
        ])?;
    Ok(())
}

/// Returns the number of events and sessions of a project, or of one kind of them.
pub(super) fn total(
    connection: &Connection,
    project: i64,
    kind: Option<i64>,
) -> Result<u64, StoreError> {
    let total: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(n), 0) FROM rollup_totals WHERE project = ?1 AND kind = coalesce(?2, kind)",
        )?
        .query_row(params![project, kind], |row| row.get(0))?;
    Ok(total.max(0).unsigned_abs())
}

/// A time in a list of events, latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// The first start time that is after the events that remain, in nanoseconds since 1970.
    pub(super) before: i64,
    /// The number of events from that time on.
    pub(super) skipped: u64,
}

/// Finds the last hour of a range after whose events at most `offset` events of the range were skipped. The range has
/// its first and its last hour.
pub(super) fn jump(
    connection: &Connection,
    project: i64,
    kind: Option<i64>,
    (first, last): (i64, i64),
    offset: u64,
) -> Result<Option<Jump>, StoreError> {
    let mut hours = connection.prepare_cached(
        "SELECT hour, sum(n) FROM rollup_hours
         WHERE project = ?1 AND kind = coalesce(?2, kind) AND hour BETWEEN ?3 AND ?4
         GROUP BY hour ORDER BY hour DESC",
    )?;
    let mut hours = hours.query(params![project, kind, first, last])?;
    let (mut jump, mut skipped) = (None, 0);
    while let Some(row) = hours.next()? {
        let (hour, n): (i64, i64) = (row.get(0)?, row.get(1)?);
        jump = Some(Jump {
            before: end_of_hour(hour),
            skipped,
        });
        skipped += n.max(0).unsigned_abs();
        if skipped > offset {
            break;
        }
    }
    Ok(jump)
}

/// Finds the last hour with events of a kind, up to an hour.
pub(super) fn last_hour(
    connection: &Connection,
    project: i64,
    kind: i64,
    up_to: i64,
) -> Result<Option<i64>, StoreError> {
    let hour = connection
        .prepare_cached(
            "SELECT hour FROM rollup_hours WHERE project = ?1 AND kind = ?2 AND hour <= ?3 AND n > 0
             ORDER BY hour DESC LIMIT 1",
        )?
        .query_row([project, kind, up_to], |row| row.get(0))
        .optional()?;
    Ok(hour)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::check_counts;
