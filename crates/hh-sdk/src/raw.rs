//! Sends requests that need not belong to an operation of this version.

use hh_auth::ApiKey;
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use crate::{Error, HoneyHive};

/// The body of a response. The keys of the client are redacted, because a server can repeat them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RawResponse {
    /// A JSON document.
    Json(Value),
    /// Any other text, with invalid UTF-8 replaced.
    Text(String),
}

/// Sends a request that need not belong to an operation of this version, and returns the body of the response.
///
/// `target` is a path that begins with `/`, and optionally a query. It is appended to the base URL, so that the key is
/// sent to no other server. A body is sent as JSON. Only requests with the methods GET and HEAD are retried.
///
/// # Errors
/// The [errors of every call](HoneyHive#errors), and `Invalid` if `target` is not valid in a URL.
pub async fn send(
    client: &HoneyHive,
    method: Method,
    target: &str,
    body: Vec<u8>,
) -> Result<RawResponse, Error> {
    let (body, keys) = client.send_raw(method, target, body.into()).await?;
    Ok(match serde_json::from_slice(&body) {
        Ok(document) => RawResponse::Json(redact_in(document, &keys)),
        Err(_) => RawResponse::Text(redact(String::from_utf8_lossy(&body).into_owned(), &keys)),
    })
}

/// Redacts keys in all texts of a document.
fn redact_in(value: Value, keys: &[ApiKey]) -> Value {
    match value {
        Value::String(text) => Value::String(redact(text, keys)),
        Value::Array(elements) => {
            let elements = elements.into_iter().map(|element| redact_in(element, keys));
            Value::Array(elements.collect())
        }
        Value::Object(members) => {
            let members = members.into_iter();
            let members =
                members.map(|(name, member)| (redact(name, keys), redact_in(member, keys)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "searches text for the keys, to redact them"
)]
fn redact(text: String, keys: &[ApiKey]) -> String {
    keys.iter().fold(text, |text, key| {
        let secret = key.secret().expose_secret();
        if text.contains(secret) {
            text.replace(secret, &key.redacted())
        } else {
            text
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_keys_of_the_client_are_redacted() {
        let own = "hh_1234567890abcdef1234567890abcdef";
        let new = "hh_fedcba0987654321fedcba0987654321";
        let keys = [ApiKey::parse(own).unwrap()];
        let document =
            json!({"key": new, "echo": [format!("Bearer {own}")], own: null, "number": 1});
        assert!(document.to_string().contains(own));
        let redacted = redact_in(document, &keys);
        assert_eq!(
            redacted,
            json!({"key": new, "echo": ["Bearer hh_12345***"], "hh_12345***": null, "number": 1})
        );
    }
}
