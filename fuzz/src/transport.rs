//! What must hold for any bytes of an answer.
//!
//! The integration tests of hh-transport include this file and replay the committed corpora through it, so it uses
//! nothing but hh-transport and http.

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

/// A clock that stands still, so that an input does the same on every day: 1994-11-06 08:49:37.
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

/// Sends a request of a single attempt, and returns what comes of an answer that is no success.
fn error_of(answer: Response, options: SendOptions<'_>) -> TransportError {
    let service = ScriptedService::new().with_result(Ok(answer));
    let transport = Transport::builder(Arc::new(service))
        .with_retry(RetryPolicy::new().with_max_attempts(1))
        .with_clock(Arc::new(Stopped(Instant::now())))
        .build();
    let request = Request::get("https://h/").body(Vec::new().into());
    let call = transport.send(request.expect("it is a request"), options);
    // Nothing waits here, so no runtime is needed.
    let mut context = Context::from_waker(Waker::noop());
    match pin!(call).poll(&mut context) {
        Poll::Ready(result) => result.expect_err("the answer is no success"),
        Poll::Pending => panic!("the call waits after its only attempt"),
    }
}
