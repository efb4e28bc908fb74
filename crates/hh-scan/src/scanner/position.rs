//! Counts lines and columns.

use memchr::{memchr_iter, memrchr};

use super::encoding::Encoding;

/// The line and column of a byte, counted incrementally.
pub(super) struct Position {
    pub(super) is_first: bool,
    /// The number of bytes that are already counted.
    at: usize,
    lines: usize,
    /// The number of characters since the start of the line.
    characters: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            is_first: true,
            at: 0,
            lines: 0,
            characters: 0,
        }
    }
}

impl Position {
    pub(super) fn skip_byte_order_mark(&mut self, text: &[u8]) {
        for mark in [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"] {
            if text.starts_with(mark) {
                self.at = mark.len();
            }
        }
    }

    fn advance(&mut self, text: &[u8], to: usize) {
        let Some(part) = text.get(self.at..to) else {
            return;
        };
        let line = match memrchr(b'\n', part) {
            Some(last) => {
                self.lines += memchr_iter(b'\n', part).count();
                self.characters = 0;
                &part[last + 1..]
            }
            None => part,
        };
        // Every byte except UTF-8 continuation bytes.
        self.characters += line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.at = to;
    }

    pub(super) fn locate(&mut self, text: &[u8], at: usize, encoding: Encoding) -> (usize, usize) {
        self.advance(text, at);
        let column = match encoding {
            Encoding::Utf16 => self.characters / 2,
            Encoding::Plain | Encoding::Escaped | Encoding::Base64 | Encoding::WideBase64 => {
                self.characters
            }
        };
        (self.lines + 1, column + 1)
    }

    /// Counts the bytes that are dropped from the start of the text.
    pub(super) fn discard(&mut self, text: &[u8], dropped: usize) {
        self.advance(text, dropped);
        self.at -= dropped;
        self.is_first = false;
    }
}
