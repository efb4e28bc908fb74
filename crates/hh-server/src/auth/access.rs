//! Proofs that a request was authorized. Types only: the code in `authorize` creates them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hh_api::types::{Key, KeyState, ProjectNames};
use hh_auth::{Need, ProjectId};
use jiff::Timestamp;

use super::last_used::LastUse;
use crate::domain::keys::KeyRecord;

/// Who sends a request: a key, with what changes about it while the server runs.
#[derive(Debug)]
pub(crate) struct Principal {
    record: KeyRecord,
    /// The key was revoked after it was read.
    is_revoked: AtomicBool,
    /// The grace of the key that this one replaces has still to begin.
    begins_grace: AtomicBool,
    last_use: Arc<LastUse>,
}

impl Principal {
    pub(super) fn new(record: KeyRecord) -> Self {
        Self {
            is_revoked: AtomicBool::new(record.is_revoked),
            begins_grace: AtomicBool::new(record.begins_grace),
            last_use: Arc::new(LastUse::new(record.last_used)),
            record,
        }
    }

    pub(crate) fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// Returns whether the key works. Ends by time are compared at each decision: no timer can be late.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        if self.is_revoked() {
            KeyState::Revoked
        } else {
            self.record.state(now)
        }
    }

    pub(super) fn to_close(&self, certain: Timestamp) -> Option<KeyState> {
        let closed = self.record.to_close(certain);
        closed.filter(|_| !self.is_revoked())
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.is_revoked.load(Ordering::Acquire)
    }

    pub(super) fn revoke(&self) {
        self.is_revoked.store(true, Ordering::Release);
    }

    pub(super) fn begins_grace(&self) -> bool {
        self.begins_grace.load(Ordering::Acquire)
    }

    pub(super) fn grace_has_begun(&self) {
        self.begins_grace.store(false, Ordering::Release);
    }

    pub(super) fn last_use(&self) -> &Arc<LastUse> {
        &self.last_use
    }
}

/// A request whose key was checked for its operation.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    principal: Arc<Principal>,
    need: Option<Need>,
    now: Timestamp,
    key_time: Timestamp,
}

impl Access {
    /// Is called by `authorize` alone.
    pub(super) fn new(
        principal: Arc<Principal>,
        need: Option<Need>,
        now: Timestamp,
        key_time: Timestamp,
    ) -> Self {
        Self {
            principal,
            need,
            now,
            key_time,
        }
    }

    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns what the operation needs of a key.
    pub(super) fn need(&self) -> Option<Need> {
        self.need
    }

    pub(crate) fn record(&self) -> &KeyRecord {
        self.principal.record()
    }

    /// Returns whether the key was revoked since the request was authorized.
    pub(crate) fn is_revoked(&self) -> bool {
        self.principal.is_revoked()
    }

    /// Returns whether the key works at a time.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        self.principal.state(now)
    }

    /// Describes the key of the request.
    pub(crate) fn describe(&self, projects: ProjectNames) -> Key {
        let (state, last_use) = (self.state(self.key_time), self.principal.last_use());
        self.record().describe(projects, state, last_use.time())
    }

    /// Returns when the request arrived, by the system's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the time by which keys are judged, see [`Clock::key_time`](crate::clock::Clock::key_time).
    pub(crate) fn key_time(&self) -> Timestamp {
        self.key_time
    }
}

/// What the server does for itself, such as finding the key of a request.
#[derive(Debug)]
pub(crate) struct ServerAccess(());

impl ServerAccess {
    pub(super) fn new() -> Self {
        Self(())
    }
}

/// An access to one project.
#[derive(Clone, Debug)]
pub(crate) struct ProjectAccess {
    id: ProjectId,
    /// The project's public id.
    public: String,
    /// The number of the key.
    key: i64,
    /// The rotation family of the key.
    family: i64,
}

impl ProjectAccess {
    /// Is called by `authorize_project` alone.
    pub(super) fn new(id: ProjectId, public: &str, key: &KeyRecord) -> Self {
        Self {
            id,
            public: public.to_owned(),
            key: key.key_id,
            family: key.family,
        }
    }

    pub(crate) fn key(&self) -> i64 {
        self.key
    }

    pub(crate) fn family(&self) -> i64 {
        self.family
    }

    pub(crate) fn id(&self) -> ProjectId {
        self.id
    }

    pub(crate) fn number(&self) -> i64 {
        self.id.number()
    }

    pub(crate) fn public(&self) -> &str {
        &self.public
    }
}

/// Accesses without a request, for tests of the store.
#[cfg(test)]
mod without_a_request {
    use super::*;

    impl Access {
        pub(crate) fn of(record: KeyRecord, now: Timestamp) -> Self {
            Self::new(Arc::new(Principal::new(record)), None, now, now)
        }
    }

    impl ServerAccess {
        pub(crate) fn for_test() -> Self {
            Self::new()
        }
    }

    impl ProjectAccess {
        pub(crate) fn of(id: ProjectId, public: &str, record: &KeyRecord) -> Self {
            Self::new(id, public, record)
        }
    }
}
