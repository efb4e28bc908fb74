//! A key that must not be seen outside its header, and all the text of an error, to look for it.

use std::error::Error;
use std::fmt::Write as _;

use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
use http::{HeaderValue, Uri};

/// Looks like a key of HoneyHive and is none.
pub(crate) const KEY: &str = "hh_c4n4ryC4N4RY0123456789abcdefghijABCDEFGH";

/// Gives this key to every host; there is never another.
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

/// Has no key for anybody.
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
        Box::pin(async { Err(TransportError::no_credential("none is stored")) })
    }
}

/// All that a caller could print of an error.
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
