//! Creates a key for a level.

use crate::{KeyKind, Level};
use hh_key::NewApiKey;

/// Creates an API key of the kind that keys of this level have.
///
/// # Errors
/// [`getrandom::Error`] if the random source of the system fails.
pub fn mint(level: Level) -> Result<NewApiKey, getrandom::Error> {
    hh_key::mint(match level {
        Level::IngestOnly => KeyKind::Ingestion,
        Level::ReadOnly => KeyKind::ReadOnly,
        Level::ReadWrite | Level::Admin => KeyKind::Project,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiKey, Checksum, checksum};

    #[test]
    fn every_level_gets_a_key_that_parses_with_a_right_checksum() {
        for (level, length) in [
            (Level::IngestOnly, 98),
            (Level::ReadOnly, 46),
            (Level::ReadWrite, 43),
            (Level::Admin, 43),
        ] {
            let minted = mint(level).unwrap();
            let text = crate::exposed(&minted.key);
            let parsed = ApiKey::parse(text).unwrap();
            assert_eq!(parsed.kind(), minted.key.kind());
            assert_eq!(text.len(), length, "{level}");
            assert_eq!(parsed.warning(), None);
            assert_eq!(checksum(&parsed), Checksum::Valid);
            if level == Level::IngestOnly {
                assert_eq!(parsed.key_id(), Some(minted.id.as_str()));
            }
        }
    }
}
