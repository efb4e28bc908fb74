//! Merges changes into stored bodies without delaying other writes.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::engine::Sqlite;
use super::large_bodies;
use super::rollups::{Counted, Rollups, day_of};
use crate::domain::events::{MAX_MERGED, Rights};
use crate::domain::usage::Usage;
use crate::store::port::{Hold, StoreError};

/// The maximum size of a stored body and of a change that are merged inside the writer, in bytes. Such a merge takes at
/// most a few milliseconds, and saves a query and a second command.
pub(super) const SMALL: usize = 64 * 1024;

/// How long a large merge waits for other merges of the same key, and then for merges of other keys.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The number of merges outside the writer before the change is merged inside it. A merge outside the writer must be
/// repeated only if a small change of the same body runs at the same time, because small changes do not wait for a
/// turn.
const ATTEMPTS: usize = 4;

#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Sessions,
    Events,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Events => "events",
        }
    }
}

/// The table and the key of a row that has a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Location {
    pub(super) table: Table,
    pub(super) project: i64,
    pub(super) id: Uuid,
}

/// A stored row without its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) location: Location,
    pub(super) started: i64,
    pub(super) ended: i64,
    /// Whether it is a session that spans created without a start.
    pub(super) is_implicit: bool,
    /// The size of the stored body, in bytes.
    pub(super) size: usize,
    /// The row as it is contained in the counts.
    counted: Counted,
}

/// A merged body, with the usage that was read from it.
pub(super) struct MergedBody {
    encoded: Vec<u8>,
    usage: Usage,
}

impl MergedBody {
    fn new(encoded: Vec<u8>) -> Result<Self, StoreError> {
        let usage = Usage::of_encoded(&encoded)?;
        Ok(Self { encoded, usage })
    }
}

impl Target {
    /// Stores a merged body and the times of the row, in nanoseconds since 1970, and updates the counts.
    pub(super) fn save(
        &self,
        connection: &Connection,
        MergedBody { encoded, usage }: &MergedBody,
        started: i64,
        ended: i64,
    ) -> Result<(), StoreError> {
        let Location { table, project, id } = self.location;
        let in_row = match table {
            Table::Sessions => {
                large_bodies::save(connection, project, id, encoded)?;
                large_bodies::in_row(encoded)
            }
            Table::Events => encoded,
        };
        connection
            .prepare_cached(&format!(
                "UPDATE {} SET ended = ?3, error = ?4, input_tokens = ?5, output_tokens = ?6, cost = ?7, body = ?8
                 WHERE project = ?1 AND id = ?2",
                table.name()
            ))?
            .execute(params![
                project,
                id.as_bytes(),
                ended,
                usage.has_error,
                usage.input_tokens,
                usage.output_tokens,
                usage.cost,
                in_row,
            ])?;
        let mut rollups = Rollups::default();
        rollups.remove(&self.counted);
        rollups.add(&Counted {
            started,
            ended,
            usage: *usage,
            ..self.counted
        });
        rollups.save(connection)
    }
}

impl Location {
    /// Finds the row without reading the body, which can be large.
    pub(super) fn find(self, connection: &Connection) -> Result<Option<Target>, StoreError> {
        // The kind of a session is 0, and an event counts on the day of its start.
        let (implicit, kind, day, length) = match self.table {
            Table::Sessions => ("implicit", "0", "day", large_bodies::LENGTH),
            Table::Events => ("0", "kind", "NULL", "length(body)"),
        };
        let columns = format!(
            "started, ended, {implicit}, {length}, {kind}, {day}, error, input_tokens, output_tokens, cost"
        );
        self.select(connection, &columns, |row| {
            let (started, ended) = (row.get(0)?, row.get(1)?);
            Ok(Target {
                location: self,
                started,
                ended,
                is_implicit: row.get(2)?,
                size: row.get::<_, isize>(3)?.unsigned_abs(),
                counted: Counted {
                    project: self.project,
                    kind: row.get(4)?,
                    day: row.get::<_, Option<_>>(5)?.unwrap_or(day_of(started)),
                    started,
                    ended,
                    usage: Usage {
                        has_error: row.get(6)?,
                        input_tokens: row.get(7)?,
                        output_tokens: row.get(8)?,
                        cost: row.get(9)?,
                    },
                },
            })
        })
    }

