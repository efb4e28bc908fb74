//! HoneyHive for Rust: a typed API client and a tracer for LLM applications.
//!
//! | type | purpose |
//! | --- | --- |
//! | [`HoneyHive`] | calls the API: projects, events, sessions, API keys and their owners |
//! | [`HoneyHiveTracer`] | records what a program does as sessions and spans, and exports them in the background |
//! | [`Options`], [`get_config`] | set and inspect the configuration |
//! | [`Error`], [`ErrorKind`] | report failures, with a hint for the user |
//!
//! Both the client and the tracer need an API key. They use the same sources in the same order: a direct parameter, the
//! variable `HH_API_KEY`, a configuration file, and the profile that `honeyhive auth login` saved.
//!
//! # Tracing
//! A session contains spans, and spans contain other spans. A span ends with [`end`](Span::end) or when it is dropped.
//! Call [`shutdown`](HoneyHiveTracer::shutdown) before the program exits, to send the rest of the telemetry.
//!
//! ```no_run
//! # async fn example() -> Result<(), hh_sdk::Error> {
//! use std::time::Duration;
//! use hh_sdk::{EventKind, HoneyHiveTracer};
//!
//! let tracer = HoneyHiveTracer::init("my-project")?;
//! let session = tracer.session("answer a question").with_input("question", "Why?").start();
//! let mut chain = session.span("answer", EventKind::Chain).start();
//! let mut tool = chain.child("search", EventKind::Tool).with_input("query", "why").start();
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
//! The tracer sends telemetry on its own thread, which starts with the first session or span. It does not spawn tasks
//! on the async runtime of the program. Tests can record events with [`InMemoryExporter`].
//!
//! # Calling the API
//! The client needs a Tokio runtime. It retries failed requests that are safe to repeat, and resolves the API key again
//! after a 401 response, so that a key rotation does not interrupt the program.
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
//! Direct parameters take precedence over environment variables, which take precedence over configuration files and the
//! stored profile. [`get_config`] returns each setting in effect with its source. Secrets are redacted.
//!
//! ```
//! use hh_sdk::config::Env;
//! use hh_sdk::{Options, get_config_with};
//!
//! // Without `with_env`, the options read the variables of the process.
//! let env = Env::from_pairs([("HH_PROJECT", "my-project")]);
//! let config = get_config_with(&Options::new().with_env(env))?;
//! assert_eq!(config.get("project"), Some("my-project"));
//! assert_eq!(config.source("project"), Some("env:HH_PROJECT"));
//! assert_eq!(config.get("api_key_source"), Some("unset"));
//! # Ok::<(), hh_sdk::Error>(())
//! ```
//!
//! # Errors
//! All functions that can fail return [`Error`]. Programs match on its [`kind`](Error::kind) and show its
//! [`message`](Error::message) and its [`hint`](Error::hint) to the user. None of them contains an API key.
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
//! # Features
//! - `keyring`: reads API keys from the keyring of the operating system and saves them there.

mod catch;
mod client;
mod error;
mod ids;
mod options;
mod quiet;
mod report;
mod resolve;
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
pub use security::{SecurityEvent, SecurityEventKind, SecurityLog};
pub use tracer::{
    HoneyHiveTracer, InMemoryExporter, Session, SessionBuilder, Span, SpanBuilder, TracerBuilder,
};

/// The types of requests and responses, and the table of operations.
pub use hh_api as api;
/// API keys, permission levels and the credential store.
pub use hh_auth as auth;
/// Settings and their provenance.
pub use hh_config as config;
