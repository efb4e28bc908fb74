//! Keys in memory: a request with a key that was seen before, or that does not exist, costs no database read.

mod used;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hh_api::types::{Key, KeyState, Principal, ProjectNames};
use hh_auth::{Grant, KeyDigest};
use jiff::Timestamp;

pub(crate) use used::{LastUse, Used};

const SHARDS: usize = 64;
/// Entries of one shard; past it the shard starts anew. 64 shards of 16,384 are a million keys, about 500 MiB at most.
const SHARD_LIMIT: usize = 16_384;

/// A key that exists, as requests need it. What changes but by an atomic makes the index forget it.
#[derive(Debug)]
pub(crate) struct KeyRecord {
    pub(crate) key_id: i64,
    /// The rotation family: the key and all keys that replaced it, one after another, share it.
    pub(crate) family: i64,
    pub(crate) id: String,
    pub(crate) digest: KeyDigest,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) shown: String,
    pub(crate) grant: Grant,
    pub(crate) owner: String,
    pub(crate) created: Timestamp,
    /// The id of the key that takes its place.
    pub(crate) replaced_by: Option<String>,
    /// When it ends for that; none before the other key was used.
    pub(crate) grace_ends: Option<Timestamp>,
    /// The id of the key whose place it takes.
    pub(crate) replaces: Option<String>,
    /// It takes the place of a key whose grace has not begun: the first request with it begins it.
    pub(crate) begins_grace: AtomicBool,
    pub(crate) revoked: AtomicBool,
    /// How the key ended, once the database has it: then no clock can bring the key back.
    pub(crate) closed: Option<KeyState>,
    pub(crate) last_use: Arc<LastUse>,
}

impl KeyRecord {
    /// Tells whether the key still works. Ends by time are compared here, at each decision: no timer can be late.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        let is_past = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        if self.revoked.load(Ordering::Acquire) {
            KeyState::Revoked
        } else if let Some(closed) = self.closed {
            closed
        } else if is_past(self.grace_ends) {
            KeyState::Replaced
        } else if is_past(self.grant.expires) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    /// Returns how the key ended if that is certain and the database does not have it yet.
    pub(crate) fn to_close(&self, certain: Timestamp) -> Option<KeyState> {
        let state = self.state(certain);
        let is_new = self.closed.is_none();
        (is_new && matches!(state, KeyState::Expired | KeyState::Replaced)).then_some(state)
    }

    /// Returns what the key may give to another: nothing that ends later than itself.
    pub(crate) fn lasting(&self) -> Grant {
        let ends = [self.grant.expires, self.grace_ends];
        Grant {
            expires: ends.into_iter().flatten().min(),
            ..self.grant.clone()
        }
    }

    /// Describes the key without its text.
    pub(crate) fn describe(&self, projects: ProjectNames, now: Timestamp) -> Key {
        Key {
            id: self.id.clone(),
            name: self.name.clone(),
            shown: self.shown.clone(),
            level: self.grant.level,
            projects,
            owner: Principal::of(&self.owner),
            state: self.state(now),
            created_at: self.created,
            expires_at: self.grant.expires,
            note: self.note.clone(),
            last_used_at: self.last_use.time(),
            replaced_by: self.replaced_by.clone(),
            grace_ends_at: self.grace_ends,
            replaces: self.replaces.clone(),
        }
    }
}

/// Digest to record, and which digests exist. About 20 bytes for each key that exists.
pub(crate) struct KeyIndex {
    shards: Vec<Mutex<Shard>>,
    pub(crate) used: Used,
}

#[derive(Default)]
struct Shard {
    /// Goes up with every change of a key, so that a record read before it is not kept after it.
    epoch: u64,
    /// The first 8 bytes of the digests in the database. Another key has the same with a probability of 2^-44 among a
    /// million keys, and costs a read of the database then.
    known: HashSet<u64>,
    records: HashMap<KeyDigest, Arc<KeyRecord>>,
    /// Keys whose revocation could not be written to the disk.
    rejected: HashSet<KeyDigest>,
}

/// What a committed change means for the keys in memory.
#[derive(Default)]
pub(crate) struct KeyChanges {
    pub(crate) created: Vec<KeyDigest>,
    /// Keys that the database does not have any more.
    pub(crate) deleted: Vec<KeyDigest>,
    /// Keys that do not work any more.
    pub(crate) revoked: Vec<KeyDigest>,
    /// Keys that changed in another way.
    pub(crate) changed: Vec<KeyDigest>,
}

