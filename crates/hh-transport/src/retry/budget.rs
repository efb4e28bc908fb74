//! The retry budget that all calls of a transport share.

use std::sync::atomic::{AtomicU32, Ordering};

const CAPACITY: u32 = 100;
const PRICE: u32 = 10;

/// A bucket of tokens. A retry takes ten tokens, a success returns one, and a successful retry returns its ten tokens.
/// When everything fails, retries stop after the first ten, and only the calls themselves reach the server.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }

    /// Pays for one retry. Returns false if the budget is too low.
    pub(crate) fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                tokens.checked_sub(PRICE)
            })
            .is_ok()
    }

    /// Returns the tokens for a success. `is_retry` means that a retry succeeded.
    pub(crate) fn refund(&self, is_retry: bool) {
        let worth = if is_retry { PRICE } else { 1 };
        // An error only means that the bucket is full.
        let _full = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                (tokens < CAPACITY).then(|| (tokens + worth).min(CAPACITY))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(budget: &Budget) -> usize {
        std::iter::repeat_with(|| budget.take())
            .take_while(|taken| *taken)
            .count()
    }

    #[test]
    fn runs_dry_and_refills() {
        let budget = Budget::new();
        assert_eq!(takes(&budget), 10);
        for _ in 0..9 {
            budget.refund(false);
        }
        assert!(!budget.take());
        budget.refund(false);
        assert!(budget.take());
    }

    #[test]
    fn a_retry_that_succeeds_costs_nothing() {
        let budget = Budget::new();
        for _ in 0..1_000 {
            assert!(budget.take());
            budget.refund(true);
        }
        assert_eq!(takes(&budget), 10);
    }

    #[test]
    fn stays_within_bounds_under_concurrency() {
        let budget = Budget::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let budget = &budget;
                scope.spawn(move || {
                    for step in 0..1_000 {
                        if (step + thread) % 3 == 0 {
                            budget.take();
                        } else {
                            budget.refund(false);
                        }
                        assert!(budget.0.load(Ordering::Relaxed) <= CAPACITY);
                    }
                });
            }
        });
        for _ in 0..1_000 {
            budget.refund(false);
        }
        assert_eq!(takes(&budget), 10);
    }
}
