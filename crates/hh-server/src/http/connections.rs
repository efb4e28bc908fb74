//! The open connections: limits for all and for each address, and which one is closed when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::auth::{Peer, Prefix};
use crate::http::activity::{Activity, Wait};

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// All together.
    pub(crate) total: usize,
    /// Those of one address that wait for a request. An address is an IPv4 address or the /64 of an IPv6 address.
    pub(crate) silent_per_address: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 4096,
            silent_per_address: 1024,
        }
    }
}

/// A client that makes no progress within a request for this long may be disconnected to free its place.
const STALLED: Duration = Duration::from_secs(1);
/// How often a full server looks again for a connection that it may close.
const RETRY: Duration = Duration::from_millis(100);

/// The open connections of a server.
#[derive(Clone)]
pub(crate) struct Connections {
    shared: Arc<ConnectionsState>,
}

struct ConnectionsState {
    limits: ConnectionLimits,
    epoch: Instant,
    open: Mutex<OpenConnections>,
    released: Notify,
}

#[derive(Default)]
struct OpenConnections {
    next: u64,
    total: usize,
    by_address: HashMap<Prefix, HashMap<u64, Arc<ConnectionEntry>>>,
}

struct ConnectionEntry {
    activity: Arc<Activity>,
    task: OnceLock<AbortHandle>,
}

/// The place of one connection, which is free again when this is dropped.
pub(crate) struct ConnectionSlot {
    shared: Arc<ConnectionsState>,
    address: Prefix,
    number: u64,
    entry: Arc<ConnectionEntry>,
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            shared: Arc::new(ConnectionsState {
                limits,
                epoch: Instant::now(),
                open: Mutex::default(),
                released: Notify::new(),
            }),
        }
    }

    /// Finds a place for a new connection, and closes silent ones for it if necessary. Waits only while each
    /// connection has a request that makes progress.
    pub(crate) async fn admit(&self, peer: Peer) -> ConnectionSlot {
        loop {
            let released = self.shared.released.notified();
            if let Some(place) = self.try_admit(peer) {
                return place;
            }
            // What is busy now may be silent soon, and nothing announces that.
            drop(tokio::time::timeout(RETRY, released).await);
        }
    }

    fn try_admit(&self, peer: Peer) -> Option<ConnectionSlot> {
        let (address, limits) = (Prefix::from(peer), self.shared.limits);
        let mut open = self.shared.open();
        let theirs = open.by_address.get(&address).map_or(0, HashMap::len);
        if theirs >= limits.silent_per_address {
            open.limit_silent(address, limits.silent_per_address);
        }
        if open.total >= limits.total && !open.evict_oldest(self.shared.epoch.elapsed()) {
            return None;
        }
        let number = open.next;
        let entry = Arc::new(ConnectionEntry {
            activity: Arc::new(Activity::new(self.shared.epoch)),
            task: OnceLock::new(),
        });
        open.next += 1;
        open.total += 1;
        let addresses = open.by_address.entry(address).or_default();
        addresses.insert(number, Arc::clone(&entry));
        Some(ConnectionSlot {
            shared: Arc::clone(&self.shared),
            address,
            number,
            entry,
        })
    }

    /// Closes some silent connections, because the process has no more file descriptors; returns whether there were any.
    pub(crate) fn release_silent(&self) -> bool {
        const AT_ONCE: usize = 16;

        let mut open = self.shared.open();
        let now = self.shared.epoch.elapsed();
        (0..AT_ONCE).filter(|_| open.evict_oldest(now)).count() > 0
    }
}

impl ConnectionsState {
    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    /// Makes place for one more connection of an address that may stay silent.
    fn limit_silent(&mut self, address: Prefix, limit: usize) {
        let connections = self.by_address.get(&address).into_iter().flatten();
        let silent = connections.filter_map(|(number, entry)| {
            let (wait, since) = entry.activity.waits()?;
            (wait == Wait::Silent).then_some((since, *number))
        });
        let (mut count, mut oldest) = (0, None::<(Duration, u64)>);
        for one in silent {
            count += 1;
            oldest = Some(oldest.map_or(one, |oldest| oldest.min(one)));
        }
        if count >= limit
            && let Some((since, number)) = oldest
        {
            self.evict(address, number, (Wait::Silent, since));
        }
    }

    /// Closes the connection that has been silent for the longest time, or else the one that has stalled for the
    /// longest time within a request.
    fn evict_oldest(&mut self, now: Duration) -> bool {
        let all = self.by_address.iter().flat_map(|(address, connections)| {
            let of_one = move |(number, entry): (&u64, &Arc<ConnectionEntry>)| {
                let (wait, since) = entry.activity.waits()?;
                let is_stalled = wait == Wait::Stalled;
                let is_recent = now.saturating_sub(since) < STALLED;
                (!is_stalled || !is_recent).then_some((is_stalled, since, *number, *address))
            };
            connections.iter().filter_map(of_one)
        });
        let oldest =
            all.min_by_key(|(is_stalled, since, number, _)| (*is_stalled, *since, *number));
        let Some((is_stalled, since, number, address)) = oldest else {
            return false;
        };
        let wait = if is_stalled {
            Wait::Stalled
        } else {
            Wait::Silent
        };
        self.evict(address, number, (wait, since))
    }

    fn evict(&mut self, address: Prefix, number: u64, wait: (Wait, Duration)) -> bool {
        let connections = self.by_address.get(&address);
        let Some(entry) = connections.and_then(|all| all.get(&number)) else {
            return false;
        };
        // It may have received a request in the meantime.
        if !entry.activity.evict(wait) {
            return false;
        }
        if let Some(task) = entry.task.get() {
            task.abort();
        }
        self.remove(address, number);
        true
    }

    fn remove(&mut self, address: Prefix, number: u64) {
        let Some(connections) = self.by_address.get_mut(&address) else {
            return;
        };
        if connections.remove(&number).is_some() {
            self.total -= 1;
        }
        if connections.is_empty() {
            self.by_address.remove(&address);
        }
    }
}

impl ConnectionSlot {
    pub(crate) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.entry.activity)
    }

    /// Returns what ends the connection once its task is known.
    pub(crate) fn on_spawn(&self) -> impl FnOnce(AbortHandle) + use<> {
        let entry = Arc::clone(&self.entry);
        move |task| drop(entry.task.set(task))
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.shared.open().remove(self.address, self.number);
        self.shared.released.notify_one();
    }
}
