//! Runs futures until Ctrl-C or SIGTERM.

use std::pin::Pin;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::CliError;
use crate::exit::Exit;

/// Runs a future until it completes, or until Ctrl-C or SIGTERM.
///
/// The function has no type parameters, because a copy of the runtime for each future would make the program 1 % larger.
pub(crate) fn run_until_signal(
    runtime: &Runtime,
    future: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), CliError> {
    runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            () = future => {}
            () = stop => {}
        }
        Ok(())
    })
}

/// Returns a future that completes at Ctrl-C or SIGTERM. From now on these signals no longer terminate the process.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let failed = |error: std::io::Error| CliError::new(Exit::Other, error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
