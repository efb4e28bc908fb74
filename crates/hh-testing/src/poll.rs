//! How long tests wait, and how often they repeat.

use std::time::{Duration, Instant};

/// How long a test waits for what must happen before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(2);

/// Waits until the condition holds, and panics with `what` if it does not within [`PATIENCE`].
#[track_caller]
pub fn poll_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(INTERVAL);
    }
}

/// Returns the number of rounds of a test that repeats itself: the usual number, or `HH_SOAK_ROUNDS` if that is higher.
pub fn rounds(usual: u32) -> u32 {
    let more = std::env::var_os("HH_SOAK_ROUNDS");
    let more = more.as_deref().and_then(|text| text.to_str());
    more.map_or(usual, |text| text.parse().unwrap()).max(usual)
}
