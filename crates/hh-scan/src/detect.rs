//! Recognizes an API key at a position in other text.

use hh_auth::{ApiKey, Checksum, KeyError, checksum, redact};

/// The maximum length of a key in bytes.
pub(crate) const MAX_LENGTH: usize = 512;

/// The certainty that a match is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confidence {
    /// It has a valid checksum.
    Confirmed,
    /// It has the format of a key, or is the value of a variable for keys.
    Possible,
}

impl Confidence {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Possible => "possible",
        }
    }
}

/// A key, without its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Detection {
    pub(crate) confidence: Confidence,
    pub(crate) kind: &'static str,
    pub(crate) redacted: String,
    /// The length of the key, in bytes.
    pub(crate) length: usize,
}

/// Prefixes of keys that continue with letters and digits, longer prefixes first.
const PLAIN: [&[u8]; 6] = [
    b"hh_ro_", b"hh_org_", b"hh_ws_", b"hh_cp_", b"hh_dp_", b"hh_",
];
/// Prefixes of keys that contain their id.
const TYPED: [&[u8]; 3] = [b"hh_ingst_", b"hh_fgdp_", b"hh_fgcp_"];
/// The length of the id of a typed key.
const ID: usize = 24;
/// The length of the id, `_` and the secret of a typed key.
const TYPED_REST: usize = ID + 1 + 64;
/// The number of letters and digits of an issued project key, including the checksum.
const ISSUED: usize = 40;
/// The minimum number of letters and digits of a project key.
const SHORTEST: usize = 32;
/// The number of bytes at the start of a key that contain the separators of its prefix, and no others.
pub(crate) const WITH_PREFIX: usize = 32;
/// The maximum number of separators in a prefix.
pub(crate) const SEPARATORS: usize = 2;
/// The minimum length of a key in bytes.
pub(crate) const SHORTEST_KEY: usize = 3 + SHORTEST;

/// Returns the key at the start of bytes that start with `hh_`.
///
/// A valid checksum is sufficient, regardless of the text around the key: compiled programs store strings without a
/// separator. The format alone is sufficient only with `is_alone`, which means that no character before it belongs to
/// the same word.
pub(crate) fn detect_at_start(bytes: &[u8], is_alone: bool) -> Option<Detection> {
    // Most matches are short names. Checking from the end rejects them at the first byte.
    let shortest = bytes.get(3..SHORTEST_KEY)?;
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

/// The bytes that can be a part of a key, as a table because every start of a key needs several look-ups.
static WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        word[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        byte += 1;
    }
    word
};

/// Returns whether a text starts with the characters of a key and few separators, without a check of its format.
pub(crate) fn may_be_key(text: &[u8]) -> bool {
    let start = text.get(..SHORTEST_KEY).unwrap_or_default();
    let separators = start.iter().take(WITH_PREFIX);
    let separators = separators.filter(|byte| !byte.is_ascii_alphanumeric());
    !start.is_empty() && start.iter().all(|byte| is_word(*byte)) && separators.count() <= SEPARATORS
}

/// Returns whether a byte can be a part of a key.
pub(crate) fn is_word(byte: u8) -> bool {
    WORD[usize::from(byte)]
}

fn confirmed(key: &[u8]) -> Option<Detection> {
    let parsed = ApiKey::parse(std::str::from_utf8(key).ok()?).ok()?;
    (checksum(&parsed) == Checksum::Valid).then(|| Detection {
        confidence: Confidence::Confirmed,
        kind: parsed.kind().as_str(),
        redacted: parsed.redacted(),
        length: key.len(),
    })
}

fn possible(key: &[u8], rest: &[u8], is_alone: bool) -> Option<Detection> {
    if !is_alone || is_placeholder(rest) {
        return None;
    }
    let text = std::str::from_utf8(key).ok()?;
    let kind = match ApiKey::parse(text) {
        Ok(parsed) => parsed.kind().as_str(),
        // The hosted service issues or issued these kinds.
        Err(KeyError::Refused { name }) => name,
        Err(_) => return None,
    };
    Some(Detection {
        confidence: Confidence::Possible,
        kind,
        redacted: redact(text),
        length: key.len(),
    })
}

/// The minimum number of different characters of a random key: 32 random hexadecimal digits have fewer with a chance of
/// 1 in 100,000,000.
const DIFFERENT: usize = 10;
/// The length of an ordered run, such as `abcdef` or `123456`, that no random key has.
const ORDERED: usize = 6;
/// The length of a repeated part, as in `1234567890abcdef1234567890abcdef`.
const REPEATED: usize = 8;
/// Words that occur in placeholders. Shorter words also occur in random keys.
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

/// Returns whether a key without its prefix is a placeholder of documentation or tests.
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
    fn detected(text: &str) -> Option<(Confidence, &'static str, String)> {
        detect_at_start(text.as_bytes(), true)
            .map(|found| (found.confidence, found.kind, found.redacted))
    }

    #[test]
    fn the_shape_of_a_key_is_possible() {
        let tail = "k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore
        for (prefix, kind, shown) in [
            ("hh_", "project", "hh_k7Qm2***"),
            ("hh_ro_", "read-only project", "hh_ro_k7***"),
            ("hh_org_", "organization", "hh_org_k***"),
        ] {
            let wanted = Some((Confidence::Possible, kind, shown.to_owned()));
            assert_eq!(detected(&format!("{prefix}{tail}")), wanted);
            assert_eq!(detected(&format!("{prefix}{tail}\" # more")), wanted);
            assert_eq!(
                detected(&format!("{prefix}{}", &tail[1..])),
                None,
                "too short"
            );
            assert_eq!(detected(&format!("{prefix}{tail}_more")), None, "a name");
            assert_eq!(
                detect_at_start(format!("{prefix}{tail}").as_bytes(), false),
                None
            );
        }
        let typed = format!(
            "hh_fgdp_{}_{tail}{}",
            &tail[..24],
            tail.chars().rev().collect::<String>()
        );
        let shown = format!("hh_fgdp_{}_***", &tail[..24]);
        // The id repeats the start of the secret, as in a placeholder.
        assert_eq!(detected(&typed), None);
        let typed = typed.replacen(&tail[..24], "Wq8Ye2Ui6Oa0Sf4Gj9Kl3Zx7", 1);
        let shown = shown.replacen(&tail[..24], "Wq8Ye2Ui6Oa0Sf4Gj9Kl3Zx7", 1);
        assert_eq!(
            detected(&typed),
            Some((Confidence::Possible, "fine-grained data plane", shown))
        );
        assert_eq!(detected(&typed[..typed.len() - 1]), None);
        assert_eq!(detected(&format!("{typed}x")), None);
    }

    #[test]
    fn placeholders_of_documentation_are_not_keys() {
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
            assert_eq!(detected(sample), None, "{sample}");
        }
    }
}
