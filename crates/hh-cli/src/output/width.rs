//! Measures and cuts text by terminal columns, without splitting grapheme clusters.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Returns the width of a text on a terminal, in columns. ASCII text needs no lookup.
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Cuts a text to at most `width` columns. A text that was cut ends with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let kept = text.graphemes(true).take_while(|grapheme| {
        used += columns(grapheme);
        used <= room
    });
    let length = kept.map(str::len).sum();
    let (kept, _) = text.split_at(length);
    Cow::Owned(format!("{kept}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_and_keeps_whole_grapheme_clusters() {
        for (text, width, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 4, "abc…"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            // Wide characters have two columns.
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            // A letter with combining marks, a flag, and an emoji with a skin tone.
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("🇩🇪🇫🇷", 3, "🇩🇪…"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
        ] {
            let cut = cut(text, width);
            assert_eq!(cut, expected, "{text} {width}");
            assert!(columns(&cut) <= width);
        }
    }
}
