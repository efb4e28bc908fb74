//! Retrying HTTP for the HoneyHive client.
//!
//! A [`Transport`] sends an [`http::Request`] through an [`HttpService`], asks an [`Authorizer`] for the key of every
//! attempt, repeats what may be repeated, and ends with a success or a [`TransportError`] that holds no secret. It
//! spawns nothing, keeps no global state and works on a current-thread tokio runtime.
//!
//! Plain http is refused unless it stays on this machine, and redirects are not followed.
//!
//! - [`Transport`], [`SendOptions`]: sending
//! - [`HttpService`], [`Request`], [`Response`]: the seam for another HTTP stack or a test
//! - `ReqwestService`, `ReqwestOptions`, `ProxyOptions` (feature `reqwest`, on by default): the real one, with timeouts of
//!   each stage, certificates and proxies
//! - `ScriptedService` (feature `testing`): the one for tests
//! - `Probe` (feature `reqwest`): the way of a request taken step by step, to find out where it ends
//! - [`Authorizer`], [`Epoch`]: keys, and what happens when one is rejected
//! - [`Idempotency`], [`RetryPolicy`]: what is repeated, how often and how soon
//! - [`TransportError`], [`Problem`], [`Attempt`], [`Event`]: what went wrong, and what happens meanwhile
//! - [`clean()`], [`redact()`], [`redact_keys`]: make text that others wrote safe to show
//! - [`Clock`]: time and chance, for tests
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
