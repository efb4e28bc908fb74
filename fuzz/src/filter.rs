//! Checks the filters of events: no search panics, and its indexes find every event that it matches.
//!
//! The integration tests of hh-server include this file and replay the committed corpus with it. Therefore, it uses
//! only hh-server.

/// The maximum length of an input that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// Checks a search and an event.
///
/// # Panics
/// Panics if a property does not hold.
pub fn event_filter(data: &[u8]) {
    if data.len() > LARGEST {
        return;
    }
    let Some(decision) = hh_server::fuzzing::event_filter(data) else {
        return;
    };
    assert!(
        !decision.matches || decision.is_found,
        "the indexes miss an event that matches"
    );
    assert!(
        !decision.uses_only_indexes || decision.matches == decision.is_found,
        "the indexes find an event that does not match"
    );
}
