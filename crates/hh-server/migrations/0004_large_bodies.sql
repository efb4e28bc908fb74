-- Bodies of sessions above 64 KiB. The body in `sessions` is empty then: each span may move the end of its session, which
-- would rewrite the whole body in the same row.
CREATE TABLE large_bodies (sid INTEGER PRIMARY KEY REFERENCES sessions, body BLOB NOT NULL) STRICT;
INSERT INTO large_bodies SELECT sid, body FROM sessions WHERE length(body) > 65536;
UPDATE sessions SET body = x'' WHERE length(body) > 65536;
