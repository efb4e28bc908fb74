//! `${NAME}` in the values of configuration files (see `docs/design/decisions.md#p6`).
//!
//! `${NAME}` is the variable's value and an error if it is unset, `${NAME:-default}` has a default,
//! `${NAME:?message}` an error message of its own; `$<NAME>` has the same forms. `$${` and `$$<` stand for `${` and
//! `$<`. A bare `$NAME` is left alone, and what was put in is not looked at again. Blank counts as unset.

use std::ffi::OsStr;
use std::fmt;

use hh_text::{Diagnostic, is_unsafe};
use zeroize::Zeroizing;

use crate::Env;
use crate::redact::redact_keys;

/// The longest value that substitution may make, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The longest name of a variable, in bytes.
const MAX_NAME: usize = 64;

/// The longest message of a file's own, in characters.
const MAX_MESSAGE: usize = 200;

/// A text with its variables put in.
#[non_exhaustive]
pub struct Substituted {
    /// The text, which may hold secrets.
    pub text: Zeroizing<String>,
    /// The variables that were looked at, set or not.
    pub variables: Vec<String>,
}

/// `Debug` shows the variables only.
impl fmt::Debug for Substituted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Substituted")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// Why a text could not be put together; never the text itself, the end of a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubstituteError {
    /// The variable is unset or blank.
    #[error("needs the variable {0}, which is not set")]
    Unset(String),
    /// The variable is unset or blank, and the text says what that means.
    #[error("needs the variable {0}: {1}")]
    Message(String, String),
    /// What follows `${` or `$<` is not one of the forms.
    #[error(
        "has a substitution that is none of ${{NAME}}, ${{NAME:-default}} and ${{NAME:?message}}"
    )]
    Malformed,
    /// The variable's value is not UTF-8.
    #[error("needs the variable {0}, whose value is not UTF-8 text")]
    NotUtf8(String),
    /// The text would be longer than 64 KiB.
    #[error("would be longer than 64 KiB")]
    TooLong,
}

impl SubstituteError {
    /// Returns what to do about it, if that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unset(name) => Some(format!("set it, or write ${{{name}:-default}}")),
            Self::Malformed => Some("write $${ for a literal ${".to_owned()),
            Self::NotUtf8(_) => Some("set it again".to_owned()),
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

/// Puts the values of variables into a text, once.
///
/// # Errors
/// [`SubstituteError`] says what is wrong.
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

/// The same with variables from anywhere.
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

/// Writes a text so that [`substitute`] leaves it as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace("${", "$${").replace("$<", "$$<")
}

/// Puts in what stands before `close`, and returns what follows it.
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
    // One that looks like another substitution inside would not be one.
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        // A name is shown to people: this one is an API key, or too long to be read.
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

/// Tells whether a variable's name says that it holds a secret.
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
    // NAME_FILE holds a path.
    !name.ends_with("_FILE")
        && name
            .split('_')
            .any(|word| WORDS.contains(&word) || ENDS.iter().any(|end| word.ends_with(end)))
}
