//! The time that tests wait, and the number of their rounds.

use std::time::{Duration, Instant};

/// The time that a test waits for an expected event before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(2);

/// Waits until the condition holds, and panics with `what` if it does not within [`PATIENCE`].
#[track_caller]
pub fn poll_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "timed out waiting: {what}");
        std::thread::sleep(INTERVAL);
    }
}

/// Returns the number of rounds of a repeated test: the usual number, or `HH_SOAK_ROUNDS` if that is higher.
pub fn rounds(usual: u32) -> u32 {
    let more = std::env::var_os("HH_SOAK_ROUNDS");
    let more = more.as_deref().and_then(|text| text.to_str());
    more.map_or(usual, |text| text.parse().unwrap()).max(usual)
}
