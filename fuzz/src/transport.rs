//! Checks for any bytes of a response.
//!
//! The integration tests of hh-transport include this file and replay the committed corpora, so it uses only
//! hh-transport and http.

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

/// A clock that does not advance, so that an input always has the same result. Its time is 1994-11-06 08:49:37.
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

/// Sends a request with a single attempt, and returns the error for a response without a success status.
fn error_of(answer: Response, options: SendOptions<'_>) -> TransportError {
    let service = ScriptedService::new().with_result(Ok(answer));
    let transport = Transport::builder(Arc::new(service))
        .with_retry(RetryPolicy::new().with_max_attempts(1))
        .with_clock(Arc::new(Stopped(Instant::now())))
        .build();
    let request = Request::get("https://h/").body(Vec::new().into());
    let call = transport.send(request.expect("it is a request"), options);
    // Nothing waits, so no runtime is needed.
    let mut context = Context::from_waker(Waker::noop());
    match pin!(call).poll(&mut context) {
        Poll::Ready(result) => result.expect_err("the answer is no success"),
        Poll::Pending => panic!("the call waits after its only attempt"),
    }
}
