//! Lists the forms in which a key can start.

/// The form of the text at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain text, possibly with escapes.
    Text,
    /// UTF-16 in either byte order.
    Utf16,
    /// Base64 of plain text.
    Base64(Alignment),
    /// Base64 of UTF-16.
    WideBase64(Alignment),
    /// A line break after `o`, the last digit of a group, which may be inside of the start of a key.
    BreakAfterO,
    /// A line break after `gA`, the last digits of a group, which may be inside of the start of a key.
    BreakAfterGa,
}

/// The position of a start in the groups of base64, which each encode three bytes with four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alignment {
    /// The number of digits between the start of the group and the start of the pattern.
    pub(super) digits: usize,
    /// The number of bytes of the group that precede the key.
    pub(super) bytes: usize,
}

/// The key starts at the first, second and third byte of a group.
const FIRST: Alignment = Alignment {
    digits: 0,
    bytes: 0,
};
const SECOND: Alignment = Alignment {
    digits: 2,
    bytes: 1,
};
const THIRD: Alignment = Alignment {
    digits: 3,
    bytes: 2,
};

/// The starts of keys. Patterns with fewer than 3 bytes, or more than 32 patterns, prevent the fast SIMD search.
///
/// The patterns for base64 contain the digits that do not depend on the text around the key. A line break is between
/// two groups of digits, because every usual line length is a multiple of four.
pub(super) const STARTS: [(&[u8], Form); 31] = [
    (b"hh_", Form::Text),
    // Escapes of the underscore: Markdown, JSON and URLs, HTML, and headers of mails.
    (b"hh\\", Form::Text),
    (b"hh%", Form::Text),
    (b"hh&", Form::Text),
    (b"hh=5F", Form::Text),
    // Control sequences of terminals, such as the colors of `grep`.
    (b"hh\x1b", Form::Text),
    (b"h\x1b[", Form::Text),
    (b"h\x1b]", Form::Text),
    // Escapes of every character.
    (b"\\u0068", Form::Text),
    (b"\\x68\\", Form::Text),
    (b"%68%68", Form::Text),
    (b"&#104;", Form::Text),
    (b"&#x68;", Form::Text),
    (b"h\0h\0_", Form::Utf16),
    (b"aGhf", Form::Base64(FIRST)),
    (b"hoX", Form::Base64(SECOND)),
    (b"oaF", Form::Base64(THIRD)),
    (b"aABoAF8", Form::WideBase64(FIRST)),
    (b"gAaABf", Form::WideBase64(SECOND)),
    (b"oAGgA", Form::WideBase64(THIRD)),
    (b"o\na", Form::BreakAfterO),
    (b"o\nA", Form::BreakAfterO),
    (b"o\nX", Form::BreakAfterO),
    (b"o\n ", Form::BreakAfterO),
    (b"o\n\t", Form::BreakAfterO),
    (b"o\r\n", Form::BreakAfterO),
    (b"o\\n", Form::BreakAfterO),
    (b"o\\r", Form::BreakAfterO),
    (b"gA\n", Form::BreakAfterGa),
    (b"gA\r", Form::BreakAfterGa),
    (b"gA\\", Form::BreakAfterGa),
];

impl Form {
    /// Returns the form of a start; a line break is resolved to the form whose remaining digits follow it.
    pub(super) fn resolve(self, before: &[u8], start: &[u8]) -> Option<Self> {
        let after_break = |digits: usize| {
            let rest = &start[digits..];
            &rest[line_break(rest)..]
        };
        match self {
            Self::BreakAfterO => {
                let rest = after_break(1);
                if rest.starts_with(b"X") && before.ends_with(b"h") {
                    Some(Self::Base64(Alignment { bytes: 1, ..THIRD }))
                } else if rest.starts_with(b"aF") {
                    Some(Self::Base64(THIRD))
                } else if rest.starts_with(b"AGgA") {
                    Some(Self::WideBase64(THIRD))
                } else if rest.starts_with(b"AF8") && before.ends_with(b"aAB") {
                    Some(Self::WideBase64(Alignment { bytes: 0, ..THIRD }))
                } else {
                    None
                }
            }
            Self::BreakAfterGa => {
                let is_key = after_break(2).starts_with(b"aABf");
                is_key.then_some(Self::WideBase64(SECOND))
            }
            Self::Text | Self::Utf16 | Self::Base64(_) | Self::WideBase64(_) => Some(self),
        }
    }
}

/// Returns the length of a line break at the start of a text with the indentation of the next line, or 0.
///
/// The line break may be escaped, as in JSON.
pub(super) fn line_break(text: &[u8]) -> usize {
    let rest = text.strip_prefix(b"\r").unwrap_or(text);
    let rest = rest.strip_prefix(b"\\r").unwrap_or(rest);
    let Some(rest) = rest.strip_prefix(b"\n").or(rest.strip_prefix(b"\\n")) else {
        return 0;
    };
    let is_blank = |byte: &&u8| **byte == b' ' || **byte == b'\t';
    text.len() - rest.len() + rest.iter().take_while(is_blank).count()
}
