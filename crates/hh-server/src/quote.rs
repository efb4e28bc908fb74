//! Quotes text of clients and of the database in error messages.

use std::iter::once;

use hh_key::key_at;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The maximum length of a quoted text, in characters; longer text is truncated.
const MAX_QUOTED: usize = 100;

/// Returns a text for an error message.
///
/// Invisible characters are replaced by U+FFFD, API keys are redacted, and text of more than 100 characters is
/// truncated and ends with `…`.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    let mut free = MAX_QUOTED;
    let mut rest = text;
    // No key starts before this offset. No part of the text before it is scanned again.
    let mut no_key_before = 0;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let length = (at >= no_key_before)
            .then(|| key_at(rest).map_err(|run| no_key_before = at + run).ok())
            .flatten();
        let (part, tail) = rest.split_at(length.unwrap_or(first.len_utf8()));
        let shown = match length {
            Some(_) => hh_auth::redact(part),
            None if is_visible(first) => part.to_owned(),
            None => char::REPLACEMENT_CHARACTER.to_string(),
        };
        let count = shown.chars().count();
        if count > free || (count == free && !tail.is_empty()) {
            quoted.extend(shown.chars().take(free - 1).chain(once('…')));
            break;
        }
        quoted.push_str(&shown);
        free -= count;
        rest = tail;
    }
    quoted
}

/// Returns whether a character is visible. Control, format, separator, ignorable and unassigned characters are not.
pub(crate) fn is_visible(c: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate,
        Unassigned,
    };

    // U+2800 is a symbol in Unicode, but it is blank.
    if c.is_ascii() || c == '\u{2800}' {
        return c == ' ' || c.is_ascii_graphic();
    }
    let hidden = [
        Control,
        Format,
        LineSeparator,
        ParagraphSeparator,
        PrivateUse,
        SpaceSeparator,
        Surrogate,
        Unassigned,
    ];
    !hidden.contains(&CodePointMapData::<GeneralCategory>::new().get(c))
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_an_error_is_short_visible_and_without_keys() {
        let key = "hh_0123456789abcdefghij0123456789abcdefgh";
        let typed = format!("hh_ingst_{}_{}", "a".repeat(24), "b".repeat(64));
        for (text, expected) in [
            ("docs", "docs"),
            ("über alles 東京", "über alles 東京"),
            ("a\u{1b}[31mb\r\nc", "a\u{fffd}[31mb\u{fffd}\u{fffd}c"),
            ("a\u{9b}b\u{7f}", "a\u{fffd}b\u{fffd}"),
            (
                "a\u{202e}b\u{2066}c\u{2028}d",
                "a\u{fffd}b\u{fffd}c\u{fffd}d",
            ),
            ("a\u{200b}b\u{e0041}c", "a\u{fffd}b\u{fffd}c"),
            (key, "hh_01234***"),
            (
                &format!("x{key} and {key}-"),
                "xhh_01234*** and hh_01234***",
            ),
            ("hh_search_engine_of_mine", "hh_search_engine_of_mine"),
        ] {
            assert_eq!(quote(text), expected, "{text:?}");
        }
        assert!(!quote(&typed).contains("bbbb"));
    }

    #[test]
    fn a_quoted_text_has_at_most_100_characters_and_no_part_of_a_key() {
        let key = "hh_0123456789abcdefghij0123456789abcdefgh";
        for start in 0..110 {
            for text in [
                format!("{}{key}", "é".repeat(start)),
                format!("{}{}", "é".repeat(start), format!("{key} ").repeat(1000)),
            ] {
                let quoted = quote(&text);
                assert!(quoted.chars().count() <= 100, "{quoted}");
                assert!(!quoted.contains("hh_012345"), "{quoted}");
            }
        }
        let long = "x".repeat(10_000);
        assert_eq!(quote(&long), format!("{}…", &long[..99]));
        assert_eq!(quote(&long[..100]), long[..100]);
        // This would take minutes if the text were scanned again from each position.
        assert_eq!(quote(&"hh_a_".repeat(1_000_000)).chars().count(), 100);
    }
}
