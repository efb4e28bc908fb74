//! Random ids and the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

pub(crate) fn random() -> u64 {
    // Without the system's random source an id only has to differ from its neighbours.
    getrandom::u64().unwrap_or_else(|_| unix_nanos().rotate_left(32))
}

pub(crate) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(trace_id()).into_uuid()
}

pub(crate) fn trace_id() -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random().to_be_bytes());
    id[8..].copy_from_slice(&random().to_be_bytes());
    id
}

pub(crate) fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or(Duration::ZERO).as_nanos()).unwrap_or(u64::MAX)
}

/// A start by the wall clock, whose end is measured by the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    nanos: u64,
    instant: Instant,
}

impl Started {
    pub(crate) fn now() -> Self {
        Self {
            nanos: unix_nanos(),
            instant: Instant::now(),
        }
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.nanos
    }

    pub(crate) fn end_nanos(&self) -> u64 {
        let elapsed = u64::try_from(self.instant.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.saturating_add(elapsed)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the wire's times are floating milliseconds"
)]
pub(crate) fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
