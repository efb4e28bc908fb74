//! Prompts for a key without echo, and restores the terminal afterwards in every case.

use std::fs::File;
use std::io;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Prompts on the terminal for the key of a server. Returns `None` at the end of the input (Ctrl-D).
pub(super) fn ask(context: &Context, server: &str) -> Result<Option<SecretString>, CliError> {
    let failed = |error: io::Error| {
        CliError::new(Exit::Other, format!("cannot prompt for the key: {error}"))
    };
    let runtime = context.runtime()?;
    // Disables the echo before the prompt, because text that is typed before it must not appear either.
    let echo = EchoGuard::off();
    let prompt = format!("API key for {}: ", hh_text::one_line(server));
    // After an interrupt the reading thread still waits for input, so the prompt runs on a separate thread.
    runtime.block_on(async {
        let stop = stop_signal().map_err(failed)?;
        let mut suspend = signal(SignalKind::from_raw(Signal::TSTP.as_raw())).map_err(failed)?;
        let mut stop = std::pin::pin!(stop);
        let typed = tokio::task::spawn_blocking({
            let prompt = prompt.clone();
            move || rpassword::prompt_password(prompt)
        });
        let mut typed = std::pin::pin!(typed);
        loop {
            tokio::select! {
                typed = &mut typed => {
                    let typed = typed.map_err(|error| failed(io::Error::other(error)))?;
                    return match typed {
                        Ok(typed) => Ok(Some(SecretString::from(typed))),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                        Err(error) => Err(failed(error)),
                    };
                }
                () = &mut stop => {
                    return Err(CliError::new(Exit::Interrupted, "interrupted; nothing was changed"));
                }
                _ = suspend.recv() => {
                    // The shell gets its terminal back as it was, and the echo is off again when it continues.
                    echo.restore();
                    kill_process(getpid(), Signal::STOP).ok();
                    echo.disable();
                    context.note(&prompt);
                }
            }
        }
    })
}

/// Returns a future that completes at each signal that terminates the program by default.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// The saved state of the terminal, which is restored on drop because not every shell does it.
struct EchoGuard(Option<(File, Termios)>);

impl EchoGuard {
    fn off() -> Self {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        let saved = terminal.ok().and_then(|terminal| {
            let state = tcgetattr(&terminal).ok()?;
            Some((terminal, state))
        });
        let guard = Self(saved);
        guard.disable();
        guard
    }

    /// Disables the echo, and discards input that was typed before the prompt. Nothing more can be done if this fails.
    fn disable(&self) {
        if let Some((terminal, state)) = &self.0 {
            let mut silent = state.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(terminal, OptionalActions::Flush, &silent).ok();
        }
    }

    fn restore(&self) {
        if let Some((terminal, state)) = &self.0 {
            tcsetattr(terminal, OptionalActions::Now, state).ok();
        }
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        self.restore();
    }
}
