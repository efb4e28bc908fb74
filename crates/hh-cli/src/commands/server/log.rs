//! Logs the events of the server to stderr, one line for each, with API keys redacted.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::ui;

/// The format of a log line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogFormat {
    /// Human-readable text
    #[default]
    Pretty,
    /// One JSON object per line
    Json,
}

/// The minimum severity of logged messages.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogLevel {
    /// Only server failures
    Error,
    /// Server failures and warnings
    Warn,
    /// Failures, warnings and rejected requests
    #[default]
    Info,
    /// All messages, including details for developers
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

/// Installs the subscriber that logs the events of the server.
pub(super) fn install(format: LogFormat, level: LogLevel) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(Level::from(level))
        .with_target(false)
        .with_ansi(false)
        .with_writer(Stderr);
    // This fails only if another subscriber is already installed, which then receives the events.
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
    /// Writes one event, which the subscriber passes in a single call.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        ui::print_line(text.trim_end());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
