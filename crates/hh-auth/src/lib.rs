//! HoneyHive API keys: the key type, permission levels, key creation and the credential store.
//!
//! The core needs no feature and few dependencies. An [`ApiKey`] is a secret, which is printed only in redacted form. A
//! [`Level`] is a named set of permissions, which are [`Need`]s. [`decide`] returns whether the permissions of a key
//! allow an operation.
//!
//! ```
//! use hh_auth::{ApiKey, Decision, Grant, Level, Need, Projects, decide};
//!
//! let key = ApiKey::parse("hh_1234567890abcdef1234567890abcdef")?;
//! assert_eq!(key.redacted(), "hh_12345***");
//!
//! let grant = Grant { level: Level::ReadOnly, projects: Projects::All, expires: None };
//! let now = jiff::Timestamp::UNIX_EPOCH;
//! assert_eq!(decide(&grant, Some(Need::Read), None, now), Decision::Allow);
//! assert_ne!(decide(&grant, Some(Need::Write), None, now), Decision::Allow);
//! # Ok::<(), hh_auth::KeyError>(())
//! ```
//!
//! | feature | default | adds | depends on |
//! | --- | --- | --- | --- |
//! | `client` | yes | [`Credentials`], which loads keys from [`CredentialProvider`]s; [`KeyInfo`]; [`credential_command`]; [`FileStore`], the credential store of `honeyhive auth login` | hh-config, rustix, tokio (only `sync`) |
//! | `keyring` | no | [`Storage::Keyring`], which stores keys in the system keyring (the Secret Service, over D-Bus), and the feature `client` | zbus |
//! | `checksum` | no | [`checksum()`], which recognizes keys that a HoneyHive for Rust server issued | crc32fast |
//! | `server` | no | [`mint`], [`Pepper`], [`KeyDigest`], and the feature `checksum` | rustix, hmac, sha2 |
//!
//! The core and the feature `checksum` perform no I/O and support all platforms. `client`, `keyring` and `server`
//! require Unix. Linux is tested; macOS is untested.

#[cfg(all(not(unix), any(feature = "client", feature = "server")))]
compile_error!(
    "hh-auth: the features `client` and `server` require Unix; without them (`default-features = false`), keys, levels and decisions work on all platforms"
);

#[cfg(feature = "client")]
mod command;
#[cfg(feature = "client")]
mod credentials;
mod decide;
#[cfg(feature = "client")]
mod error;
mod level;
#[cfg(any(feature = "client", feature = "server"))]
pub mod private_file;

#[cfg(feature = "server")]
mod digest;
#[cfg(feature = "server")]
mod mint;

#[cfg(feature = "client")]
mod key_file;
#[cfg(feature = "client")]
mod key_info;
#[cfg(feature = "client")]
mod store;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

pub use decide::{Decision, DenyReason, Grant, decide};
#[cfg(feature = "server")]
pub use digest::{KeyDigest, Pepper};
pub use hh_key::{
    ApiKey, KeyError, KeyInName, KeyKind, KeyWarning, check_name, check_path, redact,
};
#[cfg(feature = "checksum")]
pub use hh_key::{Checksum, checksum};
pub use level::{Level, Need, ProjectId, Projects};
#[cfg(feature = "client")]
pub use {
    command::credential_command,
    credentials::{Credential, CredentialProvider, Credentials, Epoch, IssuedCredential},
    error::{AuthError, AuthErrorKind},
    key_file::KeyFileWatch,
    key_info::{CreatedSource, KeyInfo, LevelSource},
    store::{
        Created, FileStore, KeyDetails, Profile, ProfileEntry, Profiles, RemovedProfiles, Storage,
        StoreError, StoreErrorKind, probe_keyring,
    },
};
#[cfg(feature = "server")]
pub use {hh_key::NewApiKey, mint::mint};

/// Returns the text of a key, for a digest or for storage.
#[cfg(any(feature = "client", feature = "server"))]
#[expect(
    clippy::disallowed_methods,
    reason = "the text of a key is digested or written to the credential store"
)]
pub(crate) fn exposed(key: &ApiKey) -> &str {
    use secrecy::ExposeSecret as _;

    key.secret().expose_secret()
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
