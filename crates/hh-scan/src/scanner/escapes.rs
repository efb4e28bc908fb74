//! Finds keys in text with escapes: Markdown, JSON, URLs, HTML, mails and terminal output.

use super::encoding::Encoding;
use crate::detect::{self, Confidence, Detection};

/// The maximum length of a control sequence, such as a link, in bytes.
const MAX_SEQUENCE: usize = 1024;
/// The number of bytes before a key in which an escape sequence starts.
const BEFORE: usize = 32;

/// Returns the key at a start in text.
#[inline]
pub(super) fn detect(text: &[u8], at: usize) -> Option<(Encoding, Detection)> {
    let start = &text[at..];
    let is_word = |byte: &&u8| detect::is_word(**byte);
    let word = start.iter().take(detect::SHORTEST_KEY).take_while(is_word);
    let word = word.count();
    // Most starts belong to a short name.
    if word == detect::SHORTEST_KEY || start.get(word).is_some_and(|byte| is_escape(*byte)) {
        detect_word(text, at)
    } else {
        None
    }
}

/// Returns the key at a start in text that is not obviously a name.
fn detect_word(text: &[u8], at: usize) -> Option<(Encoding, Detection)> {
    let most = text.len().min(at + detect::MAX_LENGTH + 1);
    let raw = &text[at..most];
    let word = raw.iter().take_while(|byte| detect::is_word(**byte));
    let may_continue = raw.get(word.count()).is_some_and(|byte| is_escape(*byte));
    let is_alone = stands_alone(&text[..at]);
    let plain = detect::detect_at_start(raw, is_alone);
    let is_confirmed = |found: &Detection| found.confidence == Confidence::Confirmed;
    if !may_continue || plain.as_ref().is_some_and(is_confirmed) {
        return Some((Encoding::Plain, plain?));
    }
    let (letters, ends) = unescaped(&text[at..]);
    let escaped = detect::detect_at_start(&letters, is_alone).and_then(|found| {
        let length = *ends.get(found.length.checked_sub(1)?)?;
        Some(Detection { length, ..found })
    });
    match (plain, escaped) {
        (plain, Some(found)) if plain.is_none() || is_confirmed(&found) => {
            Some((Encoding::Escaped, found))
        }
        (plain, _) => Some((Encoding::Plain, plain?)),
    }
}

/// Returns whether an escape may start with a byte.
fn is_escape(byte: u8) -> bool {
    matches!(
        byte,
        b'\\' | b'%' | b'&' | b'=' | b'<' | 0x1b | 0xc2 | 0xe2 | 0xef
    )
}

/// Returns the text without escapes up to the first character after a key, and the position after each character.
fn unescaped(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut letters, mut ends) = (Vec::new(), Vec::new());
    let (mut at, mut underscores) = (0, 0);
    while letters.len() <= detect::MAX_LENGTH {
        let rest = &text[at..];
        match next(rest) {
            Some((Some(letter), length)) => {
                at += length;
                letters.push(letter);
                ends.push(at);
                underscores += usize::from(letter == b'_' && letters.len() <= detect::WITH_PREFIX);
                // A text that repeats a start would otherwise be read many times.
                let is_name =
                    underscores > detect::SEPARATORS || letters.len() == 3 && letters != b"hh_";
                if !detect::is_word(letter) || is_name {
                    break;
                }
            }
            Some((None, length)) => at += length,
            None => {
                letters.extend(rest.first());
                ends.push(at + 1);
                break;
            }
        }
    }
    (letters, ends)
}

/// Returns the first character, or `None` for a sequence that is not shown, and its length in bytes.
fn next(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [0x1b, ..] => Some((None, sequence(text, 1)?)),
        [b'\\', ..] => backslash(text),
        [b'%', ..] => {
            // The sign itself may be escaped again.
            let mut from = 1;
            while text[from..].starts_with(b"25") {
                from += 2;
            }
            shown(text, hexadecimal(text, from, 2)?, from + 2)
        }
        [b'&', ..] => entity(text),
        [b'=', ..] => quoted_printable(text),
        // A place where a browser may break a line, and characters without a width.
        [b'<', b'w', b'b', b'r', rest @ ..] => {
            let close = rest.iter().take(3).position(|byte| *byte == b'>')?;
            Some((None, 5 + close))
        }
        [0xc2, 0xad, ..] => Some((None, 2)),
        [0xe2, 0x80, 0x8b..=0x8d, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..] => {
            Some((None, 3))
        }
        [letter, ..] if detect::is_word(*letter) => Some((Some(*letter), 1)),
        _ => None,
    }
}

