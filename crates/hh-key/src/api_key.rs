//! The API key: what a valid one looks like, and the one way to show it.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The longest key that is looked at, in bytes.
const MAX_LENGTH: usize = 512;

/// The characters after `hh_` that a project key has at least.
const USUAL_TAIL: usize = 32;

/// The kinds of API keys, told apart by their prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// `hh_…`, a project key.
    Project,
    /// `hh_ro_…`, a project key that can only read.
    ReadOnly,
    /// `hh_ingst_…`, for telemetry only.
    Ingestion,
    /// `hh_fgdp_…`, a fine-grained data plane key.
    DataPlane,
    /// `hh_fgcp_…`, a fine-grained control plane key.
    ControlPlane,
}

impl KeyKind {
    /// Returns the prefix that marks the kind.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Project => "hh_",
            Self::ReadOnly => "hh_ro_",
            Self::Ingestion => "hh_ingst_",
            Self::DataPlane => "hh_fgdp_",
            Self::ControlPlane => "hh_fgcp_",
        }
    }

    /// Returns what people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::ReadOnly => "read-only project",
            Self::Ingestion => "ingestion",
            Self::DataPlane => "fine-grained data plane",
            Self::ControlPlane => "fine-grained control plane",
        }
    }

    /// Tells whether keys of this kind carry their key id in the open.
    #[must_use]
    pub fn is_typed(self) -> bool {
        matches!(self, Self::Ingestion | Self::DataPlane | Self::ControlPlane)
    }

    fn of(text: &str) -> Option<Self> {
        [
            Self::ReadOnly,
            Self::Ingestion,
            Self::DataPlane,
            Self::ControlPlane,
            Self::Project,
        ]
        .into_iter()
        .find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A well-formed API key; the text is a secret and has no `Display`.
#[derive(Clone)]
pub struct ApiKey {
    secret: SecretString,
    kind: KeyKind,
}

impl ApiKey {
    /// Parses a key: surrounding white space is cut, the rest must be one of the known shapes (see
    /// `docs/design/decisions.md#k1` and `#k2`).
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong and never repeats the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(KeyError::TooLong);
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(KeyError::Character { position: at + 1 });
        }
        for (prefix, name) in [
            ("hh_org_", "organization"),
            ("hh_ws_", "workspace"),
            ("hh_cp_", "old control plane"),
            ("hh_dp_", "old data plane"),
        ] {
            if text.starts_with(prefix) {
                return Err(KeyError::Refused { name });
            }
        }
        let kind = KeyKind::of(text).ok_or(KeyError::Prefix)?;
        let tail = &text[kind.prefix().len()..];
        let complete = match kind {
            KeyKind::Project => !tail.is_empty(),
            KeyKind::ReadOnly => tail.len() >= USUAL_TAIL && is_alphanumeric(tail),
            KeyKind::Ingestion | KeyKind::DataPlane | KeyKind::ControlPlane => {
                split_typed(tail).is_some()
            }
        };
        if !complete {
            return Err(KeyError::Incomplete {
                prefix: kind.prefix(),
            });
        }
        Ok(Self {
            secret: SecretString::from(text),
            kind,
        })
    }

    /// Wraps a key that was just minted in the shape of its kind.
    #[cfg(feature = "mint")]
    pub(crate) fn from_minted(secret: SecretString, kind: KeyKind) -> Self {
        Self { secret, kind }
    }

    /// Returns the kind, from the prefix.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Returns what is unusual about a project key, an error for those who are strict.
    #[must_use]
    pub fn warning(&self) -> Option<KeyWarning> {
        let tail = &self.text()[self.kind.prefix().len()..];
        if self.kind != KeyKind::Project {
            None
        } else if !is_alphanumeric(tail) {
            Some(KeyWarning::NotAlphanumeric)
        } else if tail.len() < USUAL_TAIL {
            Some(KeyWarning::Short)
        } else {
            None
        }
    }

    /// Returns the key id of a typed key, which is not a secret.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        let tail = &self.text()[self.kind.prefix().len()..];
        self.kind
            .is_typed()
            .then(|| split_typed(tail))
            .flatten()
            .map(|(id, _)| id)
    }

    /// Tells whether two keys are the same. For one's own keys: it does not take constant time.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.text() == other.text()
    }

    /// Returns the key as it may be shown, see [`redact`].
    #[must_use]
    pub fn redacted(&self) -> String {
        redact(self.text())
    }

    /// Returns the secret itself, to be sent or stored.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the type looks at its own text: shape, checksum and digest"
    )]
    pub(crate) fn text(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKey({})", self.redacted())
    }
}

/// Shows a value that may be an API key without giving it away (see `docs/design/decisions.md#k4`).
///
/// Keys of 16 characters or more show their first 8, typed keys their prefix and key id; anything that is not a
/// HoneyHive key shows nothing.
#[must_use]
pub fn redact(text: &str) -> String {
    let text = text.trim();
    let Some(kind) = KeyKind::of(text) else {
        return "***".to_owned();
    };
    if kind.is_typed()
        && let Some((id, _)) = split_typed(&text[kind.prefix().len()..])
    {
        return format!("{}{id}_***", kind.prefix());
    }
    match text.get(..8) {
        Some(start) if text.len() >= 16 => format!("{start}***"),
        _ => "hh_***".to_owned(),
    }
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Splits the tail of a typed key, `<24 alphanumeric>_<64 of [A-Za-z0-9_-]>`.
fn split_typed(tail: &str) -> Option<(&str, &str)> {
    let (id, rest) = tail.split_at_checked(24)?;
    let secret = rest.strip_prefix('_')?;
    let well_formed = is_alphanumeric(id)
        && secret.len() == 64
        && secret
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    well_formed.then_some((id, secret))
}

/// What is unusual about a key that is still sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyWarning {
    /// Fewer than 32 characters after `hh_`.
    #[error("is shorter than HoneyHive's keys, which have 32 or more characters after hh_")]
    Short,
    /// Something else than letters and digits after `hh_`.
    #[error("has characters other than letters and digits after hh_")]
    NotAlphanumeric,
}

/// Why a text is not an API key; never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Not `hh_…`.
    #[error("does not begin with hh_, so it is not a HoneyHive API key")]
    Prefix,
    /// White space, a control character or a character outside ASCII.
    #[error("has a character at position {position} that no key contains")]
    Character {
        /// The position, counted from 1.
        position: usize,
    },
    /// More than 512 characters.
    #[error("is longer than 512 characters")]
    TooLong,
    /// A known prefix with a wrong rest.
    #[error("begins with {prefix} but is not a complete key of that kind")]
    Incomplete {
        /// The prefix.
        prefix: &'static str,
    },
    /// A kind that no endpoint accepts.
    #[error("is a key of the {name} kind, which the API does not accept")]
    Refused {
        /// The name of the kind.
        name: &'static str,
    },
}

impl KeyError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "use a project key",
            Self::Empty
            | Self::Prefix
            | Self::Character { .. }
            | Self::TooLong
            | Self::Incomplete { .. } => "copy the key again",
        }
    }
}

#[cfg(test)]
mod tests;
