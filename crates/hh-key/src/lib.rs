//! Parses, creates and redacts HoneyHive API keys, and recognizes them in text.
//!
//! [`ApiKey`] is a secret that cannot be printed. [`key_at`] is the only function that recognizes keys in text;
//! redaction in every crate uses it.
//!
//! ```
//! use hh_key::{ApiKey, KeyKind, key_at};
//!
//! let key = ApiKey::parse("hh_1234567890abcdef1234567890abcdef")?;
//! assert_eq!(key.kind(), KeyKind::Project);
//! assert_eq!(key.redacted(), "hh_12345***");
//! assert_eq!(key_at("hh_1234567890abcdef is a key"), Ok(19));
//! # Ok::<(), hh_key::KeyError>(())
//! ```
//!
//! | feature | default | adds | depends on |
//! | --- | --- | --- | --- |
//! | `checksum` | no | [`checksum()`], which recognizes keys that a HoneyHive for Rust server issued | crc32fast |
//! | `mint` | no | [`mint`], which creates keys, and the feature `checksum` | getrandom, zeroize |
//!
//! All platforms are supported.

mod api_key;
#[cfg(feature = "checksum")]
mod checksum;
#[cfg(feature = "mint")]
mod mint;
mod recognize;

pub use api_key::{ApiKey, KeyError, KeyKind, KeyWarning, redact};
#[cfg(feature = "checksum")]
pub use checksum::{Checksum, checksum};
#[cfg(feature = "mint")]
pub use mint::{NewApiKey, mint};
pub use recognize::{KeyInName, check_name, check_path, find_key, key_at};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
