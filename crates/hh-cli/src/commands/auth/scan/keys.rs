//! What an API key looks like when it is met in the middle of something else.

use hh_sdk::auth::{ApiKey, Checksum, KeyError, checksum, mask};

/// The longest key there is, in bytes (decisions K2).
pub(super) const MAX_LENGTH: usize = 512;

/// How sure it is that something found is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It has the checksum of an issued key.
    Confirmed,
    /// It has the shape of a key, or stands where one stands.
    Possible,
}

impl Certainty {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Possible => "possible",
        }
    }
}

/// A key that was met, without its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) certainty: Certainty,
    pub(super) kind: &'static str,
    pub(super) shown: String,
    /// Its length, in bytes.
    pub(super) length: usize,
}

/// Prefixes of keys whose rest is letters and digits, the longer first.
const PLAIN: [&[u8]; 6] = [
    b"hh_ro_", b"hh_org_", b"hh_ws_", b"hh_cp_", b"hh_dp_", b"hh_",
];
/// Prefixes of keys that carry their id.
const TYPED: [&[u8]; 3] = [b"hh_ingst_", b"hh_fgdp_", b"hh_fgcp_"];
/// The rest of such a key: id, `_`, secret.
const ID: usize = 24;
const TYPED_REST: usize = ID + 1 + 64;
/// Letters and digits of an issued project key, checksum included.
const ISSUED: usize = 40;
/// Letters and digits that a project key has at least.
const SHORTEST: usize = 32;

/// Looks at what begins with `hh_` and returns the key that it begins with.
///
/// A right checksum is enough, whatever stands around it: compiled programs put texts together without anything between.
/// `is_alone` says that nothing before it belongs to the same word, as the shape alone is only taken for a key then.
pub(super) fn at_start(bytes: &[u8], is_alone: bool) -> Option<Met> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    // Most of what begins so is a short name. From its far end that shows at once.
    let shortest = bytes.get(3..3 + SHORTEST)?;
    if !shortest.iter().rev().all(|byte| is_word(*byte)) {
        return None;
    }
    if let Some(prefix) = TYPED.iter().find(|prefix| bytes.starts_with(prefix)) {
        let rest = &bytes[prefix.len()..];
        let is_shape = rest.len() >= TYPED_REST
            && rest[..ID].iter().all(u8::is_ascii_alphanumeric)
            && rest[ID] == b'_'
            && rest[ID + 1..TYPED_REST].iter().all(|byte| is_word(*byte));
        if !is_shape {
            return None;
        }
        let key = &bytes[..prefix.len() + TYPED_REST];
        let ends = !bytes.get(key.len()).is_some_and(|byte| is_word(*byte));
        return confirmed(key).or_else(|| possible(key, &rest[..TYPED_REST], is_alone && ends));
    }
    let prefix = PLAIN.iter().find(|prefix| bytes.starts_with(prefix))?;
    let rest = &bytes[prefix.len()..];
    let run = rest.iter().take(MAX_LENGTH + 1);
    let run = run.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if run < SHORTEST {
        return None;
    }
    let issued = (run >= ISSUED).then(|| &bytes[..prefix.len() + ISSUED]);
    issued.and_then(confirmed).or_else(|| {
        let length = prefix.len() + run;
        let ends = length <= MAX_LENGTH && rest.get(run) != Some(&b'_');
        possible(&bytes[..length], &rest[..run], is_alone && ends)
    })
}

fn confirmed(key: &[u8]) -> Option<Met> {
    let parsed = ApiKey::parse(std::str::from_utf8(key).ok()?).ok()?;
    (checksum(&parsed) == Checksum::Right).then(|| Met {
        certainty: Certainty::Confirmed,
        kind: parsed.kind().as_str(),
        shown: parsed.shown(),
        length: key.len(),
    })
}

fn possible(key: &[u8], rest: &[u8], is_alone: bool) -> Option<Met> {
    if !is_alone || is_placeholder(rest) {
        return None;
    }
    let text = std::str::from_utf8(key).ok()?;
    let kind = match ApiKey::parse(text) {
        Ok(parsed) => parsed.kind().as_str(),
        // The hosted service still issues these, or did.
        Err(KeyError::Refused { name }) => name,
        Err(_) => return None,
    };
    Some(Met {
        certainty: Certainty::Possible,
        kind,
        shown: mask(text),
        length: key.len(),
    })
}

