//! Asking for a key without echo, and leaving the terminal as it was, whatever ends the asking.

use std::fs::File;
use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::context::{Context, stop_signal};
use crate::error::CliError;

/// Asks for a key on the terminal.
pub(super) fn ask(context: &Context) -> io::Result<SecretString> {
    let failed = |error: CliError| io::Error::other(error.message().to_owned());
    let runtime = context.runtime().map_err(failed)?;
    // Before the prompt is there: what is typed at once must not show either.
    let _echo = EchoGuard::off();
    // The thread that reads may still wait for a line that never comes when this is interrupted.
    runtime.block_on(async {
        let stop = stop_signal().map_err(failed)?;
        let typed = tokio::task::spawn_blocking(|| rpassword::prompt_password("API key: "));
        tokio::select! {
            typed = typed => typed?.map(SecretString::from),
            () = stop => Err(io::ErrorKind::Interrupted.into()),
        }
    })
}

/// The state of the terminal, which is restored when this is dropped: a shell need not do it.
struct EchoGuard(Option<(File, Termios)>);

impl EchoGuard {
    fn off() -> Self {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        Self(terminal.ok().and_then(|terminal| {
            let state = tcgetattr(&terminal).ok()?;
            let mut silent = state.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
            Some((terminal, state))
        }))
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        if let Some((terminal, state)) = &self.0 {
            // There is nobody to tell.
            tcsetattr(terminal, OptionalActions::Now, state).ok();
        }
    }
}
