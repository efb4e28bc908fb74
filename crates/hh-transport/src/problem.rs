//! The error text of a server, cleaned for safe output.

use serde_json::Value;

use crate::clean::clean;

/// The limit of an error body that is parsed, in bytes.
const BODY_CAP: usize = 256 * 1024;

/// The texts in the body of an error response.
///
/// The body is untrusted and may repeat parts of the request, so each text is [cleaned](crate::clean()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    message: Option<String>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// Reads `message`, `errorCode` and `request_id` of a JSON object; returns `None` if all are missing. `own` is the
    /// key that was sent.
    pub(crate) fn read(body: &[u8], own: Option<&str>) -> Option<Self> {
        if body.len() > BODY_CAP {
            return None;
        }
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |field: &str| {
            body.get(field)
                .and_then(Value::as_str)
                .map(|text| clean(text, own.as_slice()))
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

    /// Returns the human-readable message of the server, if the body contains one.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the machine-readable error code of the server, if the body contains one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the id under which the server logs the request, if the body contains one.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
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
    fn other_bodies_contain_no_problem() {
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
    fn every_text_is_cleaned() {
        let text = r"hh_0123456789abcdef \u001b[31mand\u202e hh_dev_key";
        let body =
            format!(r#"{{"message": "{text}", "errorCode": "{text}", "request_id": "{text}"}}"#);
        let problem = Problem::read(body.as_bytes(), Some("hh_dev_key")).unwrap();
        let texts = [problem.message(), problem.code(), problem.request_id()];
        assert_eq!(texts, [Some("[redacted] and [redacted]"); 3]);
    }

    proptest! {
        #[test]
        fn any_body(body: Vec<u8>) {
            Problem::read(&body, None);
        }
    }
}
