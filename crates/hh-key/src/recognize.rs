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

/// Checks that a text which should be a name, such as that of a project or of a file, contains no API key.
///
/// Names are stored, logged and sent to the server, so a key that was pasted in the wrong place would be exposed.
///
/// # Errors
/// [`KeyInName`] if the text contains an API key. The error does not contain the text.
pub fn check_name(name: &str) -> Result<(), KeyInName> {
    match find_key(name) {
        Some(_) => Err(KeyInName(())),
        None => Ok(()),
    }
}

/// Checks that a text which should be a path is not an API key. The name of a file may contain a key.
///
/// # Errors
/// [`KeyInName`] if the text is an API key. The error does not contain the text.
pub fn check_path(path: &str) -> Result<(), KeyInName> {
    let path = path.trim();
    if key_at(path) == Ok(path.len()) {
        return Err(KeyInName(()));
    }
    Ok(())
}

/// The error for an API key in the place of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a name, but found an API key")]
pub struct KeyInName(());

impl KeyInName {
    /// Returns a hint about where the key belongs.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "set HH_API_KEY to the key; if others can see the place where the key was, revoke the key"
    }
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
    fn a_key_is_not_a_name() {
        for name in [
            "docs",
            "hh_docs",
            "hh_search_engine_of_mine",
            "",
            "~/.config/key",
        ] {
            assert_eq!(check_name(name).and(check_path(name)), Ok(()), "{name}");
        }
        let key = "hh_1234567890abcdef1234567890abcdef";
        assert!(check_path(key).is_err() && check_path(&format!(" {key}\n")).is_err());
        assert_eq!(check_path(&format!("{key}.yaml")), Ok(()));
        for key in [
            "hh_1234567890abcdef1234567890abcdef",
            " hh_1234567890abcdef1234567890abcdef\n",
            "hh_ro_1234567890abcdef1234567890abcdef",
            "./hh_1234567890abcdef1234567890abcdef",
            "docs hh_1234567890abcdef1234567890abcdef",
        ] {
            let error = check_name(key).unwrap_err();
            assert!(!error.to_string().contains("hh_"), "{error}");
        }
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
