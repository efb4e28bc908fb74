//! What a server keeps of a key: an HMAC under a pepper that is not in the database (see `docs/design/decisions.md#k7`).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ApiKey;

/// The secret under which digests are made; 32 random bytes that live beside the database, never in it.
pub struct Pepper {
    bytes: Zeroizing<[u8; 32]>,
    prepared: Hmac<Sha256>,
}

impl Pepper {
    /// Makes a new pepper.
    ///
    /// # Errors
    /// The system's random source failed.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self::from_bytes(*bytes))
    }

    /// Takes a pepper back from its file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        // HMAC pads a key with zeros to the block of its hash; a whole block cannot have the wrong length.
        let mut block = Zeroizing::new([0; 64]);
        block[..bytes.len()].copy_from_slice(&bytes);
        let prepared = Hmac::new(&(*block).into());
        Self {
            bytes: Zeroizing::new(bytes),
            prepared,
        }
    }

    /// Returns the bytes, to be written to its file.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Digests a key.
    #[must_use]
    pub fn digest(&self, key: &ApiKey) -> KeyDigest {
        let mut mac = self.prepared.clone();
        mac.update(crate::exposed(key).as_bytes());
        KeyDigest(mac.finalize().into_bytes().into())
    }

    /// Returns a value that tells this pepper from others and reveals nothing about it.
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        let mut mac = self.prepared.clone();
        // No key begins like this, so it is the digest of none.
        mac.update(b"honeyhive pepper check");
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pepper([REDACTED])")
    }
}

/// The digest of a key, which identifies it without giving it away.
#[derive(Clone, Copy, Eq)]
pub struct KeyDigest([u8; 32]);

impl std::hash::Hash for KeyDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl KeyDigest {
    /// Takes a digest back from the database.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyDigest {
    /// Compares in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest(..)")
    }
}
