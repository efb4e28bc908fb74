//! Stores large bodies of sessions separately from the rows, whose times change with each span.

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::store::port::StoreError;

/// The maximum size of a body in the row of a session, in bytes. A larger body is stored separately, and the body in
/// the row is then empty. A body that is stored in the row is never empty.
const LARGE: usize = 64 * 1024;

/// The column expression for the body of a row of `sessions`.
pub(super) const BODY: &str =
    "coalesce((SELECT body FROM large_bodies WHERE large_bodies.sid = sessions.sid), body)";

/// The column expression for the length of the body of a row of `sessions`. It does not read a large body.
pub(super) const LENGTH: &str = "coalesce((SELECT length(body) FROM large_bodies WHERE large_bodies.sid = sessions.sid), length(body))";

/// Returns the body to store in the row, which is empty for a large body.
pub(super) fn in_row(body: &[u8]) -> &[u8] {
    if body.len() > LARGE { b"" } else { body }
}

/// Stores a large body separately, or deletes the separate body if the body is not large.
pub(super) fn save(
    connection: &Connection,
    project: i64,
    id: Uuid,
    body: &[u8],
) -> Result<(), StoreError> {
    if body.len() > LARGE {
        connection
            .prepare_cached(
                "INSERT INTO large_bodies SELECT sid, ?3 FROM sessions WHERE project = ?1 AND id = ?2
                 ON CONFLICT (sid) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![project, id.as_bytes(), body])?;
    } else {
        connection
            .prepare_cached(
                "DELETE FROM large_bodies WHERE sid = (SELECT sid FROM sessions WHERE project = ?1 AND id = ?2)",
            )?
            .execute(params![project, id.as_bytes()])?;
    }
    Ok(())
}
