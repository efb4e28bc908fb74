//! What an engine has to do for the store. No HTTP, no key cache, no type of an engine.

use std::any::Any;
use std::sync::Arc;

use hh_auth::KeyDigest;

pub(crate) use super::error::StoreError;

/// A change of what is stored, as data.
pub(crate) trait Command: Send + 'static {
    /// The access that allows it.
    type Access: Sync;
    type Answer: Send + 'static;
}

/// A question about what is stored, as data.
pub(crate) trait Query: Send + 'static {
    /// The access that allows it.
    type Access: Sync;
    type Answer: Send + 'static;
}

/// An engine that carries out a command.
///
/// All of a command is stored or nothing, unless the command says otherwise, and the answer comes after it is durable. The
/// engine tells the [`KeyObserver`] before it answers, in the order of the commits, also when nobody waits for the answer
/// any more.
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

/// Something that the caller holds for a command, such as its share of the memory: dropped when the command is done, also if
/// the caller does not wait any more.
#[derive(Clone, Default)]
pub(crate) struct Hold(
    #[expect(dead_code, reason = "it is only kept")] Option<Arc<dyn Any + Send + Sync>>,
);

impl Hold {
    pub(crate) fn new(held: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(held)))
    }
}

/// A page of events, rendered as the JSON of an [`EventList`](hh_api::types::EventList): as values in memory it would be
/// many times as large.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) json: Vec<u8>,
}

/// The answer of a command that changes keys.
#[derive(Debug, Default)]
pub(crate) struct Changed<T> {
    pub(crate) value: T,
    pub(crate) changes: KeyChanges,
}

/// Which keys a command changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyChanges {
    pub(crate) created: Vec<KeyDigest>,
    /// Keys that are not stored any more.
    pub(crate) deleted: Vec<KeyDigest>,
    /// Keys that do not work any more.
    pub(crate) revoked: Vec<KeyDigest>,
    /// Keys that changed in another way.
    pub(crate) changed: Vec<KeyDigest>,
}

/// Learns which keys there are and how they change.
pub(crate) trait KeyObserver: Send + Sync {
    /// Is called for each key when the store is opened.
    fn exists(&self, digest: &KeyDigest);

    /// Is called before a change of keys that exist can become durable. Until it is settled, readers of the store may
    /// find these keys changed or unchanged.
    fn changing(&self, changes: &KeyChanges);

    /// Is called for each change after [`changing`](Self::changing): it is durable and was reported, or it is undone.
    fn settled(&self, changes: &KeyChanges);

    /// Is called once a change is durable, before the command is answered.
    fn committed(&self, changes: &KeyChanges);

    /// Is called for keys of which the revocation could not be stored: they have to be rejected until the server stops.
    fn unsaved(&self, revoked: &[KeyDigest]);
}

/// Nobody has to learn of it.
#[cfg(test)]
impl KeyObserver for () {
    fn exists(&self, _: &KeyDigest) {}

    fn changing(&self, _: &KeyChanges) {}

    fn settled(&self, _: &KeyChanges) {}

    fn committed(&self, _: &KeyChanges) {}

    fn unsaved(&self, _: &[KeyDigest]) {}
}
