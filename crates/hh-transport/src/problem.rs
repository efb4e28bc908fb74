//! What the server says about an error, made safe to show.

use serde_json::Value;

use crate::redact::redact;

/// The most of a text that is kept, in bytes.
const CAP: usize = 2 * 1024;
/// A longer error body is not looked at.
const BODY_CAP: usize = 256 * 1024;

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
    /// Reads `message`, `errorCode` and `request_id` of a JSON object; `None` when it has none of them. `own` is the key
    /// that was sent.
    pub(crate) fn read(body: &[u8], own: Option<&str>) -> Option<Self> {
        if body.len() > BODY_CAP {
            return None;
        }
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |field: &str| {
            body.get(field)
                .and_then(Value::as_str)
                .map(|text| clean(text, own))
        };
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
fn clean(text: &str, own: Option<&str>) -> String {
    let visible: String = without_sequences(text)
        .filter(|character| !is_invisible(*character))
        .collect();
    let mut text = redact(&visible, own.as_slice()).into_owned();
    text.truncate(text.floor_char_boundary(CAP));
    text
}

/// Leaves out the sequences that command a terminal, with the letters and digits in them (ECMA-48, 5.4 and 5.6).
fn without_sequences(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        loop {
            let next = rest.next()?;
            let kind = match next {
                '\u{1b}' => rest.next()?,
                // The same in one character.
                '\u{9b}' => '[',
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => ']',
                _ => return Some(next),
            };
            match kind {
                '[' => {
                    let _end = rest.find(|end| matches!(end, '@'..='~'));
                }
                // Text for the terminal itself, up to a bell or the string terminator.
                ']' | 'P' | 'X' | '^' | '_' => {
                    let end = rest.find(|end| matches!(end, '\u{7}' | '\u{1b}' | '\u{9c}'));
                    if end == Some('\u{1b}') {
                        let _backslash = rest.next();
                    }
                }
                _ => {}
            }
        }
    })
}

/// Unsafe characters, and the variation selectors, which could hide a key as well.
fn is_invisible(character: char) -> bool {
    hh_text::is_unsafe(character)
        || matches!(character, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_fields() {
        let body = br#"{"success": false, "statusCode": 403, "message": "no", "errorCode": "E1", "request_id": "r"}"#;
        let problem = Problem::read(body, None).unwrap();
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
            assert_eq!(Problem::read(body.as_bytes(), None), None, "{body:.20}");
        }
    }

    #[test]
    fn keys_are_redacted_and_what_hides_them_is_removed() {
        let own = Some("hh_dev_key");
        let cases = [
            ("key hh_0123456789abcdef is bad", "key [redacted] is bad"),
            ("key hh_dev_key is bad", "key [redacted] is bad"),
            ("hh_01234567\u{200b}89\u{7}abcdef", "[redacted]"),
            ("\u{1b}[31mred\r\n", "red"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text, own), expected);
        }
    }

    #[test]
    fn text_is_capped_between_characters() {
        let text = clean(&"é".repeat(5_000), None);
        assert_eq!(text.len(), CAP);
        let text = clean(&format!("a{}", "é".repeat(5_000)), None);
        assert_eq!(text.len(), CAP - 1);
    }

    proptest! {
        #[test]
        fn any_body(body: Vec<u8>) {
            Problem::read(&body, None);
        }
    }
}
