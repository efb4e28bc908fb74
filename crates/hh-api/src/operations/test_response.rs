//! The test mode responses that several operations share.

use crate::{TestModeError, TestValues};

/// Returns an empty list.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all test mode responses have this type"
)]
pub(super) fn empty<I, O: Default>(_: &I, _: &TestValues) -> Result<O, TestModeError> {
    Ok(O::default())
}
