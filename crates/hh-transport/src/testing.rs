//! A service that answers from a script, for tests without a network.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;

use crate::error::TransportError;
use crate::service::{BoxFuture, HttpService, Request, Response};

/// Gives its answers in the order they were added and remembers the requests.
///
/// Clones share the script and the memory, so that a test keeps one and gives the other away.
#[derive(Clone, Default)]
pub struct ScriptedService {
    state: Arc<Mutex<ScriptState>>,
}

#[derive(Default)]
struct ScriptState {
    answers: VecDeque<Result<Response, TransportError>>,
    requests: Vec<Request>,
}

impl ScriptedService {
    /// Makes a service without an answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer of this status and body.
    #[must_use]
    pub fn with_answer(self, status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        self.with_result(Ok(response))
    }

    /// Adds an answer, or an error in place of one.
    #[must_use]
    pub fn with_result(self, result: Result<Response, TransportError>) -> Self {
        self.state().answers.push_back(result);
        self
    }

    /// Returns the requests sent so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, ScriptState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// By hand: the remembered requests show their query, and a transport shows its service.
impl fmt::Debug for ScriptedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedService")
            .field("requests", &self.state().requests.len())
            .finish_non_exhaustive()
    }
}

impl HttpService for ScriptedService {
    /// # Errors
    ///
    /// As scripted, and [`Other`](crate::TransportErrorKind::Other) when the script is at its end.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut state = self.state();
        state.requests.push(request);
        let answer = state.answers.pop_front();
        Box::pin(std::future::ready(answer.unwrap_or_else(|| {
            Err(TransportError::other(
                "the scripted service has no answer left",
                "add one more answer",
            ))
        })))
    }
}
