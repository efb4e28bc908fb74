//! The effect of sending a request twice.

use http::HeaderValue;

use crate::error::TransportError;

/// Specifies whether a request may be sent again after an attempt whose result is unknown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Idempotency {
    /// Sending the request twice has the same effect as sending it once.
    Safe,
    /// The server recognizes a retry by this key, which every attempt sends in the `idempotency-key` header.
    Keyed(IdempotencyKey),
    /// Sending the request twice may perform the action twice.
    Unsafe,
    /// An OTLP export, which is retried only when that protocol allows it (OTLP 1.9, "Failures").
    Otlp,
}

/// The value of the `idempotency-key` header, which is the same in every attempt of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(HeaderValue);

impl IdempotencyKey {
    /// Creates a key of 128 random bits, written as 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Returns [`Other`](crate::TransportErrorKind::Other) if the system cannot generate random numbers.
    pub fn random() -> Result<Self, TransportError> {
        let word = || {
            getrandom::u64()
                .map_err(|error| TransportError::other("cannot generate a random number", error))
        };
        Self::parse(&format!("{:016x}{:016x}", word()?, word()?))
    }

    /// Parses a key of 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for any other text.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TransportError::invalid_request(
                "invalid idempotency key: expected 1 to 255 visible ASCII characters",
            ));
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| {
            TransportError::invalid_request("invalid idempotency key: not a header value")
        })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_differ() {
        assert_ne!(
            IdempotencyKey::random().unwrap(),
            IdempotencyKey::random().unwrap()
        );
    }

    #[test]
    fn a_key_is_visible_ascii() {
        assert!(IdempotencyKey::parse("job-1").is_ok());
        for bad in ["", "a b", "a\r\nx: y", "é", &"k".repeat(256)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }
}
