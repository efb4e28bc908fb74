//! Removes the numbers of system errors.

use std::borrow::Cow;

/// The text between the description of a system error and its number, in the messages of the standard library.
const BEFORE: &str = " (os error ";

/// Removes the numbers of system errors, such as ` (os error 2)`, which the standard library adds to the description.
#[must_use]
pub fn without_error_numbers(text: &str) -> Cow<'_, str> {
    if !text.contains(BEFORE) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(BEFORE);
    let mut cleaned = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit());
        match number.strip_prefix(')') {
            Some(rest) if number.len() < part.len() => cleaned.push_str(rest),
            _ => {
                cleaned.push_str(BEFORE);
                cleaned.push_str(part);
            }
        }
    }
    Cow::Owned(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_system_errors_are_removed() {
        for (text, expected) in [
            (
                "No such file or directory (os error 2)",
                "No such file or directory",
            ),
            (
                "cannot read a (Not a directory (os error 20)); b",
                "cannot read a (Not a directory); b",
            ),
            ("x (os error -1): y (os error 13)", "x: y"),
            ("a (os error )", "a (os error )"),
            ("a (os error two)", "a (os error two)"),
            ("a (os error 2", "a (os error 2"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_error_numbers(text), expected);
        }
    }
}
