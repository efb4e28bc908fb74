//! Types that prove that a request was authorized. Only the code in `authorize` creates them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hh_api::types::{Key, KeyState, ProjectNames};
use hh_auth::{Need, ProjectId};
use jiff::Timestamp;

use super::last_used::LastUse;
use crate::domain::keys::KeyRecord;

/// The key of a request, with the part of its state that changes while the server runs.
#[derive(Debug)]
pub(crate) struct Principal {
    record: KeyRecord,
    /// Whether the key was revoked, possibly after it was read.
    is_revoked: AtomicBool,
    /// Whether the next use starts the grace period of the key that this one replaces.
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

    /// Returns the state of the key at a time. The expiry is compared at each decision, so that no timer can be late.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        if self.is_revoked() {
            KeyState::Revoked
        } else {
            self.record.state(now)
        }
    }

    /// Returns the final state to store if the key has certainly expired or was certainly replaced.
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

/// Proof that the key of a request was checked for its operation.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    principal: Arc<Principal>,
    need: Option<Need>,
    now: Timestamp,
    key_time: Timestamp,
}

impl Access {
    /// Creates an access. Only `authorize` calls this.
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

    /// Returns the need that the operation required of the key.
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

    /// Returns the state of the key at a time.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        self.principal.state(now)
    }

    /// Describes the key of the request.
    pub(crate) fn describe(&self, projects: ProjectNames) -> Key {
        let (state, last_use) = (self.state(self.key_time), self.principal.last_use());
        self.record().describe(projects, state, last_use.time())
    }

    /// Returns the time of arrival of the request, by the system clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the time for decisions about keys, see [`Clock::key_time`](crate::clock::Clock::key_time).
    pub(crate) fn key_time(&self) -> Timestamp {
        self.key_time
    }
}

/// Proof that the server acts for itself, for example to find the key of a request.
#[derive(Debug)]
pub(crate) struct ServerAccess(());

impl ServerAccess {
    pub(super) fn new() -> Self {
        Self(())
    }
}

/// Proof that a request may access one project.
#[derive(Clone, Debug)]
pub(crate) struct ProjectAccess {
    id: ProjectId,
    /// The public id of the project.
    public: String,
    /// The number of the key.
    key: i64,
    /// The rotation family of the key.
    family: i64,
}

impl ProjectAccess {
    /// Creates an access to a project. Only `authorize_project` calls this.
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

/// Creates proofs without a request, for tests of the store.
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
