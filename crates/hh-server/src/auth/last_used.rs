//! Records in atomics when keys were last used, and collects the times that must be written to the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// The minimum time between two flushes, in milliseconds. After a crash, a last use may be this much too old.
const FLUSH_EVERY: i64 = 60_000;
/// The number of unsaved uses that causes an earlier flush, so that their memory is limited.
const FLUSH_AT: usize = 4096;

/// The time of the last use of one key.
#[derive(Debug, Default)]
pub(crate) struct LastUse {
    /// Milliseconds since 1970; 0 means never.
    millis: AtomicI64,
    is_unsaved: AtomicBool,
}

impl LastUse {
    pub(crate) fn new(stored: Option<Timestamp>) -> Self {
        Self {
            millis: AtomicI64::new(stored.map_or(0, Timestamp::as_millisecond)),
            is_unsaved: AtomicBool::new(false),
        }
    }

    pub(crate) fn time(&self) -> Option<Timestamp> {
        let millis = self.millis.load(Ordering::SeqCst);
        (millis > 0).then(|| Timestamp::from_millisecond(millis).ok())?
    }
}

/// The uses that are not stored yet, by the number of the key.
#[derive(Default)]
pub(crate) struct LastUses {
    unsaved: Mutex<HashMap<i64, Arc<LastUse>>>,
    flushed: AtomicI64,
    is_flushing: AtomicBool,
}

impl LastUses {
    /// Records a use; returns whether the caller must flush.
    pub(crate) fn note(&self, key_id: i64, last_use: &Arc<LastUse>, now: Timestamp) -> bool {
        let now = now.as_millisecond();
        last_use.millis.fetch_max(now, Ordering::SeqCst);
        let is_full = if last_use.is_unsaved.swap(true, Ordering::SeqCst) {
            false
        } else {
            let mut unsaved = self.unsaved();
            unsaved.insert(key_id, Arc::clone(last_use));
            unsaved.len() >= FLUSH_AT
        };
        let is_due = is_full || now - self.flushed.load(Ordering::Relaxed) >= FLUSH_EVERY;
        // Only one of the callers that see a due flush performs it.
        if !is_due || self.is_flushing.swap(true, Ordering::SeqCst) {
            return false;
        }
        self.flushed.store(now, Ordering::Relaxed);
        true
    }

    /// Returns the last use of a key: the stored one, or a later one that is not stored yet.
    pub(crate) fn latest(&self, key_id: i64, stored: Option<Timestamp>) -> Option<Timestamp> {
        let unsaved = self
            .unsaved()
            .get(&key_id)
            .and_then(|last_use| last_use.time());
        stored.max(unsaved)
    }

    /// Returns the key numbers and times to write, in milliseconds since 1970.
    pub(crate) fn to_save(&self) -> Vec<(i64, i64)> {
        let unsaved = self.unsaved();
        let pairs = unsaved.iter();
        pairs
            .map(|(key_id, last_use)| (*key_id, last_use.millis.load(Ordering::SeqCst)))
            .collect()
    }

    /// Finishes a flush: removes the written uses, except those of keys that were used again in the meantime.
    pub(crate) fn flushed(&self, written: &[(i64, i64)]) {
        self.is_flushing.store(false, Ordering::SeqCst);
        let mut unsaved = self.unsaved();
        for (key_id, millis) in written {
            let Some(last_use) = unsaved.get(key_id) else {
                continue;
            };
            // The mark is cleared first: a later use inserts itself again, and an earlier one has changed the time.
            last_use.is_unsaved.store(false, Ordering::SeqCst);
            if last_use.millis.load(Ordering::SeqCst) == *millis {
                unsaved.remove(key_id);
            } else {
                last_use.is_unsaved.store(true, Ordering::SeqCst);
            }
        }
    }

    fn unsaved(&self) -> MutexGuard<'_, HashMap<i64, Arc<LastUse>>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn a_use_between_a_flush_and_its_end_is_written_by_the_next() {
        let (used, last_use) = (LastUses::default(), Arc::<LastUse>::default());
        assert!(used.note(1, &last_use, at(100_000)));
        assert!(!used.note(1, &last_use, at(100_001)), "one flush a minute");
        let written = used.to_save();
        assert_eq!(written, [(1, 100_001)]);
        used.note(1, &last_use, at(100_002));
        used.flushed(&written);
        let written = used.to_save();
        assert_eq!(written, [(1, 100_002)]);
        used.flushed(&written);
        assert_eq!(used.to_save(), []);
        assert!(used.note(1, &last_use, at(200_000)));
        assert_eq!(used.to_save(), [(1, 200_000)]);
    }

    #[test]
    fn what_was_read_shows_a_later_use() {
        let (used, last_use) = (LastUses::default(), Arc::<LastUse>::default());
        used.note(1, &last_use, at(5));
        for (key_id, read, shown) in [
            (1, Some(3), 5),
            (1, Some(7), 7),
            (1, None, 5),
            (2, Some(3), 3),
        ] {
            assert_eq!(used.latest(key_id, read.map(at)), Some(at(shown)));
        }
        assert_eq!(LastUse::default().time(), None);
    }

    #[test]
    fn many_keys_are_flushed_before_their_time() {
        let used = LastUses::default();
        assert!(used.note(0, &Arc::default(), at(100_000)));
        used.flushed(&used.to_save());
        let flushes = (1..10_000).filter(|key_id| used.note(*key_id, &Arc::default(), at(100_000)));
        assert_eq!(flushes.count(), 1, "no second flush during the first one");
    }
}
