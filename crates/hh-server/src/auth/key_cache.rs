//! Caches keys in memory. A request with a cached key, or with one that does not exist, does not read the database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hh_auth::KeyDigest;

use super::access::Principal;
use super::last_used::LastUses;
use crate::store::{KeyChanges, KeyObserver};

const SHARDS: usize = 64;
/// The maximum number of entries in one shard; a full shard is cleared. 64 shards of 16,384 entries hold a million
/// keys, about 500 MiB at most.
const SHARD_LIMIT: usize = 16_384;

/// The keys of recent requests by digest, and the short digests of all existing keys, about 20 bytes each.
pub(crate) struct KeyCache {
    shards: Vec<Mutex<Shard>>,
    pub(crate) used: LastUses,
}

#[derive(Default)]
struct Shard {
    /// Increases with every change of a key, so that a record that was read before a change is not cached after it.
    epoch: u64,
    /// The first 8 bytes of all digests in the database. With a million keys, an unknown key matches one of them with a
    /// probability of 2^-44. It then costs one read of the database.
    known: HashSet<u64>,
    principals: HashMap<KeyDigest, Arc<Principal>>,
    /// Keys that a command is changing. Each request with them reads the store, so that no key works after a reader has
    /// seen its revocation.
    changing: HashMap<KeyDigest, Changing>,
    /// Keys whose revocation could not be written to disk.
    rejected: HashSet<KeyDigest>,
}

/// A key that one or more commands are changing.
#[derive(Default)]
struct Changing {
    commands: usize,
    /// Records that requests have read since the change began.
    principals: Vec<Weak<Principal>>,
}

/// The result of a lookup.
pub(crate) enum Lookup {
    Found(Arc<Principal>),
    /// The key exists but is not cached. The epoch belongs to the record that is then read from the database.
    Missing {
        epoch: u64,
    },
    /// There is no such key.
    Unknown,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            used: LastUses::default(),
        }
    }
}

impl KeyCache {
    pub(crate) fn look_up(&self, digest: &KeyDigest) -> Lookup {
        let shard = self.shard(digest);
        match shard.principals.get(digest) {
            Some(principal) if !shard.changing.contains_key(digest) => {
                Lookup::Found(Arc::clone(principal))
            }
            _ if shard.known.contains(&prefix(digest)) => Lookup::Missing { epoch: shard.epoch },
            _ => Lookup::Unknown,
        }
    }

    fn add(&self, digest: &KeyDigest) {
        self.shard(digest).known.insert(prefix(digest));
    }

    /// Inserts a key that was read at an epoch, unless a key of its shard has changed since that epoch.
    pub(crate) fn insert(&self, epoch: u64, principal: &Arc<Principal>) {
        let digest = principal.record().digest;
        let mut shard = self.shard(&digest);
        if shard.rejected.contains(&digest) {
            principal.revoke();
        }
        if let Some(changing) = shard.changing.get_mut(&digest) {
            changing.add(principal);
        } else if shard.epoch == epoch {
            if shard.principals.len() >= SHARD_LIMIT {
                shard.principals.clear();
            }
            shard.principals.insert(digest, Arc::clone(principal));
        }
    }

    /// Revokes a key whose revocation is committed. The store stops requests that were authorized before.
    fn revoke(&self, digest: &KeyDigest) {
        if let Some(principal) = self.forget(digest) {
            principal.revoke();
        }
        if let Some(changing) = self.shard(digest).changing.get(digest) {
            for principal in changing.principals.iter().filter_map(Weak::upgrade) {
                principal.revoke();
            }
        }
    }

    fn forget(&self, digest: &KeyDigest) -> Option<Arc<Principal>> {
        let mut shard = self.shard(digest);
        shard.epoch += 1;
        shard.principals.remove(digest)
    }

