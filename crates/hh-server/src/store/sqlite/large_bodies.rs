//! Large bodies of sessions, apart from the rows whose times change with each span.

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::store::port::StoreError;

/// Larger bodies are stored apart. A body is never empty, so an empty one in the row says that it is.
const LARGE: usize = 64 * 1024;

/// The body of a row of `sessions`, as a column.
pub(super) const BODY: &str =
    "coalesce((SELECT body FROM large_bodies WHERE large_bodies.sid = sessions.sid), body)";

/// The length of the body of a row of `sessions`, as a column. Reads none of a large body.
pub(super) const LENGTH: &str = "coalesce((SELECT length(body) FROM large_bodies WHERE large_bodies.sid = sessions.sid), length(body))";

/// Returns the part of a body that the row holds: all of it, or nothing.
pub(super) fn in_row(body: &[u8]) -> &[u8] {
    if body.len() > LARGE { b"" } else { body }
}

/// Stores the part of a body that the row of the session does not hold.
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
