//! Conversions to JSON values.

use serde_json::Value;

use super::number::{float, integer};

/// Returns text; invalid UTF-8 becomes U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns the value of a number in any form.
///
/// A number without a fraction and an exponent is an integer. Other numbers are doubles.
pub(crate) fn number(digits: &str) -> Value {
    if digits.contains(['.', 'e', 'E']) {
        float(digits)
    } else {
        integer(digits)
    }
}
