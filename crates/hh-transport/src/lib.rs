//! HTTP with retries for the HoneyHive client.
//!
//! A [`Transport`] sends an [`http::Request`] through an [`HttpService`], requests the key of every attempt from an
//! [`Authorizer`], retries as the policy allows, and returns a success or a [`TransportError`] without secrets. It
//! spawns no tasks, has no global state and works on a current-thread tokio runtime.
//!
//! Plain HTTP is rejected except to loopback addresses, and redirects are not followed.
//!
//! - [`Transport`], [`SendOptions`]: sending of requests
//! - [`HttpService`], [`Request`], [`Response`]: the interface to an HTTP stack or to a test
//! - `ReqwestService`, `ReqwestOptions`, `ProxyOptions` (feature `reqwest`, on by default): the real HTTP client, with
//!   timeouts per stage, certificates and proxies
//! - `ScriptedService` (feature `testing`): a service for tests
//! - `Probe` (feature `reqwest`): a request in separate stages, for diagnosis
//! - [`Authorizer`], [`Epoch`]: keys and their renewal after a rejection
//! - [`Idempotency`], [`RetryPolicy`]: the conditions, number and delays of retries
//! - [`TransportError`], [`Problem`], [`Attempt`], [`Event`]: errors and observation of calls
//! - [`clean()`], [`redact()`], [`redact_keys`]: safe output of untrusted text
//! - [`Clock`]: injectable time and randomness
//!
//! ```
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use hh_transport::{Idempotency, RetryPolicy, SendOptions, ScriptedService, Transport};
//! use http::{Request, StatusCode};
//!
//! let service = ScriptedService::new()
//!     .with_answer(StatusCode::BAD_GATEWAY, "")
//!     .with_answer(StatusCode::OK, "hello");
//! let retry = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::from_millis(1));
//! let transport = Transport::builder(Arc::new(service.clone())).with_retry(retry).build();
//!
//! let request = Request::get("https://api.honeyhive.ai/v1/projects").body("".into())?;
//! let response = transport.send(request, SendOptions::new(Idempotency::Safe)).await?;
//! assert_eq!(response.body(), "hello");
//! assert_eq!(service.requests().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attempt;
mod authorize;
#[cfg(feature = "reqwest")]
mod body;
mod clean;
mod clock;
mod error;
mod exchange;
mod idempotency;
mod limiter;
#[cfg(feature = "reqwest")]
mod probe;
mod problem;
#[cfg(feature = "reqwest")]
mod proxy;
mod redact;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
mod service;
mod target;
#[cfg(any(test, feature = "testing"))]
mod testing;
#[cfg(feature = "reqwest")]
mod tls;
mod transport;

pub use attempt::{Attempt, AttemptRecord, Event};
pub use authorize::{Authorizer, Epoch};
pub use clean::clean;
pub use clock::{Clock, SystemClock};
pub use error::{TimeoutStage, TransportError, TransportErrorKind};
pub use idempotency::{Idempotency, IdempotencyKey};
#[cfg(feature = "reqwest")]
pub use probe::{Certificate, Connection, Handshake, Probe, ProbeResponse};
pub use problem::Problem;
#[cfg(feature = "reqwest")]
pub use proxy::ProxyOptions;
pub use redact::{redact, redact_keys};
#[cfg(feature = "reqwest")]
pub use reqwest::{ReqwestOptions, ReqwestService};
pub use retry::RetryPolicy;
pub use service::{BoxFuture, HttpService, Request, Response, ResponseCap};
#[cfg(any(test, feature = "testing"))]
pub use testing::ScriptedService;
#[cfg(feature = "reqwest")]
pub use tls::{CertificateProblem, Roots};
pub use transport::{SendOptions, Transport, TransportBuilder};
