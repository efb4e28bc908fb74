//! Responses of test mode that several operations have.

use crate::{TestModeError, TestValues};

/// Returns the empty response that test mode has for a list.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every response of test mode has this type"
)]
pub(super) fn empty<I, O: Default>(_: &I, _: &TestValues) -> Result<O, TestModeError> {
    Ok(O::default())
}
