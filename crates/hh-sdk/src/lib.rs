//! HoneyHive for Rust: [`HoneyHive`], a typed client, and [`HoneyHiveTracer`], a tracer for LLM applications.
//!
//! Both find their API key by the same rule: a direct parameter, else `HH_API_KEY`, else a named configuration
//! file, else what `honeyhive auth login` stored.
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
//! chain.end();
//! session.end();
//! tracer.shutdown(Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here spawns on the caller's runtime: the tracer has a thread of its own, started at the first span.

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

/// Wire types and the table of operations.
pub use hh_api as api;
/// API keys, levels and the credential store.
pub use hh_auth as auth;
/// Settings and where they come from.
pub use hh_config as config;
