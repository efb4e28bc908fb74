CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE projects (
  project INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE api_keys (
  key_id INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  digest BLOB NOT NULL UNIQUE,
  pepper INTEGER NOT NULL,
  name TEXT NOT NULL,
  shown TEXT NOT NULL,
  level TEXT NOT NULL,
  all_projects INTEGER NOT NULL,
  owner TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  revoked INTEGER
) STRICT;

CREATE TABLE key_projects (
  key_id INTEGER NOT NULL REFERENCES api_keys,
  project INTEGER NOT NULL REFERENCES projects,
  PRIMARY KEY (key_id, project)
) STRICT, WITHOUT ROWID;

-- A session is an event whose id is the session id. Times are nanoseconds since 1970.
CREATE TABLE sessions (
  sid INTEGER PRIMARY KEY,
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  name TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  implicit INTEGER NOT NULL, -- 1 while only spans have named it
  body BLOB NOT NULL,
  UNIQUE (project, id)
) STRICT;
CREATE INDEX sessions_time ON sessions (project, started);

-- Clustered by session, so that a session is read from neighboring pages.
CREATE TABLE events (
  sid INTEGER NOT NULL,
  started INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  project INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  ended INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (sid, started, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX events_id ON events (project, id);
CREATE INDEX events_time ON events (project, started);
