//! The security log, which records how API keys are used: one JSON line per event, in the file of the setting
//! `security_log` and as `tracing` events with the target `honeyhive.security`.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hh_auth::Credential;
use hh_config::{Env, Stack, names};
use hh_text::escape_json;
use jiff::Timestamp;
use rustix::fs::OFlags;
use serde::Serialize;

use crate::catch::catch;
use crate::quiet::emit_always;
use crate::report::Reporter;
use crate::resolve::resolve_path;
use crate::{Error, ErrorKind, Options};

/// The kind of a [`SecurityEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecurityEventKind {
    /// A client or a tracer started.
    ClientStart,
    /// A server rejected a request with a key: status 401 or 403, or 404 for an operation that requires a key.
    KeyRejected,
    /// A rejected key was replaced in the settings, and the new key is in use.
    KeyRenewed,
    /// A key was verified and saved.
    Login,
    /// A saved key was removed.
    Logout,
    /// A new key replaced an old one.
    Rotation,
    /// A user trusted a configuration file.
    ConfigTrusted,
}

/// An event of the security log. The log redacts keys and escapes unsafe characters.
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct SecurityEvent {
    event: SecurityEventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl SecurityEvent {
    /// Creates an event without details.
    pub fn new(event: SecurityEventKind) -> Self {
        Self {
            event,
            key: None,
            key_id: None,
            key_source: None,
            host: None,
            detail: None,
        }
    }

    /// Adds the redacted key, its provenance and its server.
    pub fn with_credential(mut self, credential: &Credential) -> Self {
        self.key = Some(credential.key.redacted());
        self.key_source = Some(without_keys(&credential.provenance.to_string()));
        self.host = Some(credential.origin.to_string());
        self.key_id = self
            .key_id
            .or_else(|| credential.key.key_id().map(str::to_owned));
        self
    }

    /// Adds the key id, if there is one.
    pub fn with_key_id(mut self, id: Option<String>) -> Self {
        self.key_id = id.map(|id| hh_transport::clean(&id, &[])).or(self.key_id);
        self
    }

    /// Adds details, in a few words.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(without_keys(&detail.into()));
        self
    }
}

/// Removes API keys from a text; a path or a message can contain one.
fn without_keys(text: &str) -> String {
    hh_transport::redact_keys(text, &[]).into_owned()
}

/// A handle to the security log, which records how API keys are used. Clones share the file.
///
/// Each event is one line of JSON in the file of the setting `security_log`, and a `tracing` event with the target
/// `honeyhive.security`.
///
/// # Examples
/// ```no_run
/// use hh_sdk::{Options, SecurityEvent, SecurityEventKind, SecurityLog};
///
/// let log = SecurityLog::open(&Options::new())?;
/// log.record(&SecurityEvent::new(SecurityEventKind::Login).with_detail("profile work"));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct SecurityLog {
    file: Option<Arc<LogFile>>,
    reporter: Reporter,
}

/// The file of the log. It is opened for each event, so that log rotation by rename works.
struct LogFile {
    path: PathBuf,
    /// Whether the last line is incomplete because the disk was full.
    is_torn: Mutex<bool>,
}

impl LogFile {
    /// Appends a line.
    fn write(&self, line: &str) -> io::Result<()> {
        let mut is_torn = self.is_torn.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if *is_torn { "\n" } else { "" };
        let text = format!("{end}{line}\n");
        // A single write keeps the lines of several programs whole.
        let written = open(&self.path)?.write(text.as_bytes())?;
        *is_torn = written < text.len() && (*is_torn || written > 0);
        if written < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

/// Opens a file to append to it, and creates it with mode 0600 if it does not exist.
///
/// Rejects everything except regular files, and does not block on a FIFO without a reader.
fn open(path: &Path) -> io::Result<File> {
    // Opening a device can have side effects.
    if let Ok(metadata) = std::fs::metadata(path) {
        check(&metadata)?;
    }
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(nonblock)
        .open(path)?;
    // Another process can have replaced the file between the check and the open.
    check(&file.metadata()?)?;
    Ok(file)
}

/// Rejects everything except a regular file.
fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

impl std::fmt::Debug for SecurityLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("SecurityLog")
            .field(&self.file.as_ref().map(|file| &file.path))
            .finish()
    }
}

/// A line of the log.
#[derive(Serialize)]
struct LogLine<'a> {
    time: Timestamp,
    pid: u32,
    version: &'static str,
    #[serde(flatten)]
    event: &'a SecurityEvent,
}

impl SecurityLog {
    /// Opens the file of the setting `security_log`, and creates it with mode 0600 if it does not exist.
    ///
    /// Without the setting, the log emits only `tracing` events.
    ///
    /// # Errors
    /// `Config` if the file cannot be written.
    pub fn open(options: &Options) -> Result<Self, Error> {
        Self::open_with(options, &crate::resolve::load_without_profile(options))
    }

    /// Opens the security log like [`SecurityLog::open`], with settings that are already loaded.
    ///
    /// # Errors
    /// `Config` if the file cannot be written.
    pub fn open_with(options: &Options, stack: &Stack) -> Result<Self, Error> {
        Self::of(&options.env(), stack, options.reporter())
    }

    /// Opens the security log of these settings.
    pub(crate) fn of(env: &Env, stack: &Stack, reporter: Reporter) -> Result<Self, Error> {
        let Some(found) = stack.text(names::SECURITY_LOG)? else {
            return Ok(Self {
                file: None,
                reporter,
            });
        };
        let path = resolve_path(env, found.value.as_ref(), &found.provenance);
        open(&path).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "cannot write to the security log {} (security_log from {}): {error}",
                    path.display(),
                    found.provenance
                ),
            )
        })?;
        Ok(Self {
            file: Some(Arc::new(LogFile {
                path,
                is_torn: Mutex::new(false),
            })),
            reporter,
        })
    }

    /// Writes an event. If the file cannot be written, the log reports a warning.
    pub fn record(&self, event: &SecurityEvent) {
        let line = LogLine {
            time: Timestamp::now(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            event,
        };
        // The members of an event are strings, which always serialize.
        let line = serde_json::to_string(&line).unwrap_or_default();
        let line = escape_json(&line);
        // A subscriber is code of the program that may panic, and this may run on the export thread.
        catch(|| emit_always(|| tracing::info!(target: "honeyhive.security", "{line}")));
        let Some(file) = &self.file else {
            return;
        };
        if let Err(error) = file.write(&line) {
            let error = error.to_string();
            let reason = hh_text::without_error_numbers(&error);
            self.reporter
                .warn(&format!("cannot write to the security log: {reason}"));
        }
    }
}
