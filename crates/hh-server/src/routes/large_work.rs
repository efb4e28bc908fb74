//! Runs work that would block the thread of a connection on another thread.

use crate::app::App;
use crate::http::error::ApiError;

/// The maximum size of a body that is decoded on the thread of its connection, in bytes. Larger ones would delay other
/// connections of the thread for too long.
pub(super) const SMALL: usize = 64 * 1024;

/// Runs work on another thread if it is large.
pub(super) async fn run_blocking_if<T: Send + 'static>(
    app: &App,
    is_large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    if !is_large {
        return Ok(work());
    }
    app.large_work.run(work).await
}
