//! Prompts for a key without echo, and restores the terminal afterwards in every case.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// The maximum length of a line that a terminal passes to a program, in bytes.
const MAX_LINE: usize = 4096;

/// Prompts on the terminal for the key of a server. Returns an empty text at the end of the input (Ctrl-D).
pub(super) fn ask(context: &Context, server: &str) -> Result<SecretString, CliError> {
    let failed = |error: io::Error| {
        CliError::new(Exit::Other, format!("cannot prompt for the key: {error}"))
    };
    let runtime = context.runtime()?;
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let mut terminal = terminal.map_err(failed)?;
    let input = terminal.try_clone().map_err(failed)?;
    // The signals are caught before the echo is disabled, and the echo is disabled before the prompt, because text that
    // is typed before it must not appear either.
    runtime.block_on(async {
        let stop = stop_signal().map_err(failed)?;
        let mut suspend = signal(SignalKind::from_raw(Signal::TSTP.as_raw())).map_err(failed)?;
        let mut stop = std::pin::pin!(stop);
        let echo = EchoGuard::off(terminal.try_clone().map_err(failed)?).map_err(failed)?;
        let prompt = format!("API key for {}: ", hh_text::one_line(server));
        terminal.write_all(prompt.as_bytes()).map_err(failed)?;
        // After an interrupt the reading thread still waits for input, so it is a separate thread.
        let typed = tokio::task::spawn_blocking(move || read_line(input));
        let mut typed = std::pin::pin!(typed);
        loop {
            tokio::select! {
                typed = &mut typed => {
                    let typed = typed.map_err(|error| failed(io::Error::other(error)))?;
                    return typed.map_err(failed);
                }
                () = &mut stop => {
                    return Err(CliError::new(Exit::Interrupted, "interrupted; nothing was changed"));
                }
                _ = suspend.recv() => {
                    // The shell gets its terminal back as it was, and the echo is off again when it continues.
                    echo.restore();
                    kill_process(getpid(), Signal::STOP).ok();
                    echo.disable().map_err(failed)?;
                    terminal.write_all(prompt.as_bytes()).map_err(failed)?;
                }
            }
        }
    })
}

/// Reads a line. The terminal edits it and sends the signals of Ctrl-C and Ctrl-Z, because only its echo is off.
fn read_line(mut terminal: File) -> io::Result<SecretString> {
    let mut line = Zeroizing::new([0; MAX_LINE]);
    let length = loop {
        match terminal.read(&mut *line) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    let line = std::str::from_utf8(&line[..length]).map_err(io::Error::other)?;
    Ok(SecretString::from(line.trim_end_matches('\n')))
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
struct EchoGuard {
    terminal: File,
    saved: Termios,
}

impl EchoGuard {
    fn off(terminal: File) -> io::Result<Self> {
        let saved = tcgetattr(&terminal)?;
        let guard = Self { terminal, saved };
        guard.disable()?;
        Ok(guard)
    }

    /// Disables the echo of all characters except line breaks, and discards input that was typed before the prompt.
    fn disable(&self) -> io::Result<()> {
        let mut silent = self.saved.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        Ok(tcsetattr(&self.terminal, OptionalActions::Flush, &silent)?)
    }

    fn restore(&self) {
        tcsetattr(&self.terminal, OptionalActions::Now, &self.saved).ok();
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        self.restore();
    }
}
