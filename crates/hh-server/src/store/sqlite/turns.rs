//! Assigns turns by rotation family, so that a key with many requests waits for its own requests and does not delay
//! requests of other keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::port::StoreError;

/// The number of families above which families without waiting or running requests are removed.
const REMEMBERED: usize = 1024;

/// The limit of requests of each family that may wait for a shared resource at the same time.
pub(super) struct Turns {
    permits: usize,
    by_family: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

impl Turns {
    pub(super) fn new(permits: usize) -> Self {
        Self {
            permits,
            by_family: Mutex::default(),
        }
    }

    /// Waits for the turn of a family.
    ///
    /// # Errors
    /// `Busy` if the wait exceeds the limit.
    pub(super) async fn wait(
        &self,
        family: i64,
        limit: Duration,
    ) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = self.of(family).acquire_owned();
        let turn = tokio::time::timeout(limit, turn).await;
        let turn = turn.map_err(|_| StoreError::Busy)?;
        turn.map_err(|_| StoreError::Stopped)
    }

    fn of(&self, family: i64) -> Arc<Semaphore> {
        let mut by_family = self
            .by_family
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if by_family.len() >= REMEMBERED {
            by_family.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = by_family
            .entry(family)
            .or_insert_with(|| Arc::new(Semaphore::new(self.permits)));
        Arc::clone(turns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_family_waits_for_itself_only() {
        let turns = Turns::new(1);
        let soon = Duration::from_millis(20);
        let first = turns.wait(1, soon).await.unwrap();
        assert!(matches!(turns.wait(1, soon).await, Err(StoreError::Busy)));
        drop(turns.wait(2, soon).await.unwrap());
        drop(first);
        drop(turns.wait(1, soon).await.unwrap());
    }

    #[tokio::test]
    async fn families_that_wait_for_nothing_are_forgotten() {
        let turns = Turns::new(1);
        let held = turns.wait(-1, Duration::from_secs(1)).await.unwrap();
        for family in 0..5_000 {
            drop(turns.wait(family, Duration::from_secs(1)).await.unwrap());
        }
        assert!(turns.by_family.lock().unwrap().len() <= REMEMBERED);
        drop(held);
    }
}
