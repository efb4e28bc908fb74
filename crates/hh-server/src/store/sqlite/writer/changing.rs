//! Announces changes of keys before they can become durable.

use std::sync::Arc;

use crate::store::port::{KeyChanges, KeyObserver};

/// An announced change of keys. Creating it notifies the observer that the keys are changing. Dropping it notifies the
/// observer that the change was committed or rolled back.
pub(super) struct Changing {
    keys: Arc<dyn KeyObserver>,
    changes: KeyChanges,
}

impl Changing {
    pub(super) fn new(keys: &Arc<dyn KeyObserver>, changes: &KeyChanges) -> Self {
        keys.changing(changes);
        Self {
            keys: Arc::clone(keys),
            changes: changes.clone(),
        }
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.keys.settled(&self.changes);
    }
}
