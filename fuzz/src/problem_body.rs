//! The body of an error: whatever it is, what is kept of it is short, visible, and without a key.

use std::fmt::Write as _;

use hh_transport::{Authorizer, BoxFuture, Epoch, Idempotency, Response, SendOptions};
use hh_transport::{TransportError, TransportErrorKind};
use http::{HeaderValue, StatusCode, Uri};

use super::error_of;

/// The key that is sent. It does not look like one, so that nothing but being sent tells it.
const CANARY: &str = "hh_canary_of-the-fuzz-target_0";

/// So much of it is still a secret.
const CUT: usize = 12;

/// So many letters and digits after `hh_` are a key of somebody else.
const FOREIGN: usize = 16;

/// The longest text that is kept, in bytes.
const LONGEST: usize = 2 * 1024;

/// A longer body is not looked at, in bytes.
const LARGEST: usize = 256 * 1024;

/// Checks one body, and texts of which it is a part.
///
/// # Panics
/// When something does not hold.
pub fn problem_body(data: &[u8]) {
    check(data.to_vec());
    let text = String::from_utf8_lossy(data);
    let text = escaped(&text);
    let cut = &CANARY[..CUT];
    let body = format!(
        r#"{{"message": "{CANARY}{text}", "errorCode": "{text}{CANARY}", "request_id": "{text}{cut}{text}"}}"#
    );
    if body.len() <= LARGEST {
        assert!(check(body.into()), "a text is lost");
    }
}

/// Returns whether anything is kept of the body.
fn check(body: Vec<u8>) -> bool {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::FORBIDDEN;
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&OneKey);
    let error = error_of(answer, options);
    assert_eq!(error.kind(), TransportErrorKind::PermissionDenied);
    assert_eq!(error.to_string(), "h answered 403 Forbidden");
    assert!(!format!("{error:?}").contains(&CANARY[..CUT]));
    let Some(problem) = error.problem() else {
        return false;
    };
    let texts = [problem.message(), problem.code(), problem.request_id()];
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    for text in &texts {
        assert!(text.len() <= LONGEST, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "a control character");
        assert!(!text.contains(&CANARY[..CUT]), "the key");
        assert!(!text.split("hh_").skip(1).any(is_foreign), "another key");
    }
    !texts.is_empty()
}

/// Returns whether what follows `hh_` makes it a key.
fn is_foreign(tail: &str) -> bool {
    let letters = tail.bytes().take_while(u8::is_ascii_alphanumeric);
    letters.count() >= FOREIGN
}

/// Writes a text for between the quotes of JSON.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '\0'..' ') {
            let number = u32::from(character);
            write!(escaped, "\\u{number:04x}").expect("a text takes all");
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Has the one key and no other.
struct OneKey;

impl Authorizer for OneKey {
    fn ready(&self, _: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        let header = HeaderValue::try_from(format!("Bearer {CANARY}"));
        Some(Ok((header.expect("it is visible"), Epoch::new(1))))
    }

    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        _: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async { self.ready(uri).expect("it is at hand") })
    }
}
