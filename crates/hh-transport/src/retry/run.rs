//! The retry loop, over injected time and chance so that tests need neither.

use std::time::{Duration, Instant};

use super::RetryPolicy;
use super::backoff;
use super::budget::Budget;
use super::classify::{Decision, classify, decide};
use crate::error::TransportError;
use crate::idempotency::Idempotency;
use crate::service::Response;

/// One call, of which the loop makes attempts.
pub(crate) trait Call: Send {
    fn attempt(&mut self) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

/// What the loop needs of the world.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn sleep(&self, delay: Duration) -> impl Future<Output = ()> + Send;
    fn random(&self) -> u64;
}

/// The real clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, delay: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(delay)
    }

    fn random(&self) -> u64 {
        // Without randomness the whole delay is the careful choice.
        getrandom::u64().unwrap_or(u64::MAX)
    }
}

/// The rules of one run.
pub(crate) struct Rules<'a> {
    pub(crate) policy: &'a RetryPolicy,
    pub(crate) budget: &'a Budget,
    pub(crate) repeat: &'a Idempotency,
    pub(crate) deadline: Option<Instant>,
}

pub(crate) async fn run(
    rules: Rules<'_>,
    clock: &impl Clock,
    call: &mut impl Call,
) -> Result<Response, TransportError> {
    let Rules {
        policy,
        budget,
        repeat,
        deadline,
    } = rules;
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(clock.now()));
    if left() == Some(Duration::ZERO) {
        return Err(TransportError::deadline_before_sending());
    }
    let mut attempts = 0;
    let mut waited = Duration::ZERO;
    loop {
        let error = match call.attempt().await {
            Ok(response) => {
                budget.refund();
                return Ok(response);
            }
            Err(error) => error,
        };
        attempts += 1;
        let decision = decide(classify(&error), repeat);
        let delay = match (decision, error.retry_after()) {
            (Decision::Fatal, _) => return Err(error),
            (Decision::Wait, Some(wait)) => {
                waited = waited.saturating_add(wait);
                if waited > policy.max_wait {
                    return Err(error);
                }
                wait
            }
            (Decision::Wait | Decision::Retry, _) => {
                backoff::delay(policy.base, policy.cap, attempts, clock.random())
            }
        };
        // The budget is asked last: it is paid only for a retry that is really made.
        if attempts >= policy.max_attempts
            || left().is_some_and(|left| left <= delay)
            || !budget.take()
        {
            return Err(error);
        }
        clock.sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
