//! Random ids and the clock.

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// Random bytes of the system for the ids of one thread: one system call for about 20 spans.
struct Pool {
    bytes: [u8; Self::SIZE],
    /// How many are left, at the end.
    left: usize,
    /// The process that they are for: after a fork both would create the same ids.
    process: u32,
}

impl Pool {
    const SIZE: usize = 512;

    /// Fills the buffers with bytes that were used for nothing else.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let process = std::process::id();
        if self.left < N || self.process != process {
            fill(&mut self.bytes);
            (self.left, self.process) = (Self::SIZE, process);
        }
        let start = Self::SIZE - self.left;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes[start..start + N]);
        self.left -= N;
        bytes
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { bytes: [0; Pool::SIZE], left: 0, process: 0 })
    };
}

fn random_bytes<const N: usize>() -> [u8; N] {
    // A pool has no destructor, so it is there until its thread has ended.
    POOL.with_borrow_mut(Pool::take)
}

fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // Without the system's random source an id only has to differ from its neighbors.
        for (part, number) in bytes.chunks_mut(8).zip(0..) {
            let mixed = (unix_nanos() ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = mixed.rotate_left(32).to_be_bytes();
            part.copy_from_slice(&mixed[..part.len()]);
        }
    }
}

pub(crate) fn random() -> u64 {
    u64::from_be_bytes(random_bytes())
}

pub(crate) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

pub(crate) fn trace_and_span_id() -> ([u8; 16], [u8; 8]) {
    let bytes: [u8; 24] = random_bytes();
    let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
    trace_id.copy_from_slice(&bytes[..16]);
    span_id.copy_from_slice(&bytes[16..]);
    (trace_id, span_id)
}

pub(crate) fn span_id() -> [u8; 8] {
    random_bytes()
}

pub(crate) fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or(Duration::ZERO).as_nanos()).unwrap_or(u64::MAX)
}

/// A start by the wall clock, whose end is measured by the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartTime {
    nanos: u64,
    instant: Instant,
}

impl StartTime {
    pub(crate) fn now() -> Self {
        Self {
            nanos: unix_nanos(),
            instant: Instant::now(),
        }
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.nanos
    }

    /// Returns the wall clock's time at an instant after the start.
    pub(crate) fn nanos_at(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.instant).as_nanos();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.nanos.saturating_add(elapsed)
    }
}

pub(crate) fn millis(nanos: u64) -> f64 {
    hh_api::to_millis(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_all_threads_differ() {
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(|| (0..2_000).map(|_| trace_and_span_id()).collect()))
            .collect();
        let ids = threads
            .into_iter()
            .flat_map(|thread| -> Vec<_> { thread.join().unwrap() });
        let (traces, spans): (HashSet<_>, HashSet<_>) = ids.unzip();
        assert_eq!((traces.len(), spans.len()), (16_000, 16_000));
        assert!(!spans.contains(&[0; 8]));
    }

    #[test]
    fn a_pool_of_another_process_is_not_used() {
        let mut pool = Pool {
            bytes: [0; Pool::SIZE],
            left: 0,
            process: 0,
        };
        let first: [u8; 16] = pool.take();
        let left = pool.left;
        // The copy that a child process has after a fork.
        pool.process = pool.process.wrapping_add(1);
        let unused = pool.bytes[16..32].to_vec();
        let second: [u8; 16] = pool.take();
        assert_ne!(second[..], unused);
        assert_ne!(second, first);
        assert_eq!(pool.left, left);
    }
}
