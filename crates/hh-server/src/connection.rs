//! The connection that a request came over.

/// A handle to the client's connection, in the extensions of each request.
#[derive(Clone, Default)]
pub(crate) struct ClientConnection;

impl ClientConnection {
    /// Resolves when the client is gone.
    pub(crate) async fn closed(&self) {
        std::future::pending::<()>().await;
    }
}
