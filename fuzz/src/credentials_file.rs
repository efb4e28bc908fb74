//! Checks the text of the credential store: reading does not panic, output contains no key, and writing loses no data.

use hh_auth::testing::StoreText;
use secrecy::ExposeSecret as _;

use super::is_hidden;

/// Checks one text.
///
/// # Panics
/// Panics if a property does not hold.
#[expect(
    clippy::disallowed_methods,
    reason = "the check searches for the text of the key"
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
        assert!(
            is_in_file,
            "a key in the file is marked as stored in the keyring"
        );
        let secret = key.secret().expose_secret();
        if key.key_id().is_none() && secret.len() > 24 {
            let is_elsewhere = String::from_utf8_lossy(data).matches(secret).count() != 1;
            assert!(
                is_elsewhere || !debug.contains(secret),
                "Debug contains a key"
            );
        }
    }
    let text = store.to_text();
    let again = StoreText::parse(text.as_bytes()).expect("the written text is a store");
    assert!(again.is_same(&store), "writing changed the store");
    assert_eq!(*again.to_text(), *text, "writing again changed the text");
}
