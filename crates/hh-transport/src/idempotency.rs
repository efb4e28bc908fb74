//! What repeating a request would do.

use http::HeaderValue;

use crate::error::TransportError;

/// Says whether a request may be sent again after an attempt whose fate is unknown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Idempotency {
    /// Sending it twice has the effect of sending it once.
    Safe,
    /// The server recognizes a repetition by this key, which is sent as `idempotency-key` with every attempt.
    Keyed(IdempotencyKey),
    /// Sending it twice may do the thing twice.
    Unsafe,
    /// An export of OTLP, which is repeated when that protocol says so and else not (OTLP 1.9, "Failures").
    Otlp,
}

/// The value of the `idempotency-key` header, the same on every attempt of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(HeaderValue);

impl IdempotencyKey {
    /// Makes a key of 128 random bits.
    ///
    /// # Errors
    ///
    /// [`Other`](crate::TransportErrorKind::Other) when the system has no randomness.
    pub fn random() -> Result<Self, TransportError> {
        let word = || {
            getrandom::u64()
                .map_err(|error| TransportError::other("the system has no randomness", error))
        };
        Self::parse(&format!("{:016x}{:016x}", word()?, word()?))
    }

    /// Reads a key of 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) when it is anything else.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TransportError::invalid_request(
                "an idempotency key is 1 to 255 visible ASCII characters",
            ));
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| {
            TransportError::invalid_request("the idempotency key is not a header value")
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
