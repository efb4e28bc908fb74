-- The start of a session when it was created, which is its fixed place in lists with cursors.
ALTER TABLE sessions ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET listed = started;

-- The copy of an older database does not create the indexes that are replaced here.
DROP INDEX IF EXISTS sessions_errors;
DROP INDEX IF EXISTS events_time;
DROP INDEX IF EXISTS events_errors;

CREATE INDEX sessions_name ON sessions (project, name, started);
CREATE INDEX sessions_errors ON sessions (project, started, sid, error) WHERE error = 1;

-- The same for lists with cursors. The start of a session can move to an earlier time, and then its place is later than
-- its start, by at most the maximum of `sessions_moved`.
CREATE INDEX sessions_listed ON sessions (project, listed, sid, started);
CREATE INDEX sessions_listed_name ON sessions (project, name, listed, sid, started);
CREATE INDEX sessions_listed_errors ON sessions (project, listed, sid, started, error) WHERE error = 1;
CREATE INDEX sessions_moved ON sessions (project, listed - started) WHERE started < listed;

-- The columns after those of the order are there so that no row is read for a condition on them.
CREATE INDEX events_time ON events (project, started, sid, id, kind);
CREATE INDEX events_errors ON events (project, started, sid, id, kind, error) WHERE error = 1;