    /// Returns whether a key may change the row, which depends on the key that stored it.
    pub(super) fn may_change(
        self,
        connection: &Connection,
        rights: Rights,
    ) -> Result<bool, StoreError> {
        if rights.only_family.is_none() {
            return Ok(true);
        }
        let stored = self.select(connection, "family", |row| row.get::<_, Option<i64>>(0))?;
        Ok(rights.can_change(stored.flatten()))
    }

    fn body_column(self) -> &'static str {
        match self.table {
            Table::Sessions => large_bodies::BODY,
            Table::Events => "body",
        }
    }

    fn body(self, connection: &Connection) -> Result<Vec<u8>, StoreError> {
        let stored = self.select(connection, self.body_column(), |row| row.get(0))?;
        stored.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
    }

    fn has_body(self, connection: &Connection, body: &[u8]) -> Result<bool, StoreError> {
        let is_same = self.select(connection, self.body_column(), |row| {
            Ok(row.get_ref(0)? == ValueRef::Blob(body))
        })?;
        Ok(is_same == Some(true))
    }

    fn select<T>(
        self,
        connection: &Connection,
        columns: &str,
        read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Option<T>, StoreError> {
        let table = self.table.name();
        let found = connection
            .prepare_cached(&format!(
                "SELECT {columns} FROM {table} WHERE project = ?1 AND id = ?2
                   AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1)"
            ))?
            .query_row(params![self.project, self.id.as_bytes()], read)
            .optional()?;
        Ok(found)
    }
}

/// Whether a change created the row that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeOutcome {
    Created,
    Existed,
}

/// A change of a stored body.
pub(super) trait Change: Send + Sync + 'static {
    /// Returns whether the change is small enough to be merged inside the writer.
    fn is_small(&self) -> bool;

    /// Finds the row to change, or returns `Break` if nothing has to be merged. Runs inside the writer first, and again
    /// before and after each merge outside it.
    fn find(
        &self,
        connection: &Connection,
    ) -> Result<ControlFlow<ChangeOutcome, Target>, StoreError>;

    /// Merges the change into an encoded body and encodes the result; returns `None` if nothing changes. A merge must
    /// not decode the stored body into values, because memory is only reserved for the data of the request.
    fn merge(&self, target: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores the merged body.
    fn save(
        &self,
        connection: &Connection,
        target: &Target,
        body: &MergedBody,
    ) -> Result<(), StoreError>;
}

/// The result of a merge outside the writer.
struct Merged {
    is_implicit: bool,
    before: Vec<u8>,
    after: MergedBody,
}

/// The method by which the writer applies a change.
enum Mode {
    /// Merges the change if both the change and the stored body are small.
    Small,
    /// Stores the merged body if the stored body is still the one that was read.
    ///
    /// The bytes are compared, not a hash of them: the writer would have to read them for a hash too, and equal bytes
    /// are certainly unchanged.
    Unchanged(Merged),
    /// Merges the change if the stored body is small. The result is known to be at most [`MAX_MERGED`] bytes.
    SmallStored,
}

