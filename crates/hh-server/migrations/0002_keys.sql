-- `api_keys.owner` contains the name of an owner.
CREATE TABLE owners (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  disabled INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO owners SELECT lower(hex(randomblob(16))), owner, min(created), NULL FROM api_keys GROUP BY owner;
CREATE INDEX api_keys_owner ON api_keys (owner);

ALTER TABLE api_keys ADD COLUMN note TEXT;
ALTER TABLE api_keys ADD COLUMN last_used INTEGER;
-- The key that replaces this one, the grace period in milliseconds, which begins when the new key is first used, and the
-- end of the grace period.
ALTER TABLE api_keys ADD COLUMN replaced_by INTEGER REFERENCES api_keys;
ALTER TABLE api_keys ADD COLUMN grace INTEGER;
ALTER TABLE api_keys ADD COLUMN grace_ends INTEGER;
CREATE UNIQUE INDEX api_keys_replaced_by ON api_keys (replaced_by) WHERE replaced_by IS NOT NULL;

-- Keys that were created with an Idempotency-Key. `once` and `request` are SHA-256 digests.
CREATE TABLE creations (
  issuer INTEGER NOT NULL REFERENCES api_keys,
  once BLOB NOT NULL,
  request BLOB NOT NULL,
  key_id INTEGER NOT NULL REFERENCES api_keys,
  created INTEGER NOT NULL,
  PRIMARY KEY (issuer, once)
) STRICT, WITHOUT ROWID;
CREATE INDEX creations_created ON creations (created);
