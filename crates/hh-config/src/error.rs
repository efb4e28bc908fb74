//! The error of loading settings.

use std::fmt;

use crate::{Provenance, SettingName};

/// What the caller can do about a [`LoadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// A value is not of its type or out of its range: correct it.
    Invalid,
    /// A file cannot be found or read: correct its path or its mode.
    Unreadable,
    /// A file is not valid in its format: correct it.
    Malformed,
    /// A name is not a setting, or two places of one layer contradict each other: remove one.
    Conflict,
}

/// Why settings could not be loaded: one line that names the place and what to do, never a secret.
pub struct LoadError {
    inner: Box<Inner>,
}

struct Inner {
    kind: LoadErrorKind,
    setting: Option<SettingName>,
    provenance: Option<Provenance>,
    message: String,
}

impl LoadError {
    pub(crate) fn new(kind: LoadErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                setting: None,
                provenance: None,
                message: message.into(),
            }),
        }
    }

    pub(crate) fn of(mut self, setting: SettingName, provenance: Provenance) -> Self {
        self.inner.setting = Some(setting);
        self.inner.provenance = Some(provenance);
        self
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.inner.kind
    }

    /// Returns the setting that is wrong, if it is one.
    #[must_use]
    pub fn setting(&self) -> Option<SettingName> {
        self.inner.setting
    }

    /// Returns where the wrong value came from, if it is a value.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.inner.provenance.as_ref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.inner.message)
    }
}

impl fmt::Debug for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoadError")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .finish()
    }
}

impl std::error::Error for LoadError {}