/// What a look-up found, or the epoch to hand back with what the database says.
pub(crate) enum Lookup {
    Found(Arc<KeyRecord>),
    Missing {
        epoch: u64,
    },
    /// There is no such key.
    Unknown,
}

impl Default for KeyIndex {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            used: Used::default(),
        }
    }
}

impl KeyIndex {
    pub(crate) fn look_up(&self, digest: &KeyDigest) -> Lookup {
        let shard = self.shard(digest);
        match shard.records.get(digest) {
            Some(record) => Lookup::Found(Arc::clone(record)),
            None if shard.known.contains(&prefix(digest)) => Lookup::Missing { epoch: shard.epoch },
            None => Lookup::Unknown,
        }
    }

    /// Adds a key that exists.
    pub(crate) fn add(&self, digest: &KeyDigest) {
        self.shard(digest).known.insert(prefix(digest));
    }

    /// Keeps a record that was read at an epoch, unless a key of its shard changed since.
    pub(crate) fn keep(&self, epoch: u64, record: &Arc<KeyRecord>) {
        let mut shard = self.shard(&record.digest);
        if shard.rejected.contains(&record.digest) {
            record.revoked.store(true, Ordering::Release);
        }
        if shard.epoch == epoch {
            if shard.records.len() >= SHARD_LIMIT {
                shard.records.clear();
            }
            shard.records.insert(record.digest, Arc::clone(record));
        }
    }

    /// Has the next request with each of these keys read anew what was committed of it.
    pub(crate) fn apply(&self, changes: &KeyChanges) {
        for digest in &changes.created {
            self.add(digest);
        }
        for digest in &changes.revoked {
            self.revoke(digest);
        }
        for digest in &changes.changed {
            self.forget(digest);
        }
        for digest in &changes.deleted {
            self.revoke(digest);
            self.shard(digest).known.remove(&prefix(digest));
        }
    }

    /// Rejects keys until the server stops, although the database still has them as valid.
    pub(crate) fn reject(&self, digests: &[KeyDigest]) {
        for digest in digests {
            self.shard(digest).rejected.insert(*digest);
            self.revoke(digest);
        }
    }

    /// Ends a key whose revocation is committed. A request that was let in before is stopped by the store.
    fn revoke(&self, digest: &KeyDigest) {
        if let Some(record) = self.forget(digest) {
            record.revoked.store(true, Ordering::Release);
        }
    }

    fn forget(&self, digest: &KeyDigest) -> Option<Arc<KeyRecord>> {
        let mut shard = self.shard(digest);
        shard.epoch += 1;
        shard.records.remove(digest)
    }

    fn shard(&self, digest: &KeyDigest) -> MutexGuard<'_, Shard> {
        let at = usize::from(digest.as_bytes()[0]) % SHARDS;
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn prefix(digest: &KeyDigest) -> u64 {
    let bytes = digest.as_bytes();
    bytes[..8]
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use hh_auth::{Level, Projects};

    use super::*;

    /// No request can hit this moment on purpose: a record is read, its key is revoked, then the record is kept.
    #[test]
    fn a_record_that_was_read_before_a_revocation_is_not_kept_after_it() {
        let index = KeyIndex::default();
        let digest = KeyDigest::from_bytes([7; 32]);
        let record = Arc::new(KeyRecord {
            key_id: 1,
            family: 1,
            id: "id".to_owned(),
            digest,
            name: "name".to_owned(),
            note: None,
            shown: "hh_***".to_owned(),
            grant: Grant {
                level: Level::Admin,
                projects: Projects::All,
                expires: None,
            },
            owner: "owner".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            replaced_by: None,
            grace_ends: None,
            replaces: None,
            begins_grace: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            closed: None,
            last_use: Arc::default(),
        });
        assert!(matches!(index.look_up(&digest), Lookup::Unknown));
        index.add(&digest);
        let Lookup::Missing { epoch } = index.look_up(&digest) else {
            panic!("an empty index has it");
        };
        index.revoke(&digest);
        index.keep(epoch, &record);
        let Lookup::Missing { epoch } = index.look_up(&digest) else {
            panic!("kept over a revocation");
        };
        index.keep(epoch, &record);
        assert!(matches!(index.look_up(&digest), Lookup::Found(_)));
        index.revoke(&digest);
        assert!(record.revoked.load(Ordering::Acquire));
        assert!(matches!(index.look_up(&digest), Lookup::Missing { .. }));
    }
}
