//! Starting: the data directory, the first key, the socket.

mod data_dir;
mod error;
pub(crate) mod files;
mod first_key;
mod pepper;

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hh_text::Diagnostic;
use tokio::net::TcpListener;

use crate::app::App;
use crate::auth::flush_uses;
use crate::config::ServerOptions;
use crate::http::connections::ConnectionLimits;
use crate::http::router::router;
use crate::http::threads::Threads;

pub(crate) use data_dir::{DirLock, open};
pub use error::{StartError, StartErrorKind};
pub use first_key::FirstKey;

/// A server that is bound and has not yet accepted anything.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    first_key: Option<FirstKey>,
    threads: Threads,
    /// Keeps a second server out of the data directory.
    _lock: DirLock,
}

impl Server {
    /// Binds the address and opens the data directory; at the first start it mints the admin key.
    ///
    /// # Errors
    /// `Invalid`, `Address`, `DataDir`, `Damaged`, `AdminKeyFile` or `Internal`.
    pub async fn start(options: ServerOptions) -> Result<Self, StartError> {
        let settings = options.settings()?;
        // The socket first: a busy port must not leave a database behind whose only key nobody saw.
        let listener = TcpListener::bind(settings.bind).await.map_err(|error| {
            let reason = if error.kind() == io::ErrorKind::AddrInUse {
                "another program listens there".to_owned()
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
            // Before the first key is made, as the socket.
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
            threads,
            _lock: lock,
        })
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands out the admin key of a first start, once.
    pub fn take_first_key(&mut self) -> Option<FirstKey> {
        self.first_key.take()
    }

    /// Serves until `stop` is ready, lets running requests finish for 10 s at most, and closes the database.
    ///
    /// With [threads](ServerOptions::with_threads) a request that is still running then is broken off soon afterwards.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let limits = ConnectionLimits::default();
        let router = router(&self.app);
        crate::http::serve::serve(self.listener, router, &self.threads, limits, stop).await;
        flush_uses(Arc::clone(&self.app)).await;
        self.app.store.close().await;
    }
}
