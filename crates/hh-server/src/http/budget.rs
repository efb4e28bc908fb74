//! Memory that requests and responses may hold: a limit for all, and a share for each key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::http::error::ApiError;

/// What a small request holds at most: one whose body has up to about 64 KiB.
const SMALL: usize = 256 * 1024;
/// Requests that wait for memory at one time: half of the connections. One key has at most half of them, the next a
/// quarter, and so on, because a request that waits keeps its connection.
const MAX_WAITING: usize = 2048;

/// Bytes that may be held at one time. Clones share them.
#[derive(Clone)]
pub(crate) struct Budget(Arc<BudgetState>);

struct BudgetState {
    total: usize,
    held: Mutex<BudgetUse>,
    released: Notify,
}

#[derive(Default)]
struct BudgetUse {
    total: usize,
    /// By rotation family: a key and the keys that replaced it share one share.
    by_family: HashMap<i64, usize>,
    /// Requests that wait, by rotation family.
    waiting: HashMap<i64, usize>,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Self {
        Self(Arc::new(BudgetState {
            total,
            held: Mutex::default(),
            released: Notify::new(),
        }))
    }

    /// Returns a reservation of nothing for a request with a key of a rotation family.
    pub(crate) fn reservation(&self, family: i64) -> Reservation {
        Reservation {
            budget: self.clone(),
            family,
            held: 0,
        }
    }

    /// Reserves bytes, and waits for others to release theirs if necessary.
    ///
    /// # Errors
    /// 503 when they are not released in time, or when too many requests wait already.
    pub(crate) async fn reserve_within(
        &self,
        family: i64,
        bytes: usize,
        limit: Duration,
    ) -> Result<Reservation, ApiError> {
        let mut reservation = self.reservation(family);
        if reservation.grow(bytes).is_ok() {
            return Ok(reservation);
        }
        let _waiter = Waiter::new(self, family)?;
        let end = Instant::now() + limit;
        loop {
            let mut released = std::pin::pin!(self.0.released.notified());
            // From here on no release is missed.
            released.as_mut().enable();
            let error = match reservation.grow(bytes) {
                Ok(()) => return Ok(reservation),
                Err(error) => error,
            };
            if timeout_at(end, released).await.is_err() {
                return Err(error);
            }
        }
    }
}

/// A request that waits.
struct Waiter<'a> {
    budget: &'a Budget,
    family: i64,
}

impl<'a> Waiter<'a> {
    fn new(budget: &'a Budget, family: i64) -> Result<Self, ApiError> {
        let mut held = budget.0.held();
        let all: usize = held.waiting.values().sum();
        let waiting = held.waiting.entry(family).or_default();
        if *waiting >= MAX_WAITING.saturating_sub(all - *waiting) / 2 {
            return Err(ApiError::busy_key());
        }
        *waiting += 1;
        Ok(Self { budget, family })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut held = self.budget.0.held();
        if let Some(waiting) = held.waiting.get_mut(&self.family) {
            *waiting -= 1;
            if *waiting == 0 {
                held.waiting.remove(&self.family);
            }
        }
    }
}

impl BudgetState {
    fn held(&self) -> MutexGuard<'_, BudgetUse> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What they may hold while the server works on them, which is short and lets a single large request succeed.
    fn working_share(&self) -> usize {
        self.total / 8 * 7
    }
}

/// What memory is reserved for.
#[derive(Clone, Copy)]
enum Purpose {
    /// Something that waits for the client.
    Waiting,
    /// Something that the server works on, which is short.
    Work,
}

/// Bytes that one request holds; released when dropped. What is queued for the writer keeps it.
pub(crate) struct Reservation {
    budget: Budget,
    family: i64,
    held: usize,
}

