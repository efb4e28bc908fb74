//! Tests the list of unsafe characters and the functions that make them safe to print.

use hh_text::{escape_json, is_unsafe, one_line};
use proptest::prelude::*;

/// Every range of unsafe characters, with inclusive bounds.
const UNSAFE: [(char, char); 19] = [
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e00ff}'),
    ('\u{e01f0}', '\u{e0fff}'),
];

fn every_character() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

#[test]
fn exactly_the_listed_characters_are_unsafe() {
    for character in every_character() {
        let is_listed = UNSAFE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character));
        assert_eq!(is_unsafe(character), is_listed, "{character:?}");
    }
}

#[test]
fn letters_marks_and_emoji_are_safe() {
    for text in [
        "plain text, 100 %",
        "Ünïcödé e\u{301}",
        "中文 日本語 한국어",
        "العربية עברית हिन्दी ไทย",
        "❤\u{fe0f} 👍\u{1f3fd} 🇩🇪",
        "\u{a0}\u{3000}\u{fffd}\u{e000}",
    ] {
        assert!(!text.contains(is_unsafe), "{text}");
        assert_eq!(one_line(text), text);
        assert_eq!(escape_json(text), text);
    }
}

#[test]
fn every_character_in_json_parses_back_and_none_is_left_unsafe() {
    let all: String = every_character().collect();
    let json = serde_json::to_string(&all).unwrap();
    assert!(
        json.contains(is_unsafe),
        "the text contains unsafe characters"
    );
    let escaped = escape_json(&json);
    assert!(!escaped.contains(is_unsafe));
    assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), all);
}

#[test]
fn escapes_have_four_digits_and_surrogate_pairs() {
    for (text, expected) in [
        ("\u{7f}", r"\u007f"),
        ("\u{85}\u{9b}31m", r"\u0085\u009b31m"),
        ("a\u{202e}b", r"a\u202eb"),
        ("\u{feff}", r"\ufeff"),
        ("\u{e0001}\u{e007f}", r"\udb40\udc01\udb40\udc7f"),
        ("\u{1d173}", r"\ud834\udd73"),
    ] {
        assert_eq!(escape_json(text), expected);
    }
}

#[test]
fn one_line_replaces_line_breaks_and_whatever_acts_on_a_terminal() {
    for (text, expected) in [
        ("a\r\nb\tc", "a��b�c"),
        ("\u{1b}]0;title\u{7}", "�]0;title�"),
        ("\u{9b}2J", "�2J"),
        ("user\u{200b}name", "user�name"),
        ("file\u{202e}gpj.exe", "file�gpj.exe"),
        ("\u{e0041}\u{e0042}", "��"),
    ] {
        assert_eq!(one_line(text), expected);
    }
}

proptest! {
    #[test]
    fn any_value_survives(text: String, pretty: bool) {
        let value = serde_json::json!({ text.clone(): [text, { "number": 1.5 }] });
        let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let json = json.unwrap();
        let escaped = escape_json(&json);
        prop_assert!(!escaped.contains(|c| is_unsafe(c) && c != '\n'));
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
