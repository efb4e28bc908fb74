//! Checks for any text that is parsed as a key, and for any bytes in the credential store.
//!
//! The integration tests of hh-auth include this file and replay the committed corpora, so it uses only hh-auth and
//! secrecy.

mod api_key_parse;
mod credentials_file;

pub use api_key_parse::api_key_parse;
pub use credentials_file::credentials_file;

/// The number of characters of a key that may be shown.
const SHOWN: usize = 8;

/// The prefixes of keys, which are not secret, the longest first.
const PREFIXES: [&str; 9] = [
    "hh_ingst_",
    "hh_fgdp_",
    "hh_fgcp_",
    "hh_org_",
    "hh_ro_",
    "hh_ws_",
    "hh_cp_",
    "hh_dp_",
    "hh_",
];

/// The only word of messages that could also be a part of a key.
const FIELD: &str = "first_seen";

/// Checks that a message contains at most the first characters of each key in a text.
fn is_hidden(text: &str, message: &str) {
    // A prefix in the message is not a part of a key, even if a key in the text contains it.
    let words = PREFIXES.iter().chain([&FIELD]);
    let message = words.fold(message.to_owned(), |message, word| {
        message.replace(word, " ")
    });
    for (at, _) in text.match_indices("hh_") {
        let key = &text[at..];
        let end = key.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
        let key = &key[..end.unwrap_or(key.len())];
        let prefix = PREFIXES.iter().find(|prefix| key.starts_with(*prefix));
        let secret = &key[prefix.map_or(0, |prefix| prefix.len())..];
        for window in secret.as_bytes().windows(SHOWN + 1) {
            // A word of the message itself is not a part of a key.
            let is_word = window.iter().all(u8::is_ascii_lowercase);
            let window = std::str::from_utf8(window).expect("a key is ASCII");
            assert!(is_word || !message.contains(window), "{message}");
        }
    }
}
