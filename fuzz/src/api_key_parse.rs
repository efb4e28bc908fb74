//! Checks the parser of API keys: it does not panic, it does not change an accepted key, and no output contains the
//! secret part of a key.

use hh_auth::{ApiKey, redact};
use secrecy::ExposeSecret as _;

use super::{SHOWN, is_hidden};

/// Checks one text.
///
/// # Panics
/// Panics if a check fails.
#[expect(
    clippy::disallowed_methods,
    reason = "what is checked is that the key is the text"
)]
pub fn api_key_parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // A text that is not a key may be a key with a typing error.
    let shown = redact(text);
    is_hidden(text, without_id(&shown, text.trim()));
    let key = match ApiKey::parse(text) {
        Ok(key) => key,
        Err(error) => {
            is_hidden(text, &format!("{error} {error:?}"));
            return;
        }
    };
    let secret = key.secret().expose_secret();
    assert_eq!(
        secret,
        text.trim(),
        "only surrounding white space is removed"
    );
    assert!(secret.starts_with(key.kind().prefix()));
    assert_eq!(key.redacted(), shown);
    assert_eq!(format!("{key:?}"), format!("ApiKey({shown})"));
    assert_eq!(format!("{:?}", key.clone()), format!("{key:?}"));

    let stars = shown
        .strip_suffix("***")
        .expect("a redacted key ends with stars");
    assert!(secret.starts_with(stars), "{shown}");
    match key.key_id() {
        Some(id) => assert_eq!(stars, format!("{}{id}_", key.kind().prefix())),
        None => assert!(stars.len() <= SHOWN, "{shown}"),
    }
    assert!(stars.len() * 2 <= secret.len() || stars == "hh_", "{shown}");

    let again = ApiKey::parse(secret).expect("it was a key before");
    assert!(again.is_same(&key));
    assert_eq!(again.kind(), key.kind());
    assert_eq!(again.key_id(), key.key_id());
    assert_eq!(again.warning(), key.warning());
    if let Some(warning) = key.warning() {
        is_hidden(text, &format!("{warning} {warning:?}"));
    }
}

/// Returns the text without the id of a typed key, which is not a secret.
fn without_id<'a>(shown: &'a str, text: &str) -> &'a str {
    let is_typed = ["hh_ingst_", "hh_fgdp_", "hh_fgcp_"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    if is_typed && shown.ends_with("_***") {
        ""
    } else {
        shown
    }
}
