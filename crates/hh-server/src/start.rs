//! Starts and runs a server: the data directory, the first key and the socket.

mod data_dir;
mod error;
pub(crate) mod files;
mod first_key;
mod pepper;
mod reload;

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hh_text::Diagnostic;
use tokio::net::TcpListener;

use crate::app::App;
use crate::auth::flush_uses;
use crate::bind;
use crate::config::ServerOptions;
use crate::http::connections::ConnectionLimits;
use crate::http::router::router;
use crate::http::threads::Threads;
use crate::retention;

pub(crate) use data_dir::{DirLock, open};
pub use error::{StartError, StartErrorKind};
pub use first_key::FirstKey;
pub use reload::Reloader;

/// A server that is bound to its address and has not accepted a connection yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    first_key: Option<FirstKey>,
    options: ServerOptions,
    threads: Threads,
    /// Prevents a second server from using the data directory.
    _lock: DirLock,
}

impl Server {
    /// Binds the address and opens the data directory. The first start creates the admin key.
    ///
    /// # Errors
    /// Returns an error of the kind `Invalid`, `Address`, `DataDir`, `Damaged`, `AdminKeyFile` or `Internal`.
    pub async fn start(options: ServerOptions) -> Result<Self, StartError> {
        let settings = options.clone().settings()?;
        // The socket is first: a port in use must not leave a database behind whose only key was never printed.
        let listener = bind::listen(settings.bind).await.map_err(|error| {
            let reason = if error.kind() == io::ErrorKind::AddrInUse {
                "address already in use".to_owned()
            } else {
                error.to_string()
            };
            StartError::new(
                StartErrorKind::Address,
                Diagnostic::new(format!("cannot listen on {}: {reason}", settings.bind))
                    .with_hint("choose another address with --bind"),
            )
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::new(StartErrorKind::Address, error.to_string()))?;
        let internal =
            |error: &dyn Display| StartError::new(StartErrorKind::Internal, error.to_string());
        let opened = tokio::task::spawn_blocking(move || {
            // The threads start before the first key is created, for the same reason as the socket.
            let threads = match settings.threads {
                Some(count) => Threads::start(count).map_err(|error| {
                    internal(&format_args!("cannot start {count} threads: {error}"))
                })?,
                None => Threads::default(),
            };
            Ok((threads, open(settings)?))
        });
        let (threads, (app, first_key, lock)) =
            opened.await.map_err(|error| internal(&error))??;
        Ok(Self {
            listener,
            address,
            app: Arc::new(app),
            first_key,
            options,
            threads,
            _lock: lock,
        })
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the admin key of a first start. Later calls return `None`.
    pub fn take_first_key(&mut self) -> Option<FirstKey> {
        self.first_key.take()
    }

    /// Returns a handle that reloads the settings while the server runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.options.clone(), Arc::clone(&self.app))
    }

    /// Serves requests until `stop` resolves, waits at most 10 s for running requests, and closes the database.
    ///
    /// With [threads](ServerOptions::with_threads), requests that are still running then are aborted soon afterwards.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let limits = ConnectionLimits::default();
        let router = router(&self.app);
        let serve = crate::http::serve::serve(self.listener, router, &self.threads, limits, stop);
        tokio::select! {
            () = serve => {}
            () = retention::run(&self.app) => {}
        }
        flush_uses(Arc::clone(&self.app)).await;
        self.app.store.close().await;
    }
}
