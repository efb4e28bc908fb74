//! Recognizes texts that are used by mistake instead of a key.

/// A text that is not a key.
pub(super) enum Mistake {
    /// The path of a file.
    Path,
    /// A placeholder of an example, or a variable that was not replaced.
    Placeholder,
    /// A redacted key.
    Redacted,
    /// A key of another service, with its beginning.
    Foreign(&'static str),
}

/// The beginnings of keys of other services. A longer one is before a shorter one that it begins with.
const FOREIGN: [&str; 22] = [
    "sk-ant-",
    "sk-proj-",
    "sk-or-",
    "sk-lf-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "pk-lf-",
    "lsv2_",
    "github_pat_",
    "ghp_",
    "gho_",
    "ghs_",
    "glpat-",
    "gsk_",
    "hf_",
    "pplx-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "eyJ",
];

/// Words of placeholders, without separators and in lower case.
const PLACEHOLDERS: [&str; 14] = [
    "apikey",
    "changeme",
    "hhapikey",
    "honeyhiveapikey",
    "insertkeyhere",
    "key",
    "none",
    "null",
    "replaceme",
    "secret",
    "todo",
    "undefined",
    "yourkey",
    "yourtoken",
];

/// Returns the mistake in a text without surrounding white space.
pub(super) fn find(text: &str) -> Option<Mistake> {
    if let Some(rest) = text.strip_prefix("hh_") {
        let is_redacted = rest.ends_with("***") && !rest.trim_end_matches('*').is_empty();
        if is_redacted {
            return Some(Mistake::Redacted);
        }
        return is_filler(rest).then_some(Mistake::Placeholder);
    }
    if is_placeholder(text) {
        return Some(Mistake::Placeholder);
    }
    if is_path(text) {
        return Some(Mistake::Path);
    }
    let prefix = FOREIGN.iter().find(|prefix| text.starts_with(**prefix))?;
    (text.len() > prefix.len()).then_some(Mistake::Foreign(prefix))
}

/// Returns whether the rest of a key is filler, such as `...`, `xxxx` or `<key>`.
fn is_filler(rest: &str) -> bool {
    let is_repeated =
        |filler: &[char]| rest.chars().count() >= 3 && rest.trim_matches(filler).is_empty();
    is_repeated(&['x', 'X'])
        || is_repeated(&['.', '*', '_', '-'])
        || rest == "\u{2026}"
        || is_enclosed(rest)
}

/// Returns whether a text is a placeholder of an example or a variable that no program replaced.
fn is_placeholder(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let is_variable = text
        .strip_prefix('$')
        .is_some_and(|name| !name.is_empty() && name.chars().all(is_inner));
    if is_variable || is_enclosed(text) || is_filler(text) {
        return true;
    }
    let bare: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if !text.chars().all(is_inner) {
        return false;
    }
    let is_yours = bare.starts_with("your") && (bare.contains("key") || bare.contains("token"));
    is_yours || PLACEHOLDERS.contains(&bare.as_str())
}

/// Returns whether a text is in the signs of a placeholder: `<key>`, `${KEY}`, `{{ key }}`, `%KEY%` or `[key]`.
fn is_enclosed(text: &str) -> bool {
    let pairs = [
        ("<", ">"),
        ("${", "}"),
        ("{", "}"),
        ("%", "%"),
        ("[", "]"),
        ("$(", ")"),
    ];
    let mut pairs = pairs.into_iter();
    pairs.any(|(open, close)| {
        text.len() > open.len() + close.len() && text.starts_with(open) && text.ends_with(close)
    })
}

/// Returns whether a text is an absolute path, a relative path that begins with a dot, or the name of a file.
fn is_path(text: &str) -> bool {
    let starts = ["/", "./", "../", "~/", "file:", "\\\\"];
    let ends = [
        ".env", ".json", ".key", ".pem", ".toml", ".txt", ".yaml", ".yml",
    ];
    let mut drive = text.chars();
    let is_drive = drive.next().is_some_and(|c| c.is_ascii_alphabetic())
        && drive.next() == Some(':')
        && matches!(drive.next(), Some('\\' | '/'));
    starts.iter().any(|start| text.starts_with(start))
        || ends.iter().any(|end| text.ends_with(end))
        || is_drive
}
