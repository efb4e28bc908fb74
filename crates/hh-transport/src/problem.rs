//! What the server says about an error, made safe to show.

use serde_json::Value;

/// The most of a text that is kept, in bytes.
const CAP: usize = 2 * 1024;
/// A longer error body is not looked at.
const BODY_CAP: usize = 256 * 1024;
const REDACTED: &str = "[redacted]";

/// The readable part of an error body.
///
/// The server wrote it, and may have put into it what we sent: keys are replaced by `[redacted]`, control characters
/// are removed, and each text has at most 2 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    message: Option<String>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// Reads `message`, `errorCode` and `request_id` of a JSON object; `None` when it has none of them.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        if body.len() > BODY_CAP {
            return None;
        }
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(clean);
        let problem = Self {
            message: text("message"),
            code: text("errorCode"),
            request_id: text("request_id"),
        };
        let empty =
            problem.message.is_none() && problem.code.is_none() && problem.request_id.is_none();
        (!empty).then_some(problem)
    }

    /// Returns the server's sentence for people.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the server's word for programs.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the name under which the server logged the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// Removes what cannot be seen first, since it could hide a key from the redaction, and cuts last, since a cut key
/// would not be recognised.
fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|character| !is_invisible(*character))
        .collect();
    let mut text = redact(&visible);
    text.truncate(text.floor_char_boundary(CAP));
    text
}

/// Control characters, and those that draw nothing or turn the direction of the text.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Replaces every `hh_` key and every bearer credential.
fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some(length) = key(rest).or_else(|| bearer(rest)) {
            out.push_str(REDACTED);
            rest = &rest[length..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// Returns the length of the key that `text` begins with: `hh_[A-Za-z0-9_-]{8,}`.
fn key(text: &str) -> Option<usize> {
    let tail = text.strip_prefix("hh_")?;
    let length = tail
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    (length >= 8).then_some(3 + length)
}

/// Returns the length of `Bearer` and what follows it up to the next space, in any case.
fn bearer(text: &str) -> Option<usize> {
    let (scheme, tail) = text.split_at_checked(6)?;
    let value = tail.trim_start_matches(' ');
    let value_length = value.find(' ').unwrap_or(value.len());
    let found =
        scheme.eq_ignore_ascii_case("bearer") && value.len() < tail.len() && value_length > 0;
    found.then(|| text.len() - value.len() + value_length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_fields() {
        let body = br#"{"success": false, "statusCode": 403, "message": "no", "errorCode": "E1", "request_id": "r"}"#;
        let problem = Problem::read(body).unwrap();
        assert_eq!(
            (problem.message(), problem.code(), problem.request_id()),
            (Some("no"), Some("E1"), Some("r"))
        );
    }

    #[test]
    fn other_bodies_say_nothing() {
        for body in [
            "",
            "<html>",
            "[1]",
            "\"message\"",
            "{}",
            r#"{"message": 1}"#,
            &"[".repeat(10_000),
        ] {
            assert_eq!(Problem::read(body.as_bytes()), None, "{body:.20}");
        }
    }

    #[test]
    fn keys_are_redacted() {
        let cases = [
            ("key hh_rw_0123456789 is bad", "key [redacted] is bad"),
            ("hh_short", "hh_short"),
            (
                "authorization: Bearer abc.def/+= end",
                "authorization: [redacted] end",
            ),
            ("BEARER  x", "[redacted]"),
            ("bearer", "bearer"),
            ("hh_ab\u{200b}cdef\u{7}gh", "[redacted]"),
            ("é hh_ü", "é hh_ü"),
            ("\u{1b}[31mred\r\n", "[31mred"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn text_is_capped_between_characters() {
        let text = clean(&"é".repeat(5_000));
        assert_eq!(text.len(), CAP);
        let text = clean(&format!("a{}", "é".repeat(5_000)));
        assert_eq!(text.len(), CAP - 1);
    }

    proptest! {
        #[test]
        fn a_key_is_never_kept(before in ".{0,20}", tail in "[A-Za-z0-9_-]{8,64}", after in " .{0,20}") {
            let key = format!("hh_{tail}");
            let text = format!("{before}{key}{after}");
            prop_assert!(text.contains(&key));
            prop_assert!(!clean(&text).contains(&key));
        }

        #[test]
        fn any_body(body: Vec<u8>) {
            Problem::read(&body);
        }
    }
}
