//! Checks the parser of the credential store: it does not panic, messages contain no key, and writing the parsed text
//! loses nothing.

use hh_auth::testing::StoreText;
use secrecy::ExposeSecret as _;

use super::is_hidden;

/// Checks one text.
///
/// # Panics
/// Panics if a check fails.
#[expect(
    clippy::disallowed_methods,
    reason = "what is checked is where the key stands"
)]
pub fn credentials_file(data: &[u8]) {
    let store = match StoreText::parse(data) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.contains('\n'), "{error}");
            is_hidden(&String::from_utf8_lossy(data), &error);
            return;
        }
    };
    let debug = format!("{store:?}");
    for (key, is_in_file) in store.keys() {
        assert!(is_in_file, "a key that the keyring holds was taken");
        let secret = key.secret().expose_secret();
        if key.key_id().is_none() && secret.len() > 24 {
            let is_elsewhere = String::from_utf8_lossy(data).matches(secret).count() != 1;
            assert!(is_elsewhere || !debug.contains(secret), "Debug shows a key");
        }
    }
    let text = store.to_text();
    let again = StoreText::parse(text.as_bytes()).expect("what was written is a store");
    assert!(again.is_same(&store), "writing has changed something");
    assert_eq!(
        *again.to_text(),
        *text,
        "writing again has changed something"
    );
}