/// Returns the character of an escape in a mail, or a line break that limits the length of a line.
fn quoted_printable(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [_, b'\n', ..] => Some((None, 2)),
        [_, b'\r', b'\n', ..] => Some((None, 3)),
        _ => shown(text, hexadecimal(text, 1, 2)?, 3),
    }
}

/// Returns the character of a code point.
fn shown(text: &[u8], code: u32, length: usize) -> Option<(Option<u8>, usize)> {
    match code {
        0x1b => Some((None, sequence(text, length)?)),
        0xad | 0x200b..=0x200d | 0x2060 | 0xfeff => Some((None, length)),
        _ => Some((Some(u8::try_from(code).ok()?), length)),
    }
}

/// Returns the character of an escape with a backslash, which may itself be escaped.
fn backslash(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let from = text.iter().take_while(|byte| **byte == b'\\').count();
    let digits = |skipped, count| {
        let code = hexadecimal(text, from + skipped, count)?;
        shown(text, code, from + skipped + count)
    };
    match text.get(from..)? {
        [letter @ (b'_' | b'-'), ..] => Some((Some(*letter), from + 1)),
        [b'u', b'{', rest @ ..] => {
            let count = rest.iter().take(7).position(|byte| *byte == b'}')?;
            let code = hexadecimal(text, from + 2, count)?;
            shown(text, code, from + 3 + count)
        }
        [b'u', ..] => digits(1, 4),
        [b'U', ..] => digits(1, 8),
        [b'x', ..] => digits(1, 2),
        [b'e', ..] => Some((None, sequence(text, from + 1)?)),
        [b'0'..=b'3', ..] => {
            let octal = std::str::from_utf8(text.get(from..from + 3)?).ok()?;
            shown(text, u32::from_str_radix(octal, 8).ok()?, from + 3)
        }
        _ => None,
    }
}

/// Returns the character of an HTML entity.
fn entity(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let code = match name {
        "lowbar" | "UnderBar" => u32::from(b'_'),
        "shy" => 0xad,
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            }
        }
    };
    shown(text, code, end + 1)
}

fn hexadecimal(text: &[u8], from: usize, count: usize) -> Option<u32> {
    let digits = text.get(from..from + count)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns the length of a control sequence of a terminal, whose first `from` bytes are the escape character.
fn sequence(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..text.len().min(from + MAX_SEQUENCE))?;
    let length = match rest {
        [b'[', rest @ ..] => {
            let last = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
            (0x40..=0x7e).contains(&rest[last]).then_some(last + 2)?
        }
        [b']', rest @ ..] => {
            let last = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
            match rest[last..] {
                [0x07, ..] => last + 2,
                [0x1b, b'\\', ..] => last + 3,
                _ => return None,
            }
        }
        [0x20..=0x2f, 0x30..=0x7e, ..] => 2,
        [0x30..=0x7e, ..] => 1,
        _ => return None,
    };
    Some(from + length)
}

/// Returns whether a word starts after these bytes.
fn stands_alone(before: &[u8]) -> bool {
    match before {
        // Escape sequences: `\n`, `%3D`, `=3D`.
        [] | [.., b'\\', b'n' | b'r' | b't'] | [.., b'=', b'3', b'D'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] if !last.is_ascii_alphanumeric() && *last != b'_' => true,
        _ => ends_with_escape(&before[before.len().saturating_sub(BEFORE)..]),
    }
}

/// Returns whether an escaped character or a control sequence ends at the end of a text.
fn ends_with_escape(text: &[u8]) -> bool {
    let starts = text.iter().enumerate().rev();
    let mut starts = starts.filter(|(_, byte)| matches!(byte, 0x1b | b'\\'));
    starts.any(|(at, _)| {
        let rest = &text[at..];
        // A control sequence is not shown; any other escaped character may belong to the word.
        next(rest).is_some_and(|(letter, length)| {
            length == rest.len() && letter.is_none_or(|letter| !detect::is_word(letter))
        })
    })
}
