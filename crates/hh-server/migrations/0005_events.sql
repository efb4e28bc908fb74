-- This migration only runs in a new database file. The upgrade of an older database creates such a file and copies the
-- rows into it (`src/store/sqlite/upgrade.rs`), because the values of the new columns come from the bodies.
DROP TABLE large_bodies;
DROP TABLE events;
DROP TABLE sessions;

-- A session is an event whose id is the session id. Times are nanoseconds since 1970. The body is last, because SQLite
-- reads the columns after a large value more slowly.
CREATE TABLE sessions (
  sid INTEGER PRIMARY KEY,
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  name TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  implicit INTEGER NOT NULL, -- 1 if only spans have created the session
  id_scheme INTEGER NOT NULL DEFAULT 0, -- the formula for the ids of its events: 0 before this migration, otherwise 1
  day INTEGER NOT NULL DEFAULT 0, -- the UTC day of its start when it was created, which `rollup_days` counts it on
  listed INTEGER NOT NULL DEFAULT 0, -- its start when it was created, its fixed place in lists with cursors
  error INTEGER NOT NULL DEFAULT 0, -- 1 if the body has an error
  input_tokens INTEGER,
  output_tokens INTEGER,
  cost REAL,
  family INTEGER, -- the family of the key that stored the row, or null for rows from before families
  body BLOB NOT NULL,
  UNIQUE (project, id)
) STRICT;

-- Bodies of sessions above 64 KiB. The body in `sessions` is empty then: each span may move the end of its session, which
-- would rewrite the whole body in the same row.
CREATE TABLE large_bodies (sid INTEGER PRIMARY KEY REFERENCES sessions, body BLOB NOT NULL) STRICT;

-- Clustered by session, so that the events of a session are read from adjacent pages.
CREATE TABLE events (
  sid INTEGER NOT NULL,
  started INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  project INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  ended INTEGER NOT NULL,
  error INTEGER NOT NULL DEFAULT 0, -- as in `sessions`
  input_tokens INTEGER,
  output_tokens INTEGER,
  cost REAL,
  family INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (sid, started, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_time ON sessions (project, started);
CREATE INDEX sessions_name ON sessions (project, name, started);
CREATE INDEX sessions_errors ON sessions (project, started, sid, error) WHERE error = 1;

-- The same for lists with cursors. The start of a session can move to an earlier time, and then its place is later than
-- its start, by at most the maximum of `sessions_moved`.
CREATE INDEX sessions_listed ON sessions (project, listed, sid, started);
CREATE INDEX sessions_listed_name ON sessions (project, name, listed, sid, started);
CREATE INDEX sessions_listed_errors ON sessions (project, listed, sid, started, error) WHERE error = 1;
CREATE INDEX sessions_moved ON sessions (project, listed - started) WHERE started < listed;

-- The columns after those of the order are there so that no row is read for a condition on them.
CREATE UNIQUE INDEX events_id ON events (project, id);
CREATE INDEX events_time ON events (project, started, sid, id, kind);
CREATE INDEX events_name ON events (project, kind, name, started);
CREATE INDEX events_errors ON events (project, started, sid, id, kind, error) WHERE error = 1;

-- Counts of events, which change in the same transaction as the events. Kind 0 are the sessions.
CREATE TABLE rollup_totals (
  project INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (project, kind)
) STRICT, WITHOUT ROWID;

-- Events by the UTC day of their start, as days since 1970. A session counts on the day of its creation.
CREATE TABLE rollup_days (
  project INTEGER NOT NULL,
  day INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  n INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost INTEGER NOT NULL, -- in units of 1e-9, so that sums are exact
  latency BLOB NOT NULL, -- an encoded histogram of the durations (`src/domain/histogram.rs`)
  PRIMARY KEY (project, day, kind)
) STRICT, WITHOUT ROWID;

-- Events and sessions by the hour of their start, as hours since 1970, to find far pages.
CREATE TABLE rollup_hours (
  project INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (project, hour, kind)
) STRICT, WITHOUT ROWID;
