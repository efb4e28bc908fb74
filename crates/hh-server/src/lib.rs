//! A HoneyHive-compatible server on an embedded database.
//!
//! [`Server::start`] opens the data directory and binds; [`Server::run`] serves until it is told to stop. Every
//! route comes from the operation table of `hh-api` and passes one wrapper that checks the key, its level and its
//! projects; the store takes only what that wrapper made.
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

mod app;
mod auth;
mod clock;
mod config;
mod domain;
mod hex;
mod http;
mod limits;
mod otlp;
mod owner_name;
mod panics;
mod quote;
mod routes;
mod start;
mod store;
#[cfg(test)]
mod testing;

/// The description of the API as an OpenAPI 3.1 document, which the server returns at `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");

pub use config::ServerOptions;
pub use panics::log_panics;
pub use start::{FirstKey, Server, StartError, StartErrorKind};