    fn shard(&self, digest: &KeyDigest) -> MutexGuard<'_, Shard> {
        let at = usize::from(digest.as_bytes()[0]) % SHARDS;
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyObserver for KeyCache {
    fn exists(&self, digest: &KeyDigest) {
        self.add(digest);
    }

    fn changing(&self, changes: &KeyChanges) {
        for digest in existing(changes) {
            let mut shard = self.shard(digest);
            shard.changing.entry(*digest).or_default().commands += 1;
        }
    }

    fn settled(&self, changes: &KeyChanges) {
        for digest in existing(changes) {
            let mut shard = self.shard(digest);
            if let Some(changing) = shard.changing.get_mut(digest) {
                changing.commands -= 1;
                if changing.commands == 0 {
                    shard.changing.remove(digest);
                }
            }
        }
    }

    /// Removes changed keys, so that the next request with each key reads the committed record.
    fn committed(&self, changes: &KeyChanges) {
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

    fn unsaved(&self, revoked: &[KeyDigest]) {
        for digest in revoked {
            self.shard(digest).rejected.insert(*digest);
            self.revoke(digest);
        }
    }
}

impl Changing {
    fn add(&mut self, principal: &Arc<Principal>) {
        if self.principals.len() == self.principals.capacity() {
            self.principals.retain(|read| read.strong_count() > 0);
        }
        self.principals.push(Arc::downgrade(principal));
    }
}

/// Returns the keys of a change that existed before it.
fn existing(changes: &KeyChanges) -> impl Iterator<Item = &KeyDigest> {
    let KeyChanges {
        created: _,
        deleted,
        revoked,
        changed,
    } = changes;
    deleted.iter().chain(revoked).chain(changed)
}

fn prefix(digest: &KeyDigest) -> u64 {
    let bytes = digest.as_bytes();
    bytes[..8]
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::domain::keys::KeyRecord;

    fn principal(digest: KeyDigest) -> Arc<Principal> {
        Arc::new(Principal::new(KeyRecord {
            digest,
            ..KeyRecord::of_admin(1)
        }))
    }

    fn epoch(cache: &KeyCache, digest: &KeyDigest) -> u64 {
        match cache.look_up(digest) {
            Lookup::Missing { epoch } => epoch,
            Lookup::Found(_) => panic!("the key is in the cache"),
            Lookup::Unknown => panic!("the key does not exist"),
        }
    }

    #[test]
    fn a_key_is_read_from_the_store_while_it_changes() {
        let (cache, digest) = (KeyCache::default(), KeyDigest::from_bytes([7; 32]));
        cache.add(&digest);
        let before = epoch(&cache, &digest);
        let cached = principal(digest);
        cache.insert(before, &cached);
        let changes = KeyChanges {
            revoked: vec![digest],
            ..KeyChanges::default()
        };
        cache.changing(&changes);
        let meanwhile = epoch(&cache, &digest);
        let read = principal(digest);
        cache.insert(meanwhile, &read);
        assert_eq!(epoch(&cache, &digest), meanwhile, "not kept");
        cache.committed(&changes);
        assert!(cached.is_revoked() && read.is_revoked());
        cache.settled(&changes);
        cache.insert(meanwhile, &principal(digest));
        cache.insert(epoch(&cache, &digest), &principal(digest));
        assert!(matches!(cache.look_up(&digest), Lookup::Found(_)));
    }

    #[test]
    fn a_change_that_is_undone_leaves_the_key_in_the_cache() {
        let (cache, digest) = (KeyCache::default(), KeyDigest::from_bytes([7; 32]));
        cache.add(&digest);
        cache.insert(epoch(&cache, &digest), &principal(digest));
        let changes = KeyChanges {
            changed: vec![digest],
            ..KeyChanges::default()
        };
        cache.changing(&changes);
        cache.changing(&changes);
        cache.settled(&changes);
        epoch(&cache, &digest);
        cache.settled(&changes);
        assert!(matches!(cache.look_up(&digest), Lookup::Found(found) if !found.is_revoked()));
    }

    /// Tests the cache directly, because no request can be timed so that its key is revoked after the record is read
    /// and before the record is inserted.
    #[test]
    fn a_record_that_was_read_before_a_revocation_is_not_kept_after_it() {
        let index = KeyCache::default();
        let digest = KeyDigest::from_bytes([7; 32]);
        let principal = Arc::new(Principal::new(KeyRecord {
            digest,
            ..KeyRecord::of_admin(1)
        }));
        assert!(matches!(index.look_up(&digest), Lookup::Unknown));
        index.add(&digest);
        let Lookup::Missing { epoch } = index.look_up(&digest) else {
            panic!("the key must exist and not be cached");
        };
        index.revoke(&digest);
        index.insert(epoch, &principal);
        let Lookup::Missing { epoch } = index.look_up(&digest) else {
            panic!("a record from before the revocation must not be cached");
        };
        index.insert(epoch, &principal);
        assert!(matches!(index.look_up(&digest), Lookup::Found(_)));
        index.revoke(&digest);
        assert!(principal.is_revoked());
        assert!(matches!(index.look_up(&digest), Lookup::Missing { .. }));
    }
}
