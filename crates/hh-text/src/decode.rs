//! Decodes text from files, pipes and standard input.

use crate::Diagnostic;

/// Removes the byte order marks at the start of a text. Some editors and shells write one.
#[must_use]
pub fn without_bom(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

/// Decodes UTF-8 text and removes its byte order mark.
///
/// ```
/// use hh_text::decode;
///
/// assert_eq!(decode(b"\xef\xbb\xbfdocs").unwrap(), "docs");
/// assert_eq!(decode(b"\xff\xfed\0o\0").unwrap_err().message(), "is UTF-16 text (little-endian)");
/// ```
///
/// # Errors
/// Returns the problem as a predicate whose subject is the source of the text: the name of another encoding, or the
/// line that is not UTF-8. It contains no part of the text.
pub fn decode(bytes: &[u8]) -> Result<&str, Diagnostic> {
    check_encoding(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n');
        format!("is not UTF-8 text (line {})", before.count())
    })?;
    Ok(without_bom(text))
}

/// Checks that a text does not begin with the byte order mark of UTF-16 or UTF-32.
///
/// # Errors
/// Returns the name of the encoding as a predicate whose subject is the source of the text.
pub fn check_encoding(bytes: &[u8]) -> Result<(), Diagnostic> {
    // The mark of UTF-32 begins like that of UTF-16. `iconv` removes the mark if the name has no byte order.
    let (shown, name) = match bytes {
        [0xff, 0xfe, 0, 0, ..] => ("UTF-32 text (little-endian)", "UTF-32"),
        [0, 0, 0xfe, 0xff, ..] => ("UTF-32 text (big-endian)", "UTF-32"),
        [0xff, 0xfe, ..] => ("UTF-16 text (little-endian)", "UTF-16"),
        [0xfe, 0xff, ..] => ("UTF-16 text (big-endian)", "UTF-16"),
        _ => return Ok(()),
    };
    let hint = format!("convert it to UTF-8, for example with `iconv -f {name} -t UTF-8`");
    Err(Diagnostic::new(format!("is {shown}")).with_hint(hint))
}
