//! Normalizes the names of owners, so that names which Unicode regards as the same text are the same name.
//!
//! Letters of different scripts that look alike, such as Latin and Cyrillic a, remain different.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use crate::quote::is_visible;

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 100;

/// The rule for names, worded to follow "must have" or "expected".
pub(crate) const RULE: &str =
    "1 to 100 visible characters, single spaces between words and no space at either end";

/// Returns the normalized spelling of a name, or `None` if the text is not a valid name.
///
/// The spelling is Unicode normalization form C. E-mail addresses are completely in lower case, since no mail system in
/// use distinguishes users by case.
pub(crate) fn parse(text: &str) -> Option<String> {
    let name = normalize(text);
    let fits = (1..=MAX_NAME).contains(&name.chars().count());
    let spaced = !name.starts_with(' ') && !name.ends_with(' ') && !name.contains("  ");
    (fits && spaced && name.chars().all(is_visible) && !has_loose_mark(&name)).then_some(name)
}

/// Returns the normalized spelling of any text, including names that were stored before the rule existed.
pub(crate) fn normalize(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let name = nfc.normalize(text);
    if !name.contains('@') {
        return name.into_owned();
    }
    // Each character is converted separately, because in a whole text the lower case of a Greek sigma depends on its
    // position in the word.
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    nfc.normalize(&lower).into_owned()
}

/// Returns whether a combining mark has no letter before it. Such a mark is invisible, or changes how a space or `@`
/// looks.
fn has_loose_mark(name: &str) -> bool {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_mark = |c| GeneralCategoryGroup::Mark.contains(categories.get(c));
    let mut before = ' ';
    name.chars().any(|c| {
        let is_loose = is_mark(c) && matches!(before, ' ' | '@');
        before = c;
        is_loose
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("Ada@Example.COM", "ada@example.com"),
            ("ADA@example.com", "ada@example.com"),
            ("jos\u{e9}@example.com", "jose\u{301}@example.com"),
            ("JOSE\u{301}@EXAMPLE.COM", "jos\u{e9}@example.com"),
            ("\u{212b}ngstr\u{f6}m", "\u{c5}ngstro\u{308}m"),
            ("\u{212a}@x", "k@x"),
            ("ΟΔΟΣ@x", "οδοσ@x"),
            ("\u{1100}\u{1161}", "\u{ac00}"),
        ] {
            assert_eq!(parse(one), parse(other), "{one:?} {other:?}");
            assert!(parse(one).is_some(), "{one:?}");
        }
        for (one, other) in [("ci", "CI"), ("ci", "ci2"), ("a@x", "b@x")] {
            assert_ne!(parse(one), parse(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn names_with_characters_that_cannot_be_seen_are_refused() {
        let hidden = [
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{115f}",
            "\u{17b4}",
            "\u{180e}",
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{200e}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{ffa0}",
            "\u{e0001}",
            "\u{e0041}",
            "\u{e0100}",
            "\u{0}",
            "\u{1b}",
            "\u{7f}",
            "\u{85}",
            "\u{9b}",
            "\n",
            "\t",
            "\u{2028}",
            "\u{2029}",
            "\u{a0}",
            "\u{2003}",
            "\u{3000}",
            "\u{2800}",
            "\u{e000}",
            "\u{378}",
            "\u{fdd0}",
            "\u{10ffff}",
        ];
        for hidden in hidden {
            for name in [
                format!("ci{hidden}"),
                format!("{hidden}ci"),
                format!("ada{hidden}@example.com"),
                hidden.to_owned(),
            ] {
                assert_eq!(parse(&name), None, "{name:?}");
            }
        }
        for name in [
            "",
            " ",
            " ci",
            "ci ",
            "build  bot",
            "\u{301}",
            "\u{301}a",
            "a \u{301}b",
            "a@\u{301}x",
            &"x".repeat(101),
        ] {
            assert_eq!(parse(name), None, "{name:?}");
        }
        for name in [
            "ci",
            "build bot",
            "Ünïcode",
            "東京",
            "x-1_2.3",
            "हिन्दी",
            &"x".repeat(100),
        ] {
            assert_eq!(parse(name).as_deref(), Some(name));
        }
    }

    proptest! {
        #[test]
        fn a_parsed_name_parses_to_itself(text in "\\PC{1,20}(@\\PC{1,10})?") {
            if let Some(name) = parse(&text) {
                prop_assert_eq!(parse(&name), Some(name));
            }
        }
    }
}
