//! HoneyHive for Rust: a typed API client and a tracer for LLM applications.
//!
//! | type | purpose |
//! | --- | --- |
//! | [`HoneyHive`] | calls the API: projects, events, sessions, API keys and their owners |
//! | [`HoneyHiveTracer`] | records what a program does as sessions and spans, and exports them in the background |
//! | [`Options`], [`get_config`] | set and inspect the configuration |
//! | [`Error`], [`ErrorKind`] | report failures, with a hint for the user |
//!
//! Both the client and the tracer need an API key. They search the same sources in the same order: a direct parameter,
//! which a `with_…` method of a builder sets, the variable `HH_API_KEY`, a configuration file, and the profile that
//! `honeyhive auth login` saved.
//!
//! # Tracing
//! A session is one interaction with the program, for example one question of a user. It contains spans, and a span can
//! have child spans. The server stores each session and each span as an event. A span ends with [`end`](Span::end) or
//! when it is dropped. Call [`shutdown`](HoneyHiveTracer::shutdown) before the program exits, to send the rest of the
//! telemetry.
//!
//! ```no_run
//! # async fn example() -> Result<(), hh_sdk::Error> {
//! use std::time::Duration;
//! use hh_sdk::{HoneyHiveTracer, SpanKind};
//!
//! let tracer = HoneyHiveTracer::init("my-project")?;
//! let session = tracer.session("answer a question").with_input("question", "Why?").start();
//! let mut chain = session.span("answer", SpanKind::Chain).start();
//! let mut tool = chain.child("search", SpanKind::Tool).with_input("query", "why").start();
//! tool.set_output("hits", ["a", "b"]);
//! tool.end();
//! chain.set_output("text", "Because.");
//! chain.end();
//! session.end();
//! tracer.shutdown(Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The tracer sends spans as OTLP over HTTP, but it does not use the OpenTelemetry SDK. It has no current span: a child
//! is always created from its parent, with [`Span::child`]. Each span directly below a session starts a new
//! OpenTelemetry trace.
//!
//! The tracer sends telemetry on its own thread, which starts with the first session or span. It does not spawn tasks
//! on the async runtime of the program. Tests can read the recorded events from an [`InMemoryExporter`].
//!
//! # Calling the API
//! The client needs a Tokio runtime with timers and I/O; without one, its calls return an error. It retries failed
//! requests that are safe to repeat. If the server rejects the API key, the client resolves the key again. If it finds
//! another key, it repeats the request, so that a key rotation does not interrupt the program.
//!
//! ```no_run
//! # async fn example() -> Result<(), hh_sdk::Error> {
//! use hh_sdk::HoneyHive;
//! use hh_sdk::api::types::ExportEvents;
//!
//! let client = HoneyHive::builder().with_project("my-project").build()?;
//! let page = client.export_events(ExportEvents::default()).await?;
//! for event in page.events {
//!     println!("{} {}", event.event_type.as_str(), event.event_name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Configuration
//! A setting can come from several sources. In order of precedence, these are direct parameters, environment variables,
//! configuration files and the stored profile. [`get_config`] returns each setting in effect with its source. Secrets
//! are redacted.
//!
//! ```
//! use hh_sdk::config::Env;
//! use hh_sdk::{Options, get_config_with};
//!
//! // Without `with_env`, the variables of the process apply.
//! let env = Env::from_pairs([("HH_PROJECT", "my-project")]);
//! let config = get_config_with(&Options::new().with_env(env))?;
//! assert_eq!(config.get("project"), Some("my-project"));
//! assert_eq!(config.source("project"), Some("env:HH_PROJECT"));
//! assert_eq!(config.get("api_key_source"), Some("unset"));
//! # Ok::<(), hh_sdk::Error>(())
//! ```
//!
//! # Errors
//! The error of every call is an [`Error`]. Its [`kind`](Error::kind) is for the program. Its
//! [`message`](Error::message) and its [`hint`](Error::hint) are for the user. An error never contains an API key.
//!
//! ```
//! use hh_sdk::config::Env;
//! use hh_sdk::{ErrorKind, HoneyHive};
//!
//! // This environment has no variables, so there is no API key.
//! let error = HoneyHive::builder()
//!     .with_env(Env::from_pairs::<&str, &str>([]))
//!     .build()
//!     .unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::MissingKey);
//! eprintln!("error: {error}");
//! if let Some(hint) = error.hint() {
//!     eprintln!("  hint: {hint}");
//! }
//! ```
//!
//! # Features and platforms
//! | feature | default | adds | depends on |
//! | --- | --- | --- | --- |
//! | `keyring` | no | API keys in the keyring of the operating system (the Secret Service, over D-Bus) | zbus |
//!
//! The crate requires Unix. Linux is tested; macOS is untested.

#[cfg(not(unix))]
compile_error!(
    "hh-sdk requires Unix; hh-api, and hh-transport with the feature `reqwest`, work on all platforms"
);

mod catch;
mod client;
mod error;
mod ids;
mod options;
mod quiet;
mod raw;
mod report;
mod resolve;
mod resources;
mod security;
pub mod tooling;
mod tracer;

pub use client::{HoneyHive, HoneyHiveBuilder, Identity};
pub use error::{Error, ErrorKind};
pub use hh_api::types::EventKind;
pub use hh_auth::Credential;
pub use hh_text::is_unsafe;
pub use options::Options;
pub use resolve::{get_config, get_config_with, get_key_info, get_key_info_with, load_credential};
pub use resources::{EventPages, EventPosition, EventQuery, Events, Sessions};
pub use security::{SecurityEvent, SecurityEventKind, SecurityLog};
pub use tracer::{
    HoneyHiveTracer, InMemoryExporter, Session, SessionBuilder, ShutdownReport, Span, SpanBuilder,
    SpanKind, TracerBuilder,
};

/// The types of requests and responses, and the table of operations.
pub use hh_api as api;
/// API keys, permission levels and the credential store.
pub use hh_auth as auth;
/// Settings, and the provenance of each: where its value comes from.
pub use hh_config as config;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
