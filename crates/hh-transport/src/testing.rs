//! A service with scripted responses, for tests without a network.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;

use crate::error::TransportError;
use crate::service::{BoxFuture, HttpService, Request, Response};

/// A service that returns responses in the order in which they were added, and records the requests.
///
/// Clones share the responses and the records, so a test can pass one clone to a transport and read the requests from
/// another one.
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
    /// Creates a service without responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a response with this status and this body.
    #[must_use]
    pub fn with_answer(self, status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        self.with_result(Ok(response))
    }

    /// Adds a response or an error.
    #[must_use]
    pub fn with_result(self, result: Result<Response, TransportError>) -> Self {
        self.state().answers.push_back(result);
        self
    }

    /// Returns the requests that the service received, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, ScriptState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Implemented by hand: recorded requests contain their query, and the `Debug` of a transport prints its service.
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
    /// Returns the scripted errors, and [`Other`](crate::TransportErrorKind::Other) when no response is left.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut state = self.state();
        state.requests.push(request);
        let answer = state.answers.pop_front();
        Box::pin(std::future::ready(answer.unwrap_or_else(|| {
            Err(TransportError::other(
                "the scripted service has no response left",
                "add another response",
            ))
        })))
    }
}
