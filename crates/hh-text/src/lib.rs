//! Makes text from a server, a file or the environment safe to print, and defines messages with hints.
//!
//! [`is_unsafe`] is the only list of unsafe characters. Tables, messages, JSON and errors all use it.
//!
//! ```
//! use hh_text::{escape_json, one_line};
//!
//! assert_eq!(one_line("red\u{1b}[31m"), "red\u{fffd}[31m");
//! assert_eq!(escape_json("\"a\u{202e}b\""), r#""a\u202eb""#);
//! ```
//!
//! The crate has no features and no dependencies, and supports all platforms.

mod decode;
mod diagnostic;
mod error_numbers;

use std::borrow::Cow;

pub use decode::{check_encoding, decode, without_bom};
pub use diagnostic::Diagnostic;
pub use error_numbers::without_error_numbers;

/// Returns whether a character can command a terminal, change the direction of text, break a line, or draw nothing.
///
/// These are all control characters (C0, DEL and C1), the separators U+2028 and U+2029, the annotation characters
/// U+FFF9 to U+FFFB, and the characters that Unicode lists as `Default_Ignorable_Code_Point`, which include the
/// bidirectional controls, zero-width characters and tags. Variation selectors are the exception: they only choose how
/// the character before them is drawn.
///
/// The zero-width joiner is unsafe even inside an emoji, because two names that differ only in it look the same.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e00ff}'
                | '\u{e01f0}'..='\u{e0fff}'
        )
}

/// Replaces every unsafe character, including line breaks and tabs, with U+FFFD, so that the text is one line.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    // Bytes are checked faster than characters, and most texts are ASCII.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && text.contains(is_unsafe) {
        Cow::Owned(text.replace(is_unsafe, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Escapes every unsafe character in the strings of a JSON text as `\uXXXX`; characters above U+FFFF become a surrogate
/// pair.
///
/// The result is JSON for the same value. Line breaks and tabs are not escaped, because a serializer writes them only
/// between values.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let needs_escape = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t');
    if !json.contains(needs_escape) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + json.len() / 8);
    for character in json.chars() {
        if needs_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(r"\u");
                for shift in [12, 8, 4, 0] {
                    let digit = u32::from(*unit >> shift) & 0xf;
                    escaped.extend(char::from_digit(digit, 16));
                }
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Returns a text as one word for a POSIX shell, in single quotes if necessary.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,@%:=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