/// Different characters that a random key has at least; of 32 hexadecimal digits it has fewer once in 100,000,000.
const DIFFERENT: usize = 10;
/// Neighbours in order, as in `abcdef` and `123456`, which no random key has this many of.
const ORDERED: usize = 6;
/// A part that comes twice, as in `1234567890abcdef1234567890abcdef`.
const REPEATED: usize = 8;
/// Words of samples. Shorter ones would come up in random keys.
const WORDS: [&str; 15] = [
    "apikey",
    "canary",
    "change",
    "dummy",
    "example",
    "fake",
    "honeyhive",
    "insert",
    "mock",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "secret",
    "your",
];

/// Tells whether the rest of what looks like a key is what people write in its place in documentation and tests.
fn is_placeholder(rest: &[u8]) -> bool {
    let lower = rest.to_ascii_lowercase();
    let mut seen = [false; 256];
    for byte in rest {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different < DIFFERENT
        || is_ordered(&lower)
        || is_repeated(rest)
        || (0..lower.len()).any(|at| {
            let rest = &lower[at..];
            WORDS.iter().any(|word| rest.starts_with(word.as_bytes()))
        })
}

fn is_ordered(lower: &[u8]) -> bool {
    let mut length = 1;
    lower.windows(2).any(|pair| {
        length = if pair[0] + 1 == pair[1] {
            length + 1
        } else {
            1
        };
        length >= ORDERED
    })
}

fn is_repeated(rest: &[u8]) -> bool {
    let mut parts: Vec<&[u8]> = rest.windows(REPEATED).collect();
    parts.sort_unstable();
    parts.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn met(text: &str) -> Option<(Certainty, &'static str, String)> {
        at_start(text.as_bytes(), true).map(|met| (met.certainty, met.kind, met.shown))
    }

    #[test]
    fn the_shape_of_a_key_is_possible() {
        let tail = "k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore
        for (prefix, kind, shown) in [
            ("hh_", "project", "hh_k7Qm2***"),
            ("hh_ro_", "read-only project", "hh_ro_k7***"),
            ("hh_org_", "organization", "hh_org_k***"),
        ] {
            let wanted = Some((Certainty::Possible, kind, shown.to_owned()));
            assert_eq!(met(&format!("{prefix}{tail}")), wanted);
            assert_eq!(met(&format!("{prefix}{tail}\" # more")), wanted);
            assert_eq!(met(&format!("{prefix}{}", &tail[1..])), None, "too short");
            assert_eq!(met(&format!("{prefix}{tail}_more")), None, "a name");
            assert_eq!(at_start(format!("{prefix}{tail}").as_bytes(), false), None);
        }
        let typed = format!(
            "hh_fgdp_{}_{tail}{}",
            &tail[..24],
            tail.chars().rev().collect::<String>()
        );
        let shown = format!("hh_fgdp_{}_***", &tail[..24]);
        // The id may begin as the secret does.
        assert_eq!(met(&typed), None);
        let typed = typed.replacen(&tail[..24], "Wq8Ye2Ui6Oa0Sf4Gj9Kl3Zx7", 1);
        let shown = shown.replacen(&tail[..24], "Wq8Ye2Ui6Oa0Sf4Gj9Kl3Zx7", 1);
        assert_eq!(
            met(&typed),
            Some((Certainty::Possible, "fine-grained data plane", shown))
        );
        assert_eq!(met(&typed[..typed.len() - 1]), None);
        assert_eq!(met(&format!("{typed}x")), None);
    }

    #[test]
    fn what_documentation_writes_in_a_keys_place_is_none() {
        for sample in [
            "hh_your_api_key",
            "hh_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "hh_1234567890abcdef1234567890abcdef",
            "hh_abcdef1234567890abcdef1234567890",
            "hh_0123456789abcdef0123456789abcdef",
            "hh_AbCdEfGhIjKlMnOpQrStUvWxYz01234567",
            "hh_canarycanarycanarycanarycanary00",
            "hh_2222environment2222environment22",
            "hh_environment0canary0only0in0variables",
            "hh_ro_abcdefghijklmnopqrstuvwxyz012345",
            "hh_YOURKEYHEREjf83kd02ls93kfu47ah5x",
            "hh_ingst_000000000000000000000000_0000000000000000000000000000000000000000000000000000000000000000",
            "hh_ingst_aB3dE6gH9jK2mN5pQ8sT1vW4_Q8sT1vW4-_Q8sT1vW4-_Q8sT1vW4-_Q8sT1vW4-_Q8sT1vW4-_Q8sT1vW4-_abcd",
        ] {
            assert_eq!(met(sample), None, "{sample}");
        }
    }
}
