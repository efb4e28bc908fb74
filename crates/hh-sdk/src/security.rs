//! The security log: which key is used where, rejected, logged in, replaced. A line of JSON for each event in a file that
//! a setting names, and the same as events of `tracing` with the target `honeyhive.security`.

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

/// What a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecurityEventKind {
    /// A client or a tracer has started.
    ClientStart,
    /// A server has rejected a key, or what it may not do: 401, 403, or 404 for what needs a key.
    KeyRejected,
    /// A key that was rejected had been replaced meanwhile, and the new one is used.
    KeyRenewed,
    /// A key was checked and saved.
    Login,
    /// A saved key was removed.
    Logout,
    /// A key was replaced by a new one.
    Rotation,
    /// A configuration file was trusted.
    ConfigTrusted,
}

/// One event. Keys are masked and unsafe characters escaped when it is written.
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
    /// Makes an event of which no more is known.
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

    /// Adds the key, where it came from and the server it is for.
    pub fn with_credential(mut self, credential: &Credential) -> Self {
        self.key = Some(credential.key.redacted());
        self.key_source = Some(without_keys(&credential.provenance.to_string()));
        self.host = Some(credential.origin.to_string());
        self.key_id = self
            .key_id
            .or_else(|| credential.key.key_id().map(str::to_owned));
        self
    }

    /// Adds the server's id of the key.
    pub fn with_key_id(mut self, id: Option<String>) -> Self {
        self.key_id = id.map(|id| hh_transport::clean(&id, &[])).or(self.key_id);
        self
    }

    /// Adds what else there is to tell, in a few words.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(without_keys(&detail.into()));
        self
    }
}

/// A path or a message may hold a key as well.
fn without_keys(text: &str) -> String {
    hh_transport::redact_keys(text, &[]).into_owned()
}

/// Where events go; clones share the file.
///
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

/// The file is opened for each event, so that one which is renamed and made anew is followed.
struct LogFile {
    path: PathBuf,
    /// The last line is there in part: the disk was full.
    is_torn: Mutex<bool>,
}

impl LogFile {
    fn write(&self, line: &str) -> io::Result<()> {
        let mut is_torn = self.is_torn.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if *is_torn { "\n" } else { "" };
        let text = format!("{end}{line}\n");
        // One write, so that the lines of several programs stay whole.
        let written = open(&self.path)?.write(text.as_bytes())?;
        *is_torn = written < text.len() && (*is_torn || written > 0);
        if written < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

/// Opens the file to write at its end; a new one is for its owner alone. Only a regular file is opened, and nothing that
/// is in its place makes this wait, such as a FIFO without a reader.
fn open(path: &Path) -> io::Result<File> {
    // Opening a device can have effects of its own.
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
    // What was opened may be something else by now.
    check(&file.metadata()?)?;
    Ok(file)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("it is not a regular file"))
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

#[derive(Serialize)]
struct LogLine<'a> {
    time: Timestamp,
    pid: u32,
    version: &'static str,
    #[serde(flatten)]
    event: &'a SecurityEvent,
}

impl SecurityLog {
    /// Opens the file that the setting `security_log` names, new ones for their owner alone; without it events go to
    /// `tracing` only.
    ///
    /// # Errors
    /// `Config` when the file cannot be opened.
    pub fn open(options: &Options) -> Result<Self, Error> {
        Self::open_with(options, &crate::resolve::load_without_profile(options))
    }

    /// As [`SecurityLog::open`], with layers that were loaded already.
    ///
    /// # Errors
    /// `Config` when the file cannot be opened.
    pub fn open_with(options: &Options, stack: &Stack) -> Result<Self, Error> {
        Self::of(&options.env(), stack, options.reporter())
    }

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
                    "security_log from {} names {}, which cannot be written: {error}",
                    found.provenance,
                    path.display()
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

    /// Writes an event. One that cannot be written is told of where warnings go.
    pub fn record(&self, event: &SecurityEvent) {
        let line = LogLine {
            time: Timestamp::now(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            event,
        };
        // No text of an event can fail to be JSON.
        let line = serde_json::to_string(&line).unwrap_or_default();
        let line = escape_json(&line);
        // A subscriber is other people's code, and may be called on the tracer's thread.
        catch(|| emit_always(|| tracing::info!(target: "honeyhive.security", "{line}")));
        let Some(file) = &self.file else {
            return;
        };
        if let Err(error) = file.write(&line) {
            self.reporter
                .warn(&format!("the security log cannot be written: {error}"));
        }
    }
}
