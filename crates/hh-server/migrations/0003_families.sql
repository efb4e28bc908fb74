-- The rotation family: a random number that a key shares with all keys that replaced it, directly or indirectly. Keys from
-- before this migration have the number of the first key of their chain.
ALTER TABLE api_keys ADD COLUMN family INTEGER NOT NULL DEFAULT 0;
WITH RECURSIVE chain (key_id, family) AS (
  SELECT key_id, key_id FROM api_keys
  WHERE key_id NOT IN (SELECT replaced_by FROM api_keys WHERE replaced_by IS NOT NULL)
  UNION ALL
  SELECT old.replaced_by, chain.family FROM chain JOIN api_keys old USING (key_id) WHERE old.replaced_by IS NOT NULL
)
UPDATE api_keys SET family = chain.family FROM chain WHERE chain.key_id = api_keys.key_id;
CREATE INDEX api_keys_family ON api_keys (family);

-- The family of the key that stored the row, or null for rows from before this migration.
ALTER TABLE sessions ADD COLUMN family INTEGER;
ALTER TABLE events ADD COLUMN family INTEGER;
