//! Recognizes API keys in arbitrary text.

/// The minimum run of letters and digits after `hh_` in a key; names have shorter runs.
const KEY_RUN: usize = 16;

/// Returns the length in bytes of the API key at the start of a text.
///
/// A key is `hh_` followed by letters, digits, `_` and `-`, with a run of at least 16 letters and digits.
///
/// # Errors
/// The length in bytes of the word that is not a key; no key starts within it. It is 0 if the text does not start with
/// `hh_`.
pub fn key_at(text: &str) -> Result<usize, usize> {
    let tail = text.strip_prefix("hh_").ok_or(0_usize)?;
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = tail.bytes().take_while(|byte| is_inside(byte)).count();
    let longest = tail[..length].split(['_', '-']).map(str::len).max();
    if longest >= Some(KEY_RUN) {
        Ok("hh_".len() + length)
    } else {
        Err("hh_".len() + length)
    }
}

/// Returns the byte range of the first API key in a text.
#[must_use]
pub fn find_key(text: &str) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    while let Some(skipped) = text[at..].find("hh_") {
        at += skipped;
        match key_at(&text[at..]) {
            Ok(length) => return Some(at..at + length),
            // No key starts in the skipped text. Skipping all of it keeps the search linear.
            Err(length) => at += length,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_key_is_found_and_names_are_not() {
        assert_eq!(find_key("no hh_search_engine_of_mine here"), None);
        assert_eq!(find_key("hh_hh_0123456789abcdef"), Some(0..22));
        let text = "project hh_docs has hh_ro_0123456789abcdef_x.";
        let found = find_key(text).unwrap();
        assert_eq!(&text[found], "hh_ro_0123456789abcdef_x");
        assert_eq!(key_at("xhh_0123456789abcdef"), Err(0));
        assert_eq!(key_at("hh_short and more"), Err(8));
    }

    #[test]
    fn hostile_text_is_read_once() {
        // A search that restarts at each possible start of a key would take minutes.
        assert_eq!(find_key(&"hh_a_".repeat(512 * 1024)), None);
    }

    proptest! {
        #[test]
        fn a_key_is_found_in_any_text(before in "[^h]{0,20}", tail in "[A-Za-z0-9]{16,64}", after in "( .{0,20})?") {
            let text = format!("{before}hh_{tail}{after}");
            let end = before.len() + 3 + tail.len();
            prop_assert_eq!(find_key(&text), Some(before.len()..end));
        }
    }
}
