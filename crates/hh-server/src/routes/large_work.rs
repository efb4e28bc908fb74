//! Work that would block the thread of a connection.

use crate::app::App;
use crate::http::error::ApiError;

/// Bodies above this take longer to read than other connections of the same thread should wait.
pub(super) const SMALL: usize = 64 * 1024;

/// Does work on another thread if it is large.
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
