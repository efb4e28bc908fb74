//! Finds keys in base64, also over several lines and in UTF-16.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::form::{Alignment, line_break};
use super::utf16;
use crate::detect::{self, Confidence, Detection};

/// Padding and trailing bits are not checked: the text is a part of a longer one.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The maximum number of digits that are decoded: a key in UTF-16, and bytes before and after it.
const MAX_DIGITS: usize = (2 * detect::MAX_LENGTH + 8) / 3 * 4;
/// The maximum number of bytes from the first digit to the last one, including line breaks.
const MAX_BYTES: usize = 2 * MAX_DIGITS;

/// Returns the key at a start in base64, with its length in the encoded text.
pub(super) fn detect(
    text: &[u8],
    at: usize,
    alignment: Alignment,
    is_wide: bool,
) -> Option<Detection> {
    let from = at.checked_sub(alignment.digits)?;
    let width = if is_wide { 2 } else { 1 };
    let key = |digits: &Digits| {
        let bytes = LENIENT.decode(digits.complete()).ok()?;
        let key = bytes.get(alignment.bytes..)?;
        Some(if is_wide {
            utf16::ascii(key)
        } else {
            key.to_vec()
        })
    };
    // Few starts are followed by a key. A key is longer than its part on the first line.
    let most = count(alignment.bytes + detect::SHORTEST_KEY * width);
    let start = key(&Digits::collect(&text[from..], true, most))?;
    if !detect::may_be_key(&start) {
        return None;
    }
    let decode = |digits: &Digits| {
        let found = detect::detect_at_start(&key(digits)?, true)?;
        let last = count(alignment.bytes + found.length * width) - 1;
        let end = digits.ends.get(last).or(digits.ends.last())?;
        Some(Detection {
            length: (from + end).saturating_sub(at),
            ..found
        })
    };
    let is_confirmed = |found: &Detection| found.confidence == Confidence::Confirmed;
    let line = Digits::collect(&text[from..], false, MAX_DIGITS);
    let lines = Digits::collect(&text[from..], true, MAX_DIGITS);
    let first = decode(&line);
    if first.as_ref().is_some_and(is_confirmed) || line.ends == lines.ends {
        return first;
    }
    // The next line may be a continuation of the key, or other text.
    let second = decode(&lines);
    if second.as_ref().is_some_and(is_confirmed) {
        second
    } else {
        first.or(second)
    }
}

/// Returns the number of digits that encode bytes.
fn count(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// The digits of a text, in the standard alphabet.
struct Digits {
    digits: Vec<u8>,
    /// The position after each digit.
    ends: Vec<usize>,
}

impl Digits {
    fn collect(text: &[u8], over_lines: bool, most: usize) -> Self {
        let (mut digits, mut ends) = (Vec::new(), Vec::new());
        let mut at = 0;
        while digits.len() < most && at < MAX_BYTES {
            let digit = match text.get(at) {
                Some(b'-') => b'+',
                Some(b'_') => b'/',
                Some(byte) if byte.is_ascii_alphanumeric() || b"+/".contains(byte) => *byte,
                Some(_) if over_lines && line_break(&text[at..]) > 0 => {
                    at += line_break(&text[at..]);
                    continue;
                }
                _ => break,
            };
            at += 1;
            digits.push(digit);
            ends.push(at);
        }
        Self { digits, ends }
    }

    /// Returns the digits without a last one that encodes no byte.
    fn complete(&self) -> &[u8] {
        let length = self.digits.len();
        &self.digits[..length - usize::from(length % 4 == 1)]
    }
}