impl Sqlite {
    /// Merges a change into a stored body, outside the writer thread if the body or the change is large.
    pub(super) async fn merge<C: Change>(
        &self,
        key: i64,
        family: i64,
        change: Arc<C>,
        hold: Hold,
    ) -> Result<ChangeOutcome, StoreError> {
        let first = self.apply(key, &change, hold.clone(), Mode::Small);
        if let Some(done) = first.await? {
            return Ok(done);
        }
        // Only one merge runs at a time: concurrent merges would mostly invalidate each other, and each one needs
        // memory for several copies of its bodies.
        let turn = self.merge_turns.wait(family, MAX_WAIT).await?;
        let permit = Arc::clone(&self.merges).acquire_owned();
        let permit = tokio::time::timeout(MAX_WAIT, permit).await;
        let permit = permit.map_err(|_| StoreError::Busy)?;
        let hold = Arc::new((hold, permit, turn));
        let mut is_small = false;
        for _ in 0..ATTEMPTS {
            let (live, in_query) = (
                self.check_live(key),
                (Arc::clone(&change), Arc::clone(&hold)),
            );
            let merged = self.readers.read_for_change(move |connection| {
                let (change, _hold) = &in_query;
                live(connection)?;
                merge_outside(connection, &**change)
            });
            let merged = match merged.await? {
                ControlFlow::Break(done) => return Ok(done),
                ControlFlow::Continue(merged) => merged,
            };
            is_small = merged.after.encoded.len() <= MAX_MERGED;
            let mode = Mode::Unchanged(merged);
            let stored = self.apply(key, &change, Arc::clone(&hold), mode);
            if let Some(done) = stored.await? {
                return Ok(done);
            }
        }
        if is_small {
            let stored = self.apply(key, &change, hold, Mode::SmallStored);
            if let Some(done) = stored.await? {
                return Ok(done);
            }
        }
        Err(StoreError::Stopped)
    }

    /// Applies a change inside the writer; returns `None` if it must be merged outside the writer first, or again.
    async fn apply<C: Change>(
        &self,
        key: i64,
        change: &Arc<C>,
        hold: impl Send + 'static,
        mode: Mode,
    ) -> Result<Option<ChangeOutcome>, StoreError> {
        let (live, change) = (self.check_live(key), Arc::clone(change));
        self.writer
            .submit(move |connection| {
                live(connection)?;
                let done = apply(connection, &*change, mode);
                // The memory is in use until here, even if the client has disconnected.
                drop(hold);
                done
            })
            .wait()
            .await
    }
}

fn merge_outside<C: Change>(
    connection: &Connection,
    change: &C,
) -> Result<ControlFlow<ChangeOutcome, Merged>, StoreError> {
    // The row and its body are read from one snapshot, which is released before the merge.
    let snapshot = connection.unchecked_transaction()?;
    let target = match change.find(&snapshot)? {
        ControlFlow::Break(done) => return Ok(ControlFlow::Break(done)),
        ControlFlow::Continue(target) => target,
    };
    let before = target.location.body(&snapshot)?;
    drop(snapshot);
    let after = change.merge(&target, &before)?;
    Ok(match after {
        None => ControlFlow::Break(ChangeOutcome::Existed),
        Some(after) => ControlFlow::Continue(Merged {
            is_implicit: target.is_implicit,
            before,
            after: MergedBody::new(after)?,
        }),
    })
}

/// Applies a change inside the writer; returns `None` if it must be merged outside the writer first.
pub(super) fn apply_small<C: Change>(
    connection: &Connection,
    change: &C,
) -> Result<Option<ChangeOutcome>, StoreError> {
    apply(connection, change, Mode::Small)
}

fn apply<C: Change>(
    connection: &Connection,
    change: &C,
    mode: Mode,
) -> Result<Option<ChangeOutcome>, StoreError> {
    let target = match change.find(connection)? {
        ControlFlow::Break(done) => return Ok(Some(done)),
        ControlFlow::Continue(target) => target,
    };
    let can_merge = target.size <= SMALL;
    let after = match mode {
        Mode::Unchanged(merged) => {
            if merged.is_implicit != target.is_implicit
                || merged.before.len() != target.size
                || !target.location.has_body(connection, &merged.before)?
            {
                return Ok(None);
            }
            Some(merged.after)
        }
        Mode::Small if can_merge && change.is_small() => merge_inside(connection, change, &target)?,
        Mode::SmallStored if can_merge => merge_inside(connection, change, &target)?,
        Mode::Small | Mode::SmallStored => return Ok(None),
    };
    if let Some(after) = after {
        change.save(connection, &target, &after)?;
    }
    Ok(Some(ChangeOutcome::Existed))
}

fn merge_inside<C: Change>(
    connection: &Connection,
    change: &C,
    target: &Target,
) -> Result<Option<MergedBody>, StoreError> {
    let before = target.location.body(connection)?;
    change
        .merge(target, &before)?
        .map(MergedBody::new)
        .transpose()
}

#[cfg(test)]
mod tests;
