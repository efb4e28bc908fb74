//! Lists the encodings of keys.

/// The encoding of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// Text with escapes in the key.
    Escaped,
    Utf16,
    Base64,
    /// Base64 of UTF-16.
    WideBase64,
}
