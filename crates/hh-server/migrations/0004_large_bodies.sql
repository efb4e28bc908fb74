-- Bodies of sessions above 64 KiB, whose row in `sessions` has an empty one: each span that arrives may move the end of
-- its session, and would rewrite the whole body with it.
CREATE TABLE large_bodies (sid INTEGER PRIMARY KEY REFERENCES sessions, body BLOB NOT NULL) STRICT;
INSERT INTO large_bodies SELECT sid, body FROM sessions WHERE length(body) > 65536;
UPDATE sessions SET body = x'' WHERE length(body) > 65536;
