//! The log of the server: one line for each event on stderr, with API keys redacted.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::ui;

/// The format of a line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogFormat {
    /// Text for people
    #[default]
    Pretty,
    /// A JSON object on each line
    Json,
}

/// The least severe messages that are logged.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogLevel {
    /// Failures of the server
    Error,
    /// Also what may become a failure
    Warn,
    /// Also requests that were rejected
    #[default]
    Info,
    /// Also details for developers
    Debug,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

/// Logs what the server reports from now on.
pub(super) fn install(format: LogFormat, level: LogLevel) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(Level::from(level))
        .with_target(false)
        .with_ansi(false)
        .with_writer(Stderr);
    // It fails only if a subscriber was installed before, which then has the events.
    let installed = match format {
        LogFormat::Pretty => lines.compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    drop(installed);
    hh_server::log_panics();
}

/// Writes each line to stderr without API keys.
struct Stderr;

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for Stderr {
    /// Writes one event: the subscriber passes it as a whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        ui::print_line(text.trim_end());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
