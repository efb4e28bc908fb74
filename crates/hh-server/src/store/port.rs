//! Defines the interface between the store and an engine, without HTTP, the key cache or types of an engine.

use std::any::Any;
use std::sync::Arc;

use hh_auth::KeyDigest;

pub(crate) use super::error::StoreError;

/// A change of the stored data.
pub(crate) trait Command: Send + 'static {
    /// The type of access that it requires.
    type Access: Sync;
    type Answer: Send + 'static;
}

/// A request for stored data.
pub(crate) trait Query: Send + 'static {
    /// The type of access that it requires.
    type Access: Sync;
    type Answer: Send + 'static;
}

/// An engine that executes a command.
///
/// A command is stored completely or not at all, unless its documentation defines otherwise. The engine answers after
/// the change is durable. It notifies the [`KeyObserver`] before it answers, in the order of the commits, even if the
/// caller has stopped waiting.
pub(crate) trait Write<C: Command> {
    fn write(
        &self,
        access: &C::Access,
        command: C,
        hold: Hold,
    ) -> impl Future<Output = Result<C::Answer, StoreError>> + Send;
}

/// An engine that answers a query. Dropping the future stops the query.
pub(crate) trait Read<Q: Query> {
    fn read(
        &self,
        access: &Q::Access,
        query: Q,
    ) -> impl Future<Output = Result<Q::Answer, StoreError>> + Send;
}

/// A resource that the caller holds for a command, such as reserved memory. It is dropped when the command is finished,
/// even if the caller has stopped waiting.
#[derive(Clone, Default)]
pub(crate) struct Hold(
    #[expect(dead_code, reason = "it only delays the drop")] Option<Arc<dyn Any + Send + Sync>>,
);

impl Hold {
    pub(crate) fn new(held: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(held)))
    }
}

/// The result of a command that changes keys.
#[derive(Debug, Default)]
pub(crate) struct Changed<T> {
    pub(crate) value: T,
    pub(crate) changes: KeyChanges,
}

/// The keys that a command changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyChanges {
    pub(crate) created: Vec<KeyDigest>,
    /// Keys that are no longer stored.
    pub(crate) deleted: Vec<KeyDigest>,
    /// Keys that are no longer valid.
    pub(crate) revoked: Vec<KeyDigest>,
    /// Keys with any other change.
    pub(crate) changed: Vec<KeyDigest>,
}

/// An observer of the stored keys and their changes.
pub(crate) trait KeyObserver: Send + Sync {
    /// Receives the digest of each stored key when the store is opened.
    fn exists(&self, digest: &KeyDigest);

    /// Receives the changes of existing keys before they can become durable. Until they are settled, readers of the store
    /// may find these keys changed or unchanged.
    fn changing(&self, changes: &KeyChanges);

    /// Receives the changes that were passed to [`changing`](Self::changing) once they are committed or rolled back.
    fn settled(&self, changes: &KeyChanges);

    /// Receives the changes of a command when they are durable, before the command is answered.
    fn committed(&self, changes: &KeyChanges);

    /// Receives keys whose revocation could not be stored. They must be rejected until the server stops.
    fn unsaved(&self, revoked: &[KeyDigest]);
}

/// An observer that ignores all changes.
#[cfg(test)]
impl KeyObserver for () {
    fn exists(&self, _: &KeyDigest) {}

    fn changing(&self, _: &KeyChanges) {}

    fn settled(&self, _: &KeyChanges) {}

    fn committed(&self, _: &KeyChanges) {}

    fn unsaved(&self, _: &[KeyDigest]) {}
}
