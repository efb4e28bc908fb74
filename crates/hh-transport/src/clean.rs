//! Cleans untrusted text for safe output.

use hh_text::is_unsafe;

use crate::redact::redact;

/// The limit of a cleaned text, in characters, including the ellipsis.
const MAX_CHARACTERS: usize = 500;

/// Returns untrusted text as one line that is safe to print in errors, logs and reports.
///
/// Terminal control sequences and [unsafe characters](hh_text::is_unsafe), including line breaks, are removed. Secrets,
/// including the `own` keys, are redacted as in [`redact()`]. A text of more than 500 characters is truncated and ends
/// with an ellipsis.
///
/// ```
/// let text = "no such key:\u{1b}[2J \u{202e}hh_dev_key_of_mine\n";
/// assert_eq!(hh_transport::clean(text, &["hh_dev_key_of_mine"]), "no such key: [redacted]");
/// ```
pub fn clean(text: &str, own: &[&str]) -> String {
    // Invisible characters are removed first, because they could hide a key from the redaction. The text is truncated
    // last, because a truncated key would not be recognized.
    let visible: String = without_sequences(text)
        .filter(|character| !is_unsafe(*character) && !is_variation_selector(*character))
        .collect();
    let redacted = redact(&visible, own);
    match redacted.char_indices().nth(MAX_CHARACTERS - 1) {
        Some((end, last)) if end + last.len_utf8() < redacted.len() => {
            format!("{}…", &redacted[..end])
        }
        Some(_) | None => redacted.into_owned(),
    }
}

/// Returns whether a character only selects a variant of the previous one, so that it could hide a key from the
/// redaction.
fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Removes terminal control sequences, including the letters and digits in them (ECMA-48, 5.4 and 5.6).
fn without_sequences(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        loop {
            let next = rest.next()?;
            let kind = match next {
                '\u{1b}' => rest.next()?,
                // The same sequences, introduced by one character.
                '\u{9b}' => '[',
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => ']',
                _ => return Some(next),
            };
            match kind {
                '[' => {
                    let _end = rest.find(|end| matches!(end, '@'..='~'));
                }
                // Text for the terminal itself, up to a bell or the string terminator.
                ']' | 'P' | 'X' | '^' | '_' => {
                    let end = rest.find(|end| matches!(end, '\u{7}' | '\u{1b}' | '\u{9c}'));
                    if end == Some('\u{1b}') {
                        let _backslash = rest.next();
                    }
                }
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_redacted_and_what_hides_them_is_removed() {
        let own = &["hh_dev_key"][..];
        let cases = [
            ("key hh_0123456789abcdef is bad", "key [redacted] is bad"),
            ("key hh_dev_key is bad", "key [redacted] is bad"),
            ("hh_01234567\u{200b}89\u{7}abcdef", "[redacted]"),
            ("hh_01234567\u{fe0f}89\u{e0041}abcdef", "[redacted]"),
            ("\u{1b}[31mred\r\n", "red"),
            ("hh_01234567\r\n\t89abcdef", "[redacted]"),
            ("a\u{9d}0;title\u{7}b", "ab"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text, own), expected);
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        for (before, after) in [("", 500), ("a", 499), ("hh_0123456789abcdef", 490)] {
            let text = clean(&format!("{before}{}", "é".repeat(after)), &[]);
            assert!(
                !text.ends_with('…') && text.chars().count() == 500,
                "{text}"
            );
            for after in [after + 1, 5_000, 5_000_000] {
                let text = clean(&format!("{before}{}", "é".repeat(after)), &[]);
                assert!(
                    text.ends_with("é…") && text.chars().count() == 500,
                    "{text}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_left_of_any_text_is_short_and_safe(
            text in r"([\PC]|[\x00-\x1f\x7f-\x9f\u{200b}-\u{202e}\u{e0000}-\u{e007f}]){0,2000}",
        ) {
            let shown = clean(&text, &["hh_own"]);
            prop_assert!(shown.chars().count() <= MAX_CHARACTERS);
            prop_assert!(!shown.contains(is_unsafe), "{:?}", shown);
        }

        #[test]
        fn plain_text_is_kept(text in "[a-gA-Z0-9.é]{0,80}( [a-gA-Z0-9.é]{1,80}){0,3}") {
            prop_assume!(!text.to_lowercase().contains("bearer"));
            prop_assert_eq!(clean(&text, &["hh_own"]), text.clone());
        }
    }
}
