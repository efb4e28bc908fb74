//! Prompts for a key without echo, and restores the terminal afterwards in every case.

use std::fs::File;
use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::context::{Context, stop_signal};
use crate::error::CliError;

/// Prompts for a key on the terminal.
pub(super) fn ask(context: &Context) -> io::Result<SecretString> {
    let failed = |error: CliError| io::Error::other(error.message().to_owned());
    let runtime = context.runtime().map_err(failed)?;
    // Disables the echo before the prompt, because text that is typed before it must not appear either.
    let _echo = EchoGuard::off();
    // After an interrupt the reading thread still waits for input, so the prompt runs on a separate thread.
    runtime.block_on(async {
        let stop = stop_signal().map_err(failed)?;
        let typed = tokio::task::spawn_blocking(|| rpassword::prompt_password("API key: "));
        tokio::select! {
            typed = typed => typed?.map(SecretString::from),
            () = stop => Err(io::ErrorKind::Interrupted.into()),
        }
    })
}

/// The saved state of the terminal, which is restored on drop because not every shell does it.
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
            // Nothing more can be done if this fails.
            tcsetattr(terminal, OptionalActions::Now, state).ok();
        }
    }
}
