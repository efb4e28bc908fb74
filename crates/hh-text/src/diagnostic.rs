//! Defines a diagnostic: a message and a separate hint.

use std::borrow::Cow;
use std::fmt;

/// A message for users, with a separate hint about how to fix the problem.
///
/// `Display` writes only the message. The program prints the hint, usually on its own line.
///
/// ```
/// use hh_text::Diagnostic;
///
/// let found = Diagnostic::new("is set twice").with_hint("remove one");
/// let found = found.with_prefix("config.yaml:3: project ");
/// assert_eq!(found.message(), "config.yaml:3: project is set twice");
/// assert_eq!(found.hint(), Some("remove one"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
}

impl Diagnostic {
    /// Creates a diagnostic without a hint. Numbers of system errors are removed from the message (see
    /// [`without_error_numbers`](crate::without_error_numbers)).
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self {
            message: match crate::without_error_numbers(&message) {
                Cow::Borrowed(_) => message,
                Cow::Owned(message) => Cow::Owned(message),
            },
            hint: None,
        }
    }

    /// Sets the hint: an imperative without a period.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds text before the message, such as the location of the problem.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl fmt::Display) -> Self {
        self.message = Cow::Owned(format!("{prefix}{}", self.message));
        self
    }

    /// Returns the message: what failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the hint, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns message and hint as one line, for example for a warning.
    #[must_use]
    pub fn to_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone().into_owned(),
        }
    }

    /// Replaces every unsafe character of message and hint, so that each is one line.
    #[must_use]
    pub fn cleaned(self) -> Self {
        Self {
            message: clean(self.message),
            hint: self.hint.map(clean),
        }
    }
}

fn clean(text: Cow<'static, str>) -> Cow<'static, str> {
    match crate::one_line(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cleaned) => Cow::Owned(cleaned),
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<String> for Diagnostic {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&'static str> for Diagnostic {
    fn from(message: &'static str) -> Self {
        Self::new(message)
    }
}
