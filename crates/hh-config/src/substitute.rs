//! Expands `${NAME}` in the values of configuration files (see `docs/design/decisions.md#p6`).

use std::ffi::OsStr;
use std::fmt;

use hh_text::{Diagnostic, is_unsafe};
use zeroize::Zeroizing;

use crate::Env;
use crate::redact::redact_keys;

/// The maximum size of an expanded value, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum length of the name of a variable, in bytes.
const MAX_NAME: usize = 64;

/// The maximum length of a custom error message, in characters.
const MAX_MESSAGE: usize = 200;

/// A text after substitution.
#[non_exhaustive]
pub struct Substituted {
    /// The text, which may contain secrets.
    pub text: Zeroizing<String>,
    /// The names of all variables in the text, including unset ones.
    pub variables: Vec<String>,
}

/// Prints only the names of the variables.
impl fmt::Debug for Substituted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Substituted")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// The reason why a text cannot be expanded; it never contains the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubstituteError {
    /// The variable is unset or blank.
    #[error("variable {0} is not set")]
    Unset(String),
    /// The variable is unset or blank, and the text contains an error message for that.
    #[error("variable {0} is not set: {1}")]
    Message(String, String),
    /// The text after `${` or `$<` does not have a valid form.
    #[error(
        "malformed substitution (expected ${{NAME}}, ${{NAME:-default}} or ${{NAME:?message}})"
    )]
    Malformed,
    /// The value of the variable is not UTF-8.
    #[error("variable {0} is not UTF-8 text")]
    NotUtf8(String),
    /// The expanded text is longer than 64 KiB.
    #[error("the expanded value is longer than 64 KiB")]
    TooLong,
}

impl SubstituteError {
    /// Returns a hint about how to fix the error, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unset(name) => Some(format!("set {name}, or write ${{{name}:-default}}")),
            Self::Malformed => Some("write $${ for a literal ${".to_owned()),
            Self::NotUtf8(name) => Some(format!("set {name} to UTF-8 text")),
            Self::Message(..) | Self::TooLong => None,
        }
    }

    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.to_string());
        match self.hint() {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }
}

/// Expands the substitutions in a text.
///
/// | text | result |
/// | --- | --- |
/// | `${NAME}` | the value of the variable, or an error if it is unset |
/// | `${NAME:-default}` | the value of the variable, or `default` if it is unset |
/// | `${NAME:?message}` | the value of the variable, or an error with `message` if it is unset |
/// | `$<NAME>`, `$<NAME:-default>`, `$<NAME:?message>` | the same |
/// | `$${`, `$$<` | `${`, `$<` |
///
/// A blank variable counts as unset. A bare `$NAME` is not expanded, and neither are substitutions in the value of a
/// variable.
///
/// # Errors
/// Returns a [`SubstituteError`] if a variable is unset or not UTF-8, a substitution is malformed, or the result is too
/// long.
///
/// ```
/// use hh_config::{Env, substitute};
///
/// let env = Env::from_pairs([("HH_REGION", "eu")]);
/// let done = substitute("${HH_REGION}-${HH_STAGE:-dev}", &env)?;
/// assert_eq!(*done.text, "eu-dev");
/// # Ok::<(), hh_config::SubstituteError>(())
/// ```
pub fn substitute(text: &str, env: &Env) -> Result<Substituted, SubstituteError> {
    substitute_with(text, |name| env.get(name))
}

/// Expands a text as [`substitute`] does, with variables from `get`.
pub(crate) fn substitute_with<'e>(
    text: &str,
    get: impl Fn(&str) -> Option<&'e OsStr>,
) -> Result<Substituted, SubstituteError> {
    let mut done = Zeroizing::new(String::with_capacity(text.len()));
    let mut variables = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        push(&mut done, &rest[..at])?;
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${").or(rest.strip_prefix("$$<")) {
            push(&mut done, &rest[1..3])?;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            rest = substitute_one(&mut done, &mut variables, after, '}', &get)?;
        } else if let Some(after) = rest.strip_prefix("$<") {
            rest = substitute_one(&mut done, &mut variables, after, '>', &get)?;
        } else {
            push(&mut done, "$")?;
            rest = &rest[1..];
        }
    }
    push(&mut done, rest)?;
    Ok(Substituted {
        text: done,
        variables,
    })
}

/// Escapes a text so that [`substitute`] returns it unchanged.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace("${", "$${").replace("$<", "$$<")
}

/// Expands the substitution before `close`, and returns the text after it.
fn substitute_one<'a, 'e>(
    done: &mut String,
    variables: &mut Vec<String>,
    text: &'a str,
    close: char,
    get: &impl Fn(&str) -> Option<&'e OsStr>,
) -> Result<&'a str, SubstituteError> {
    let (inside, rest) = text.split_once(close).ok_or(SubstituteError::Malformed)?;
    let end = inside
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(inside.len());
    let (name, form) = inside.split_at(end);
    // Nested substitutions are not supported, so they must not look as if they were.
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        // Messages contain the name, so it must not be an API key or too long to read.
        || redact_keys(name, |_| String::new()) != name
        || name.len() > MAX_NAME
        || form.contains("${")
        || form.contains("$<")
    {
        return Err(SubstituteError::Malformed);
    }
    let value = get(name);
    variables.push(name.to_owned());
    let value = match (value, form.get(..2)) {
        (_, None) if !form.is_empty() => return Err(SubstituteError::Malformed),
        (Some(value), None | Some(":-" | ":?")) => value
            .to_str()
            .map(hh_text::without_bom)
            .ok_or_else(|| SubstituteError::NotUtf8(name.to_owned()))?
            .trim(),
        (None, Some(":-")) => &form[2..],
        (None, Some(":?")) if form.len() > 2 => {
            let words = form[2..].split(|c: char| c.is_whitespace() || is_unsafe(c));
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            let message = words.join(" ").chars().take(MAX_MESSAGE).collect();
            return Err(SubstituteError::Message(name.to_owned(), message));
        }
        (None, None | Some(":?")) => return Err(SubstituteError::Unset(name.to_owned())),
        (_, Some(_)) => return Err(SubstituteError::Malformed),
    };
    push(done, value)?;
    Ok(rest)
}

fn push(done: &mut String, part: &str) -> Result<(), SubstituteError> {
    if done.len() + part.len() > MAX_BYTES {
        return Err(SubstituteError::TooLong);
    }
    done.push_str(part);
    Ok(())
}

/// Returns whether the name of a variable indicates that it contains a secret.
pub(crate) fn is_secret(variable: &str) -> bool {
    const WORDS: [&str; 9] = [
        "AUTH",
        "BEARER",
        "CREDENTIAL",
        "CREDENTIALS",
        "DSN",
        "JWT",
        "KEY",
        "PASS",
        "PASSWD",
    ];
    const ENDS: [&str; 5] = ["APIKEY", "SECRET", "TOKEN", "PASSWORD", "PASSPHRASE"];
    if let Some(setting) = crate::SettingName::of_variable(variable) {
        return setting.spec().secret;
    }
    let name = variable.to_ascii_uppercase();
    // `NAME_FILE` contains a path.
    !name.ends_with("_FILE")
        && name
            .split('_')
            .any(|word| WORDS.contains(&word) || ENDS.iter().any(|end| word.ends_with(end)))
}
