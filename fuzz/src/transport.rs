//! Checks the handling of error responses with any input.
//!
//! The integration tests of hh-transport include this file and replay the committed corpora with it. Therefore, it uses
//! only hh-transport and http.

mod problem_body;
mod retry_after;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use hh_transport::{BoxFuture, Clock, Response, RetryPolicy, ScriptedService, SendOptions};
use hh_transport::{Transport, TransportError};
use http::Request;

pub use problem_body::problem_body;
pub use retry_after::retry_after;

/// A clock that always returns 1994-11-06 08:49:37, so that the result for an input never changes.
#[derive(Debug)]
struct Stopped(Instant);

impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Sends a request with a single attempt, and returns the error of a response that is not a success.
fn error_of(answer: Response, options: SendOptions<'_>) -> TransportError {
    let service = ScriptedService::new().with_result(Ok(answer));
    let transport = Transport::builder(Arc::new(service))
        .with_retry(RetryPolicy::new().with_max_attempts(1))
        .with_clock(Arc::new(Stopped(Instant::now())))
        .build();
    let request = Request::get("https://h/").body(Vec::new().into());
    let call = transport.send(request.expect("the request is valid"), options);
    // Nothing waits, so the call needs no runtime.
    let mut context = Context::from_waker(Waker::noop());
    match pin!(call).poll(&mut context) {
        Poll::Ready(result) => result.expect_err("the response is not a success"),
        Poll::Pending => panic!("the call waits after its only attempt"),
    }
}
