//! The problem of a file of trusted certificates.

use std::borrow::Cow;

use crate::error::TransportError;

/// The reason why a file of trusted certificates cannot be used.
#[derive(Debug)]
pub(crate) struct TrustProblem {
    /// A clause whose subject is the file.
    why: Cow<'static, str>,
    hint: Option<&'static str>,
}

impl From<TrustProblem> for TransportError {
    fn from(problem: TrustProblem) -> Self {
        Self::invalid_trust(&problem.why, problem.hint)
    }
}

impl TrustProblem {
    pub(super) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            why: why.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}
