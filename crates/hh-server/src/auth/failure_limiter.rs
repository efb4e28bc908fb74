//! Attempts with keys that are not valid here, counted by where they come from.
//!
//! They are counted once the key is known to be bad, so a valid key is never held up by anybody's guesses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts that an address may make in a [`WINDOW`] before they are answered with 429.
pub(crate) const QUOTA: u32 = 120;
pub(crate) const WINDOW: Duration = Duration::from_mins(1);
/// Addresses that are remembered; past it all are forgotten. About 1 MiB.
const LIMIT: usize = 16_384;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Default for Peer {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED.into())
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prefix {
    V4(u32),
    V6(u64),
}

impl From<Peer> for Prefix {
    fn from(peer: Peer) -> Self {
        match peer.0.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6(
                    [a, b, c, d]
                        .iter()
                        .fold(0, |all, part| all << 16 | u64::from(*part)),
                )
            }
        }
    }
}

/// One leaking bucket for each prefix: the moment at which it will be empty.
#[derive(Default)]
pub(crate) struct FailureLimiter {
    empty_at: Mutex<HashMap<Prefix, Instant>>,
}

impl FailureLimiter {
    /// Counts an attempt; when there were too many, says how long until the next may be made.
    pub(crate) fn count(&self, peer: Peer, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = Prefix::from(peer);
        if buckets.len() >= LIMIT && !buckets.contains_key(&prefix) {
            buckets.retain(|_, empty_at| *empty_at > now);
            if buckets.len() >= LIMIT {
                buckets.clear();
            }
        }
        let empty_at = buckets.entry(prefix).or_insert(now);
        let after = (*empty_at).max(now) + WINDOW / QUOTA;
        let wait = after.duration_since(now).saturating_sub(WINDOW);
        if wait.is_zero() {
            *empty_at = after;
            Ok(())
        } else {
            Err(wait)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer(text.parse().unwrap())
    }

    #[test]
    fn the_quota_comes_back_bit_by_bit() {
        let (failures, now) = (FailureLimiter::default(), Instant::now());
        let one = peer("192.0.2.1");
        for _ in 0..QUOTA {
            assert_eq!(failures.count(one, now), Ok(()));
        }
        let wait = failures.count(one, now).unwrap_err();
        assert_eq!(wait, WINDOW / QUOTA);
        assert_eq!(failures.count(one, now + wait), Ok(()));
        assert!(failures.count(one, now + wait).is_err());
        let later = now + 3 * WINDOW;
        let again = (0..2 * QUOTA).filter(|_| failures.count(one, later).is_ok());
        assert_eq!(again.count(), QUOTA as usize);
    }

    #[test]
    fn an_address_is_an_ipv4_address_or_an_ipv6_network() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "::2", true),
        ] {
            let (failures, now) = (FailureLimiter::default(), Instant::now());
            for _ in 0..QUOTA {
                failures.count(peer(one), now).unwrap();
            }
            assert_eq!(
                failures.count(peer(other), now).is_err(),
                same,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn the_number_of_remembered_addresses_is_limited() {
        let (failures, now) = (FailureLimiter::default(), Instant::now());
        for number in 0..200_000 {
            let address = Peer(Ipv4Addr::from_bits(number).into());
            failures.count(address, now).unwrap();
        }
        assert!(failures.empty_at.lock().unwrap().len() <= LIMIT);
    }
}
