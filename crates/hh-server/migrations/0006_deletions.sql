-- Sessions whose rows are being deleted. No query finds them and their events, and no event is added to them.
CREATE TABLE deleted_sessions (
  project INTEGER NOT NULL,
  sid INTEGER NOT NULL,
  PRIMARY KEY (project, sid)
) STRICT, WITHOUT ROWID;

-- Searches for the events and sessions of a user, which are deleted as they are found.
CREATE TABLE user_deletions (
  search INTEGER PRIMARY KEY,
  project INTEGER NOT NULL,
  property TEXT NOT NULL, -- the name below `user_properties`
  value TEXT NOT NULL, -- as JSON
  -- The session and the event up to which the search is complete.
  sid INTEGER NOT NULL,
  started INTEGER NOT NULL,
  id BLOB NOT NULL,
  UNIQUE (project, property, value)
) STRICT;

-- 1 if the project was deleted. The row stays without its name, so that no other project gets the same number: ids of
-- events are derived from it, and revoked keys refer to it.
ALTER TABLE projects ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
