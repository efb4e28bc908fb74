//! HTTP with retries for the HoneyHive client.
//!
//! A [`Transport`] sends an [`http::Request`] through an [`HttpService`]. It gets the `authorization` header for every
//! attempt from an [`Authorizer`] and retries as its [`RetryPolicy`] allows. It returns either a response with a
//! success status (2xx) or a [`TransportError`], whose texts contain no secrets. A transport spawns no tasks, has no
//! global state and works on a current-thread tokio runtime.
//!
//! Plain HTTP is rejected, except to loopback addresses and to hosts that the caller names. Redirects are not followed: a 3xx response is an error.
//!
//! | items | purpose |
//! | --- | --- |
//! | [`Transport`], [`SendOptions`] | send requests |
//! | [`HttpService`], [`Request`], [`Response`] | connect a transport to an HTTP client or to a test |
//! | `ReqwestService`, `ReqwestOptions`, `ProxyOptions`, `NoProxy` | send requests with reqwest, with timeouts per stage |
//! | `ScriptedService` | return prepared responses in tests |
//! | `Probe` | run the stages of a request separately, for diagnosis |
//! | [`Authorizer`], [`Epoch`] | add the API key, and renew it after the server has rejected it |
//! | [`Idempotency`], [`RetryPolicy`] | decide which requests are retried, how often and after which delay |
//! | [`TransportError`], [`Problem`] | report why a call failed |
//! | [`Attempt`], [`Event`] | observe the attempts and the waits of a call |
//! | [`clean()`], [`redact()`], [`redact_keys`] | make untrusted text safe to print |
//! | [`Clock`] | control time and randomness in tests |
//!
//! | feature | default | adds | depends on |
//! | --- | --- | --- | --- |
//! | `reqwest` | yes | `ReqwestService`, `ReqwestOptions`, `ProxyOptions`, `NoProxy`, `Probe` and their types | reqwest, hyper, rustls with ring |
//! | `testing` | no | `ScriptedService` | |
//!
//! Without features, the crate contains no HTTP client. The caller implements [`HttpService`] for a client of its own.
//!
//! All platforms are supported. Linux is tested.
//!
//! # Examples
//!
//! Send a request:
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use hh_transport::{Idempotency, ReqwestOptions, ReqwestService, SendOptions, Transport};
//! use http::Request;
//!
//! let service = ReqwestService::new(&ReqwestOptions::new())?;
//! let transport = Transport::builder(Arc::new(service)).build();
//!
//! let request = Request::get("https://api.honeyhive.ai/v1/projects").body("".into())?;
//! let response = transport.send(request, SendOptions::new(Idempotency::Safe)).await?;
//! println!("{} bytes", response.body().len());
//! # Ok(())
//! # }
//! ```
//!
//! Replace the network with prepared responses in a test:
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
mod no_proxy;
#[cfg(feature = "reqwest")]
mod probe;
mod problem;
#[cfg(feature = "reqwest")]
mod proxy;
mod redact;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
#[cfg(feature = "reqwest")]
mod runtime;
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
pub use no_proxy::NoProxy;
#[cfg(feature = "reqwest")]
pub use probe::{Certificate, Connection, Handshake, Probe, ProbeResponse};
pub use problem::Problem;
#[cfg(feature = "reqwest")]
pub use proxy::ProxyOptions;
pub use redact::{redact, redact_keys};
#[cfg(feature = "reqwest")]
pub use reqwest::{ReqwestOptions, ReqwestService};
pub use retry::RetryPolicy;
#[cfg(feature = "reqwest")]
pub use runtime::check_runtime;
pub use service::{BoxFuture, HttpService, Request, Response, ResponseCap};
#[cfg(any(test, feature = "testing"))]
pub use testing::ScriptedService;
#[cfg(feature = "reqwest")]
pub use tls::{CertificateProblem, Roots};
pub use transport::{SendOptions, Transport, TransportBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
