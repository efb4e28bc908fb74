//! Defines the API key: its kinds, parsing and redaction.

mod decoration;
mod mistake;

use std::fmt;

use decoration::Decoration;
use mistake::Mistake;
use secrecy::{ExposeSecret as _, SecretString};

/// The maximum length of a key, in bytes.
const MAX_LENGTH: usize = 512;

/// The usual minimum number of characters after the prefix of a project key.
const USUAL_TAIL: usize = 32;

/// The kind of an API key, determined by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// `hh_…`, a project key.
    Project,
    /// `hh_ro_…`, a project key that can only read.
    ReadOnly,
    /// `hh_ingst_…`, a key that can only send telemetry.
    Ingestion,
    /// `hh_fgdp_…`, a fine-grained data plane key.
    DataPlane,
    /// `hh_fgcp_…`, a fine-grained control plane key.
    ControlPlane,
}

impl KeyKind {
    /// Returns the prefix of the kind.
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

    /// Returns the name of the kind that is shown to users.
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

    /// Returns whether a key of this kind contains its key id, which is public.
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

/// A well-formed API key. Its text is a secret, so the type does not implement `Display`, and `Debug` redacts it.
#[derive(Clone)]
pub struct ApiKey {
    secret: SecretString,
    kind: KeyKind,
}

impl ApiKey {
    /// Parses a key and ignores surrounding white space and byte order marks (see `docs/design/decisions.md#k1` and
    /// `#k2`).
    ///
    /// # Errors
    /// [`KeyError`] if the text has none of the known formats. The error never contains the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        match decoration::find(text) {
            Some(Decoration::Quotes(quotes)) => return Err(KeyError::Quoted { quotes }),
            Some(Decoration::Before(text)) => return Err(KeyError::Preceded { text }),
            None => {}
        }
        match mistake::find(text) {
            Some(Mistake::Path) => return Err(KeyError::Path),
            Some(Mistake::Placeholder) => return Err(KeyError::Placeholder),
            Some(Mistake::Redacted) => return Err(KeyError::Redacted),
            Some(Mistake::Foreign(prefix)) => return Err(KeyError::Foreign { prefix }),
            None => {}
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

    /// Wraps the text of a new key without parsing it. The text must have the format of `kind`.
    #[cfg(feature = "mint")]
    pub(crate) fn from_minted(secret: SecretString, kind: KeyKind) -> Self {
        Self { secret, kind }
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Returns a warning about an unusual project key; the setting `strict` turns it into an error.
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

    /// Returns the key id of a [typed](KeyKind::is_typed) key. The key id is not a secret.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        let tail = &self.text()[self.kind.prefix().len()..];
        self.kind
            .is_typed()
            .then(|| split_typed(tail))
            .flatten()
            .map(|(id, _)| id)
    }

    /// Returns whether two keys are the same. The comparison is not constant-time; do not verify keys with it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.text() == other.text()
    }

    /// Returns the redacted key (see [`redact`]).
    #[must_use]
    pub fn redacted(&self) -> String {
        redact(self.text())
    }

    /// Returns the text of the key, for a program that sends or stores it.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the type inspects its own text: format, checksum and digest"
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

/// Returns a redacted form of a text that may be an API key (see `docs/design/decisions.md#k4`).
///
/// The redacted form of a [typed](KeyKind::is_typed) key contains its prefix and its key id. That of another key of 16
/// or more characters contains its first 8 characters. The result is `hh_***` for a shorter key and `***` for any other
/// text.
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

/// Splits the tail of a typed key into key id and secret. Its format is `<24 alphanumeric>_<64 of [A-Za-z0-9_-]>`.
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

/// A warning about an unusual key. The client sends such a key nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyWarning {
    /// The key has fewer than 32 characters after `hh_`.
    #[error("is shorter than a usual HoneyHive key, which has 32 or more characters after hh_")]
    Short,
    /// The key has characters other than letters and digits after `hh_`.
    #[error("has characters other than letters and digits after hh_")]
    NotAlphanumeric,
}

/// The reason why a text is not an API key. The error never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is empty or only white space.
    #[error("is empty")]
    Empty,
    /// The text does not start with `hh_`.
    #[error("does not begin with hh_, so it is not a HoneyHive API key")]
    Prefix,
    /// The text contains white space, a control character or a character outside ASCII.
    #[error("contains an invalid character at position {position}")]
    Character {
        /// The position of the character, counted from 1.
        position: usize,
    },
    /// The key is in quotes.
    #[error("is in {quotes}")]
    Quoted {
        /// The kind of quotes, in plural.
        quotes: &'static str,
    },
    /// The key follows other text, such as the name of a header or of a variable.
    #[error("begins with {text}")]
    Preceded {
        /// The text, or a description of it.
        text: &'static str,
    },
    /// The text is the path of a file.
    #[error("is the path of a file, not a key")]
    Path,
    /// The text is a placeholder of an example, or a variable that was not replaced.
    #[error("is a placeholder, not a key")]
    Placeholder,
    /// The text is a redacted key, as commands print it.
    #[error("is a redacted key, which cannot be used")]
    Redacted,
    /// The text begins like a key of another service.
    #[error("begins with {prefix}, so it is a key of another service")]
    Foreign {
        /// The beginning, which is the same for all keys of that service.
        prefix: &'static str,
    },
    /// The text has more than 512 characters.
    #[error("is longer than 512 characters")]
    TooLong,
    /// The text starts with a known prefix, but the rest does not have the format of that kind.
    #[error("begins with {prefix} but is not a complete key of that kind")]
    Incomplete {
        /// The prefix.
        prefix: &'static str,
    },
    /// The key is of a kind that no endpoint accepts.
    #[error("is a key of the {name} kind, which the API does not accept")]
    Refused {
        /// The name of the kind.
        name: &'static str,
    },
}

impl KeyError {
    /// Returns a hint about how to fix the key.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "use a project key",
            Self::Quoted { .. } => "remove the quotes",
            Self::Path => {
                "set HH_API_KEY_FILE to the path, or api_key_file in a configuration file"
            }
            Self::Placeholder => "replace it with your API key, which begins with hh_",
            Self::Redacted => "use the complete key, or create a new one if it is lost",
            Self::Foreign { .. } => "use a HoneyHive API key, which begins with hh_",
            Self::Preceded { .. } => "use only the key itself, which begins with hh_",
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
