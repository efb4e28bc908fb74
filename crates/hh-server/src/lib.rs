//! A HoneyHive-compatible server on an embedded database.
//!
//! [`Server::start`] opens the data directory and binds the address; [`Server::run`] serves requests until its `stop`
//! future resolves. Every route comes from the operation table of `hh-api` and passes one wrapper that checks the key,
//! its level and its projects. Every command and query of the store requires the proof that this wrapper creates.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hh_server::{Server, ServerOptions};
//!
//! let options = ServerOptions::new("/var/lib/honeyhive".into());
//! let server = Server::start(options).await?;
//! println!("listening on http://{}", server.address());
//! server.run(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! The crate has no features except `testing`, which is for its own tests. It requires Unix. Linux is tested; macOS is untested.

#[cfg(not(unix))]
compile_error!(
    "hh-server requires Unix; hh-api, which defines the operations of the server, works on all platforms"
);

mod app;
mod auth;
mod bind;
mod clock;
mod config;
mod domain;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
mod hex;
mod http;
mod limits;
mod otlp;
mod owner_name;
mod panics;
mod quote;
mod redact;
mod retention;
mod routes;
mod start;
mod store;
#[cfg(test)]
mod testing;

/// The OpenAPI 3.1 document of the API, which the server returns at `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");

pub use bind::{InvalidBind, parse_bind};
pub use config::ServerOptions;
pub use panics::log_panics;
pub use start::{FirstKey, Reloader, Server, StartError, StartErrorKind};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
