//! Keys whose change may become durable at any moment.

use std::sync::Arc;

use crate::store::port::{KeyChanges, KeyObserver};

/// Announces a change of keys to the observer. Dropping it announces that the change is committed or undone.
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
