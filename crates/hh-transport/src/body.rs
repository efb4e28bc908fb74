//! A response body with a limit on its size.

use bytes::{Bytes, BytesMut};

/// The most any response may be allowed to have, in bytes.
pub(crate) const CEILING: usize = 64 * 1024 * 1024;

/// Collects chunks up to a cap, so that a server cannot fill our memory.
pub(crate) struct Capped {
    cap: usize,
    bytes: BytesMut,
}

/// The body is larger than the cap.
#[derive(Debug)]
pub(crate) struct OverCap;

impl Capped {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap: cap.min(CEILING),
            bytes: BytesMut::new(),
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), OverCap> {
        if chunk.len() > self.cap - self.bytes.len() {
            return Err(OverCap);
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    pub(crate) fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_itself_is_allowed() {
        let mut body = Capped::new(4);
        assert!(body.push(b"ab").is_ok());
        assert!(body.push(b"cd").is_ok());
        assert!(body.push(b"").is_ok());
        assert!(body.push(b"e").is_err());
        assert_eq!(body.finish(), "abcd");
    }
}
