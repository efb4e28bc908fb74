//! A key that must not leave its header, and the whole text of an error, to search for the key.

use std::error::Error;
use std::fmt::Write as _;

use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
use http::{HeaderValue, Uri};

/// Looks like a HoneyHive key but is not a valid one.
pub(crate) const KEY: &str = "hh_c4n4ryC4N4RY0123456789abcdefghijABCDEFGH";

/// An authorizer that returns this key for every host and never another one.
pub(crate) struct Canary(pub(crate) &'static str);

impl Canary {
    fn header(&self) -> (HeaderValue, Epoch) {
        let header = HeaderValue::from_str(&format!("Bearer {}", self.0)).unwrap();
        (header, Epoch::new(1))
    }
}

impl Authorizer for Canary {
    fn ready(&self, _: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        Some(Ok(self.header()))
    }

    fn renew<'a>(
        &'a self,
        _: &'a Uri,
        _: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async { Ok(self.header()) })
    }
}

/// An authorizer without a key.
pub(crate) struct NoKey;

impl Authorizer for NoKey {
    fn ready(&self, _: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        None
    }

    fn renew<'a>(
        &'a self,
        _: &'a Uri,
        _: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async { Err(TransportError::no_credential("no key is stored")) })
    }
}

/// Returns all texts of an error that a caller can print.
pub(crate) fn all_text(error: &TransportError) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    if let Some(problem) = error.problem() {
        let (message, code, id) = (problem.message(), problem.code(), problem.request_id());
        write!(text, "{problem:?}\n{message:?} {code:?} {id:?}\n").unwrap();
    }
    writeln!(text, "{:?}", error.attempts()).unwrap();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, "{cause}\n{cause:?}\n").unwrap();
        source = cause.source();
    }
    text
}
