//! No key leaves inside telemetry: a span that holds the configuration or an error's text must not give it away.

use std::borrow::Cow;

use hh_auth::ApiKey;
use hh_transport::{clean, redact_keys};
use memchr::memmem::{self, Finder};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::resolve::Sender;

/// Every key begins with this, so that text without it needs no search for keys.
const KEY_PREFIX: &str = "hh_";

/// A key has to be this long to be masked in encoded telemetry, so that no match can reach beyond a text.
const MIN_MASKED: usize = 12;

/// Removes API keys from telemetry.
pub(super) struct Redactor {
    keys: Keys,
    prefix: Finder<'static>,
}

enum Keys {
    /// Those that requests carry now.
    FromSender(Box<Sender>),
    /// Those that were found at the start; in test mode there may be none.
    Fixed(Vec<ApiKey>),
}

impl Redactor {
    /// Returns a redactor of the keys that a sender uses, and of everything that looks like a key.
    pub(super) fn of(sender: Sender) -> Self {
        Self::new(Keys::FromSender(Box::new(sender)))
    }

    /// Returns a redactor of these keys, and of everything that looks like a key.
    pub(super) fn fixed(keys: Vec<ApiKey>) -> Self {
        Self::new(Keys::Fixed(keys))
    }

    fn new(keys: Keys) -> Self {
        Self {
            keys,
            prefix: Finder::new(KEY_PREFIX),
        }
    }

    /// Returns a text without keys.
    pub(super) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.prefix.find(text.as_bytes()) {
            Some(_) => self.with_keys(|keys| redact_keys(text, keys)),
            None => Cow::Borrowed(text),
        }
    }

    /// Makes text of a server safe to show.
    pub(super) fn clean(&self, text: &str) -> String {
        self.with_keys(|keys| clean(text, keys))
    }

    /// Overwrites keys in encoded telemetry. It was redacted before, but a program may have printed a key of an unusual
    /// form after that.
    pub(super) fn redact_bytes(&self, encoded: &mut [u8]) {
        self.with_keys(|keys| {
            for key in keys.iter().filter(|key| key.len() >= MIN_MASKED) {
                let (key, part) = (key.as_bytes(), &key.as_bytes()[..MIN_MASKED]);
                let mut at = 0;
                while let Some(found) = memmem::find(&encoded[at..], part) {
                    at += found;
                    let is_whole = encoded[at..].starts_with(key);
                    let end = at + if is_whole { key.len() } else { part.len() };
                    encoded[at..end].fill(b'*');
                    at = end;
                }
            }
        });
    }

    /// Removes keys from all texts and names of a JSON value.
    pub(super) fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_in_place(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(members) => {
                let old = std::mem::take(members);
                for (mut name, mut member) in old {
                    self.redact_in_place(&mut name);
                    self.redact_json(&mut member);
                    members.insert(name, member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn redact_in_place(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact(text) {
            *text = redacted;
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the keys are compared with text, to take them out of it"
    )]
    fn with_keys<T>(&self, work: impl FnOnce(&[&str]) -> T) -> T {
        let current;
        let keys = match &self.keys {
            Keys::FromSender(sender) => {
                current = sender.keys();
                &current
            }
            Keys::Fixed(keys) => keys,
        };
        let keys: Vec<_> = keys
            .iter()
            .map(|key| key.secret().expose_secret())
            .collect();
        work(&keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(keys: &[&str]) -> Redactor {
        let keys = keys.iter().map(|key| ApiKey::parse(key).unwrap());
        Redactor::fixed(keys.collect())
    }

    #[test]
    fn own_keys_of_any_form_and_keys_of_others_are_redacted() {
        let redactor = redactor(&["hh_b", "hh_a.key-of.mine"]);
        for (text, expected) in [
            ("nothing in here", "nothing in here"),
            ("hh_b", "[redacted]"),
            ("a hh_a.key-of.mine b", "a [redacted] b"),
            ("hh_1234567890abcdef1234", "[redacted]"),
            ("hh_search", "hh_search"),
        ] {
            assert_eq!(redactor.redact(text), expected);
        }
    }

    #[test]
    fn a_mask_keeps_the_length_and_all_other_bytes() {
        let redactor = redactor(&["hh_a.key-of.mine", "hh_a"]);
        for (text, expected) in [
            ("hh_a hhhh_a.key-of.mine|", "hh_a hh****************|"),
            ("hh_a.key-of.", "************"),
            ("hh_a.key-of", "hh_a.key-of"),
            ("", ""),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            redactor.redact_bytes(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
