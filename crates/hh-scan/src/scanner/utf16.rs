//! Finds keys in UTF-16.

use crate::detect::{self, Detection};

/// Returns the key at a start in UTF-16 of either byte order, with its length in bytes.
pub(super) fn detect(text: &[u8], at: usize) -> Option<Detection> {
    let most = text.len().min(at + 2 * detect::MAX_LENGTH + 2);
    let found = detect::detect_at_start(&ascii(&text[at..most]), true)?;
    Some(Detection {
        length: 2 * found.length,
        ..found
    })
}

/// Returns the ASCII text of UTF-16 in either byte order: every second byte, as long as those between are zero.
pub(super) fn ascii(text: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = text.split_first() else {
        return Vec::new();
    };
    let rest = rest.chunks(2).take_while(|pair| pair[0] == 0);
    let rest = rest.filter_map(|pair| pair.get(1).copied());
    std::iter::once(*first).chain(rest).collect()
}
