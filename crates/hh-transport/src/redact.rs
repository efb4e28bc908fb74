//! Redacts API keys in untrusted text.

use std::borrow::Cow;

use hh_key::key_at;

/// The replacement for a key.
const REDACTED: &str = "[redacted]";

/// A prefix of an own key of this length, in bytes, counts as the key, because a truncated key is still secret.
const OWN_PREFIX: usize = 12;

/// A text of this length after `Bearer` counts as a credential. A shorter one, as in "bearer token", is a plain word.
const BEARER_LENGTH: usize = 16;

/// Replaces secrets in a text with `[redacted]`.
///
/// A secret is:
///
/// - one of the `own` keys, or the beginning of one (at least 12 bytes)
/// - a word that looks like an API key: it begins with `hh_` and contains 16 consecutive letters and digits
/// - a word of at least 16 bytes after `Bearer`, together with `Bearer`
///
/// ```
/// let text = "no such key: hh_dev_key_of_mine";
/// assert_eq!(hh_transport::redact(text, &["hh_dev_key_of_mine"]), "no such key: [redacted]");
/// assert_eq!(hh_transport::redact("project hh_search", &[]), "project hh_search");
/// ```
pub fn redact<'a>(text: &'a str, own: &[&str]) -> Cow<'a, str> {
    replace(text, own, bearer)
}

/// Replaces API keys as [`redact()`] does, but keeps words after `Bearer`. It is for the text of users, which may
/// contain that word.
pub fn redact_keys<'a>(text: &'a str, own: &[&str]) -> Cow<'a, str> {
    replace(text, own, |_| None)
}

/// Replaces keys, and the match whose length `more` returns for the rest of the text.
fn replace<'a>(text: &'a str, own: &[&str], more: impl Fn(&str) -> Option<usize>) -> Cow<'a, str> {
    let begins =
        |next: char| matches!(next, 'h' | 'B' | 'b') || own.iter().any(|key| key.starts_with(next));
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    // The run of key characters up to here contains no key, so it is not scanned again.
    let mut no_key_before = 0;
    while let Some(skipped) = text[at..].find(begins) {
        at += skipped;
        let rest = &text[at..];
        let mut found = own_key(rest, own);
        if found.is_none() && at >= no_key_before {
            found = key_at(rest)
                .map_err(|length| no_key_before = at + length)
                .ok();
        }
        if let Some(length) = found.or_else(|| more(rest)) {
            out.push_str(&text[kept..at]);
            out.push_str(REDACTED);
            at += length;
            kept = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// Returns the length of an own key, or of its truncated beginning, at the start of the text.
fn own_key(text: &str, own: &[&str]) -> Option<usize> {
    let own = own.iter().filter(|key| !key.is_empty());
    let mut found = own.filter_map(|key| {
        let prefix = &key[..key.floor_char_boundary(OWN_PREFIX.min(key.len()))];
        if text.starts_with(key) {
            Some(key.len().max(run(text)))
        } else if text.starts_with(prefix) {
            Some(prefix.len().max(run(text)))
        } else {
            None
        }
    });
    found.next()
}

/// Returns the number of leading characters that a key can contain.
fn run(text: &str) -> usize {
    text.bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count()
}

/// Returns the length of `Bearer`, in any case, and the credential after it.
fn bearer(text: &str) -> Option<usize> {
    let (scheme, tail) = text.split_at_checked(6)?;
    // Checked first, because the rest may be long.
    if !scheme.eq_ignore_ascii_case("bearer") || !tail.starts_with(' ') {
        return None;
    }
    let value = tail.trim_start_matches(' ');
    let length = value
        .find([' ', '"', '\'', ',', '<', '\\'])
        .unwrap_or(value.len());
    (length >= BEARER_LENGTH).then(|| text.len() - value.len() + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_redacted() {
        let cases = [
            ("key hh_0123456789abcdef is bad", "key [redacted] is bad"),
            ("hh_ro_0123456789abcdefX", "[redacted]"),
            (
                "no project hh_search_engine_of_mine",
                "no project hh_search_engine_of_mine",
            ),
            (
                "authorization: Bearer 0123.456/+=abcdef end",
                "authorization: [redacted] end",
            ),
            (
                r#"{"a":"Bearer 0123456789abcdef"}"#,
                r#"{"a":"[redacted]"}"#,
            ),
            ("BEARER  0123456789abcdef", "[redacted]"),
            ("no bearer token here", "no bearer token here"),
            ("é hh_ü", "é hh_ü"),
            (
                "my-own-key, my-own-key-2 and my-own",
                "[redacted], [redacted] and my-own",
            ),
            ("hh_a", "[redacted]"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text, &["my-own-key", "hh_a", ""]), expected);
        }
    }

    #[test]
    fn a_cut_key_of_ours_is_redacted() {
        let own = "hh_short_words_in_a_key_of_mine";
        for length in OWN_PREFIX..own.len() {
            let text = format!("key {} is bad", &own[..length]);
            assert_eq!(redact(&text, &[own]), "key [redacted] is bad");
        }
    }

    #[test]
    fn hostile_text_is_read_once() {
        // A scan from each place where a key could begin would take minutes.
        for part in ["b", "h", "hh_a_", "bearer ", "Bearer", "hh_"] {
            let text = part.repeat(256 * 1024 / part.len());
            assert_eq!(redact(&text, &["hh_own_key"]), text, "{part}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_never_kept(before in ".{0,20}", tail in "[A-Za-z0-9]{16,64}", after in " .{0,20}") {
            let key = format!("hh_{tail}");
            let text = format!("{before}{key}{after}");
            prop_assert!(text.contains(&key));
            prop_assert!(!redact(&text, &[]).contains(&key));
        }

        #[test]
        fn the_own_key_is_always_redacted(before in "[^hé]{0,20}", own in "[!-~]{1,64}", after in ".{0,20}") {
            let text = format!("{before}{own}{after}");
            prop_assert!(text.contains(&own));
            let shown = redact(&text, &[&own]).replace(REDACTED, "");
            prop_assert!(own.len() < 3 || !shown.contains(&own) || REDACTED.contains(&own), "{}", shown);
        }

        #[test]
        fn other_text_is_kept(text in "[a-gA-Z0-9 .é]{0,80}") {
            prop_assume!(!text.to_lowercase().contains("bearer"));
            prop_assert_eq!(redact(&text, &["hh_own"]), text.clone());
        }
    }
}
