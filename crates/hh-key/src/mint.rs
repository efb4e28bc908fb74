//! Making keys: random characters and a checksum.

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::checksum::{DIGITS, PLAIN_RANDOM, compute_checksum};
use crate::{ApiKey, KeyKind};

const ID_LENGTH: usize = 24;
/// Random characters of a typed key after its id, before its checksum.
const TYPED_RANDOM: usize = 58;

/// A new key with its public id.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewApiKey {
    /// The key, which exists nowhere else.
    pub key: ApiKey,
    /// 24 letters and digits that name the key and are not a secret; typed keys carry it.
    pub id: String,
}

/// Creates a key of a kind: random characters and their checksum.
///
/// # Errors
/// The random source of the system failed.
pub fn mint(kind: KeyKind) -> Result<NewApiKey, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    let mut id = String::with_capacity(ID_LENGTH);
    push_random(&mut id, ID_LENGTH)?;
    text.push_str(kind.prefix());
    if kind.is_typed() {
        text.push_str(&id);
        text.push('_');
        push_random(&mut text, TYPED_RANDOM)?;
    } else {
        push_random(&mut text, PLAIN_RANDOM)?;
    }
    let check = compute_checksum(&text);
    text.push_str(&check);
    let key = ApiKey::from_minted(SecretString::from(text.as_str()), kind);
    Ok(NewApiKey { key, id })
}

fn push_random(text: &mut String, count: usize) -> Result<(), getrandom::Error> {
    let end = text.len() + count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < end {
        getrandom::fill(bytes.as_mut_slice())?;
        // 248 is the largest multiple of 62 in a byte: beyond it the first digits would come up more often.
        for &byte in bytes.iter().filter(|&&byte| byte < 248) {
            if text.len() < end {
                text.push(char::from(DIGITS[usize::from(byte) % 62]));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checksum, checksum};

    #[test]
    fn every_kind_of_key_parses_with_a_right_checksum() {
        for (kind, length) in [
            (KeyKind::Ingestion, 98),
            (KeyKind::ReadOnly, 46),
            (KeyKind::Project, 43),
        ] {
            let minted = mint(kind).unwrap();
            let parsed = ApiKey::parse(minted.key.text()).unwrap();
            assert_eq!(parsed.kind(), minted.key.kind());
            assert_eq!(parsed.text().len(), length, "{kind:?}");
            assert_eq!(parsed.warning(), None);
            assert_eq!(checksum(&parsed), Checksum::Valid);
            if kind == KeyKind::Ingestion {
                assert_eq!(parsed.key_id(), Some(minted.id.as_str()));
            }
        }
    }

    #[test]
    fn a_changed_character_breaks_the_checksum() {
        let minted = mint(KeyKind::Project).unwrap();
        let text = minted.key.text();
        for at in 3..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let changed = ApiKey::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
            assert_eq!(checksum(&changed), Checksum::Invalid, "position {at}");
        }
    }
}