impl Reservation {
    /// Reserves more bytes for something that waits for the client.
    ///
    /// # Errors
    /// 503 when other requests hold too much.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.grow_within(bytes, Purpose::Waiting)
    }

    /// Reserves more bytes for work that does not wait for the client any more.
    ///
    /// # Errors
    /// 413 for more than one request may ever hold, 503 when other requests hold too much.
    pub(crate) fn grow_for_work(&mut self, bytes: usize) -> Result<(), ApiError> {
        let share = self.budget.0.working_share();
        if self.held + bytes > share {
            return Err(ApiError::too_much_memory());
        }
        self.grow_within(bytes, Purpose::Work)
    }

    fn grow_within(&mut self, bytes: usize, purpose: Purpose) -> Result<(), ApiError> {
        let shared = &self.budget.0;
        let mut held = shared.held();
        let family = held.by_family.get(&self.family).copied().unwrap_or(0);
        let share = match purpose {
            // At least as much stays free as the key holds: half for the first key, a quarter for the next, and so on. So
            // a few keys together do not hold everything.
            Purpose::Waiting => shared.total.saturating_sub(held.total - family) / 2,
            Purpose::Work => shared.working_share(),
        };
        if family + bytes > share {
            return Err(ApiError::busy_key());
        }
        // The last part is for small requests, so that large ones of several keys together block nobody else.
        let limit = if self.held + bytes <= SMALL {
            shared.total
        } else {
            shared.working_share()
        };
        if held.total + bytes > limit {
            return Err(ApiError::busy());
        }
        held.total += bytes;
        held.by_family.insert(self.family, family + bytes);
        self.held += bytes;
        Ok(())
    }

    /// Releases what exceeds a number of bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let released = self.held.saturating_sub(bytes);
        if released == 0 {
            return;
        }
        self.held = bytes;
        let shared = &self.budget.0;
        let mut held = shared.held();
        held.total -= released;
        if let Some(family) = held.by_family.get_mut(&self.family) {
            *family -= released;
            if *family == 0 {
                held.by_family.remove(&self.family);
            }
        }
        drop(held);
        shared.released.notify_waiters();
    }

    pub(crate) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reservation of more than 64 units is a large one.
    const UNIT: usize = SMALL / 64;

    fn budget() -> Budget {
        Budget::new(800 * UNIT)
    }

    #[tokio::test]
    async fn requests_that_wait_for_memory_leave_connections_to_others() {
        let budget = Budget::new(UNIT);
        let mut held = budget.reservation(0);
        held.grow(UNIT / 2).unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for (family, most) in [(1, MAX_WAITING / 2), (2, MAX_WAITING / 4)] {
            for _ in 0..most {
                let budget = budget.clone();
                let limit = Duration::from_mins(1);
                waiting.spawn(
                    async move { budget.reserve_within(family, UNIT, limit).await.map(drop) },
                );
            }
            while budget.0.held().waiting.get(&family) != Some(&most) {
                tokio::task::yield_now().await;
            }
            let limit = Duration::from_mins(1);
            let more = budget.reserve_within(family, UNIT, limit);
            let more = tokio::time::timeout(Duration::from_secs(5), more).await;
            assert!(more.unwrap().is_err());
        }
        assert!(waiting.try_join_next().is_none());
        waiting.shutdown().await;
        assert!(budget.0.held().waiting.is_empty());
    }

    #[test]
    fn one_key_holds_at_most_half_and_leaves_the_rest_to_others() {
        let budget = budget();
        let mut first = budget.reservation(1);
        let mut second = budget.reservation(1);
        first.grow(300 * UNIT).unwrap();
        second.grow(100 * UNIT).unwrap();
        second.grow(1).unwrap_err();
        first.grow(1).unwrap_err();
        let mut other = budget.reservation(2);
        other.grow(200 * UNIT).unwrap();
        other.grow(1).unwrap_err();
        drop(first);
        second.grow(200 * UNIT).unwrap();
        second.grow(1).unwrap_err();
    }

    #[test]
    fn large_requests_of_several_keys_leave_room_for_small_ones_of_others() {
        let budget = budget();
        let mut first = budget.reservation(1);
        let mut second = budget.reservation(2);
        first.grow(400 * UNIT).unwrap();
        second.grow_for_work(300 * UNIT).unwrap();
        second.grow_for_work(1).unwrap_err();
        let mut small = budget.reservation(3);
        small.grow(50 * UNIT).unwrap();
        small.grow(1).unwrap_err();
    }

    #[test]
    fn work_may_exceed_a_share_but_never_uses_everything() {
        let budget = budget();
        let mut first = budget.reservation(1);
        first.grow(300 * UNIT).unwrap();
        first.grow_for_work(400 * UNIT).unwrap();
        first.grow_for_work(1).unwrap_err();
        budget.reservation(1).grow(1).unwrap_err();
        budget.reservation(2).grow(50 * UNIT).unwrap();
        first.shrink_to(10 * UNIT);
        budget.reservation(1).grow(390 * UNIT).unwrap();
        drop(first);
        let held = budget.0.held();
        assert_eq!((held.total, held.by_family.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_reservation_waits_for_a_release_and_no_longer_than_its_limit() {
        let budget = budget();
        let held = budget.reservation(1).grow_to(400 * UNIT);
        let limit = Duration::from_millis(50);
        budget
            .reserve_within(1, 1, limit)
            .await
            .map(drop)
            .unwrap_err();
        let minute = Duration::from_mins(1);
        let all = 400 * UNIT;
        let (waited, ()) = tokio::join!(budget.reserve_within(1, all, minute), async {
            tokio::task::yield_now().await;
            drop(held);
        });
        assert_eq!(waited.unwrap().held(), all);
    }

    impl Reservation {
        fn grow_to(mut self, bytes: usize) -> Self {
            self.grow(bytes).unwrap();
            self
        }
    }
}
