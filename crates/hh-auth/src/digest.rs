//! Digests that a server stores instead of keys: HMACs under a pepper that is not in the database (see
//! `docs/design/decisions.md#k7`).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ApiKey;

/// The secret that a server computes digests with: 32 random bytes that are stored next to the database, never in it.
pub struct Pepper {
    bytes: Zeroizing<[u8; 32]>,
    prepared: Hmac<Sha256>,
}

impl Pepper {
    /// Creates a new pepper.
    ///
    /// # Errors
    /// [`getrandom::Error`] if the random source of the system fails.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self::from_bytes(*bytes))
    }

    /// Creates a pepper from the bytes of its file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        // HMAC pads a key with zeros to the block size of its hash. A whole block always has a valid length.
        let mut block = Zeroizing::new([0; 64]);
        block[..bytes.len()].copy_from_slice(&bytes);
        let prepared = Hmac::new(&(*block).into());
        Self {
            bytes: Zeroizing::new(bytes),
            prepared,
        }
    }

    /// Returns the bytes of the pepper, to write them to its file.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Computes the digest of a key.
    #[must_use]
    pub fn digest(&self, key: &ApiKey) -> KeyDigest {
        let mut mac = self.prepared.clone();
        mac.update(crate::exposed(key).as_bytes());
        KeyDigest(mac.finalize().into_bytes().into())
    }

    /// Returns a value that identifies this pepper and reveals nothing about it.
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        let mut mac = self.prepared.clone();
        // No key begins with this text, so the value is not the digest of a key.
        mac.update(b"honeyhive pepper check");
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pepper([REDACTED])")
    }
}

/// The digest of a key, which identifies the key without revealing it.
#[derive(Clone, Copy, Eq)]
pub struct KeyDigest([u8; 32]);

impl std::hash::Hash for KeyDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl KeyDigest {
    /// Creates a digest from the bytes in the database.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyDigest {
    /// Compares two digests in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest(..)")
    }
}
