//! Checks the parser of error bodies: for any body, the texts that are kept are short and contain neither control
//! characters nor a key.

use std::fmt::Write as _;

use hh_transport::{Authorizer, BoxFuture, Epoch, Idempotency, Response, SendOptions};
use hh_transport::{TransportError, TransportErrorKind};
use http::{HeaderValue, StatusCode, Uri};

use super::error_of;

/// The key that is sent. It does not have the format of a key, so it can only be recognized because it is sent.
const CANARY: &str = "hh_canary_of-the-fuzz-target_0";

/// The length of a part of the key that is still secret.
const CUT: usize = 12;

/// The number of letters and digits after `hh_` that count as another key.
const FOREIGN: usize = 16;

/// The maximum length of a text that is kept, in bytes.
const LONGEST: usize = 2 * 1024;

/// The maximum size of a body that is parsed, in bytes.
const LARGEST: usize = 256 * 1024;

/// Checks one body, and bodies whose texts contain it.
///
/// # Panics
/// Panics if a check fails.
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

/// Checks one body, and returns whether any text of it is kept.
fn check(body: Vec<u8>) -> bool {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::FORBIDDEN;
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&OneKey);
    let error = error_of(answer, options);
    assert_eq!(error.kind(), TransportErrorKind::PermissionDenied);
    assert_eq!(error.to_string(), "h responded with 403 Forbidden");
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

/// Returns whether the text after `hh_` has the format of a key.
fn is_foreign(tail: &str) -> bool {
    let letters = tail.bytes().take_while(u8::is_ascii_alphanumeric);
    letters.count() >= FOREIGN
}

/// Escapes a text for a JSON string.
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

/// An authorizer with a single key.
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
