//! Writes an export to a file that a later command can continue.
//!
//! The state file `FILE.resume` in the same directory contains the length of the file after the last complete page and where the
//! next page starts. To continue, everything after this length is removed, so that no event is missing or repeated.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use hh_sdk::api::types::Event;
use hh_sdk::config::Settings;
use hh_sdk::{EventPosition, EventQuery};
use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::exit::Exit;
use crate::output::RowWriter;
use crate::pages::Selection;

/// The version of the state file.
const VERSION: u32 = 1;

/// The progress of an export.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    base_url: String,
    project: Option<String>,
    /// The filters as they were given on the command line.
    given: Vec<String>,
    selection: Selection,
    rows: RowWriter,
    /// The length of the file after the last complete page, in bytes.
    bytes: u64,
    /// The number of events in this length.
    events: u64,
    position: EventPosition,
}

impl State {
    /// Creates the state of an export that has not started.
    pub(super) fn new(
        settings: &Settings,
        given: Vec<String>,
        selection: Selection,
        rows: RowWriter,
    ) -> Self {
        Self {
            version: VERSION,
            base_url: settings.base_url.value.as_str().to_owned(),
            project: project_of(settings),
            given,
            selection,
            rows,
            bytes: 0,
            events: 0,
            position: EventPosition::default(),
        }
    }

    /// Reads the state of an interrupted export.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let text = match fs::read(state_path(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("there is no interrupted export to {}", path.display());
                return Err(CliError::new(Exit::Config, message)
                    .with_hint("omit --resume to start an export"));
            }
            text => text.map_err(|error| failed("read", &state_path(path), &error))?,
        };
        let state = serde_json::from_slice::<Self>(&text).ok();
        state
            .filter(|state| state.version == VERSION)
            .ok_or_else(|| {
                let message = format!(
                    "{} is not the state of an export of this version",
                    state_path(path).display()
                );
                start_again(CliError::new(Exit::Config, message), path)
            })
    }

    /// Returns an error if the export has read another project or server, or if other options are given.
    pub(super) fn check(
        &self,
        settings: &Settings,
        given: &[String],
        rows: Option<&RowWriter>,
    ) -> Result<(), CliError> {
        let base_url = settings.base_url.value.as_str();
        let differs = |what: &str| {
            let message = format!("the interrupted export has {what}");
            CliError::usage(message).with_hint("--resume needs only --output-file")
        };
        if self.base_url != base_url {
            let message = format!("the interrupted export has read {}", self.base_url);
            return Err(
                CliError::usage(message).with_hint(format!("the active server is {base_url}"))
            );
        }
        if self.project != project_of(settings) {
            return Err(differs("read another project"));
        }
        if !given.is_empty() && given != self.given {
            return Err(differs("other filters"));
        }
        if rows.is_some_and(|rows| *rows != self.rows) {
            return Err(differs("another format or other fields"));
        }
        Ok(())
    }

    pub(super) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Returns the query for the events that the file does not contain yet.
    pub(super) fn query(&self) -> EventQuery {
        self.selection
            .clone()
            .query()
            .with_position(self.position.clone())
    }
}

fn project_of(settings: &Settings) -> Option<String> {
    settings
        .project
        .as_ref()
        .map(|project| project.value.clone())
}

/// The file of an export, which no other process can export to meanwhile.
pub(super) struct ExportFile {
    path: PathBuf,
    file: File,
    state: State,
    /// Whether the file contains the beginning of the export.
    is_started: bool,
}

impl ExportFile {
    /// Opens a file for a new export. The first page replaces its content.
    pub(super) fn create(path: &Path, state: State) -> Result<Self, CliError> {
        if fs::symlink_metadata(state_path(path)).is_ok() {
            let message = format!("{} contains an interrupted export", path.display());
            let hint = format!(
                "add --resume to continue it, or remove {} to start again",
                state_path(path).display()
            );
            return Err(CliError::new(Exit::Config, message).with_hint(hint));
        }
        Ok(Self {
            path: path.to_owned(),
            file: open(path)?,
            state,
            is_started: false,
        })
    }

    /// Opens the file of an interrupted export and removes what follows its last complete page.
    pub(super) fn open(path: &Path, state: State) -> Result<Self, CliError> {
        let file = open(path)?;
        let mut file = Self {
            path: path.to_owned(),
            file,
            state,
            is_started: true,
        };
        let is_intact = file.cut().map_err(|error| failed("read", path, &error))?;
        if !is_intact {
            let message = format!(
                "{} does not contain the events that the interrupted export has written",
                path.display()
            );
            return Err(start_again(CliError::new(Exit::Config, message), path));
        }
        Ok(file)
    }

    /// Removes what follows the last complete page. Returns false if the file does not contain this page.
    fn cut(&mut self) -> io::Result<bool> {
        let bytes = self.state.bytes;
        if let Some(last) = bytes.checked_sub(1) {
            let mut end = [0];
            self.file.seek(SeekFrom::Start(last))?;
            match self.file.read_exact(&mut end) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
                read => read?,
            }
            if end != *b"\n" {
                return Ok(false);
            }
        }
        self.file.set_len(bytes)?;
        self.file.seek(SeekFrom::Start(bytes))?;
        Ok(true)
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Returns whether the export can be continued.
    pub(super) fn is_started(&self) -> bool {
        self.is_started
    }

    /// Appends the events of a page, after which the export continues at `position`.
    pub(super) fn append(
        &mut self,
        events: &[Event],
        position: EventPosition,
    ) -> Result<(), CliError> {
        let mut rows = self.state.rows.rows(events)?;
        if !self.is_started {
            rows.insert_str(0, &self.state.rows.header()?);
            let emptied = self.file.set_len(0);
            emptied.map_err(|error| failed("write", &self.path, &error))?;
            self.is_started = true;
        }
        self.write(&rows)?;
        self.state.events += events.len() as u64;
        self.state.position = position;
        self.save()
    }

    /// Removes the state, because the export is complete.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let state = state_path(&self.path);
        fs::remove_file(&state).map_err(|error| failed("remove", &state, &error))
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| failed("write", &self.path, &error))?;
        self.state.bytes += text.len() as u64;
        Ok(())
    }

    /// Replaces the state file. The process can be killed at any time, so another file is written first and renamed.
    fn save(&self) -> Result<(), CliError> {
        let path = state_path(&self.path);
        let new = with_suffix(&path, ".new");
        let text = serde_json::to_vec(&self.state)?;
        let replace = || {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // A link that another user has planted is not followed.
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).open(&new)?;
            file.write_all(&text)?;
            fs::rename(&new, &path)
        };
        replace().map_err(|error| failed("write", &path, &error))
    }
}

/// Opens a file for an export. No other process can open it for an export at the same time.
fn open(path: &Path) -> Result<File, CliError> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if is_other {
        let message = format!("{} is not a regular file", path.display());
        return Err(
            CliError::usage(message).with_hint("omit --output-file to write to standard output")
        );
    }
    let file = options
        .open(path)
        .map_err(|error| failed("write", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another process is exporting to {}", path.display());
            Err(CliError::new(Exit::Config, message))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock", path, &error)),
    }
}

/// Returns the path of the state file.
fn state_path(path: &Path) -> PathBuf {
    with_suffix(path, ".resume")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn failed(what: &str, path: &Path, error: &io::Error) -> CliError {
    let message = format!("cannot {what} {}: {error}", path.display());
    CliError::new(Exit::Other, message)
}

fn start_again(error: CliError, path: &Path) -> CliError {
    let state = state_path(path);
    error.with_hint(format!(
        "remove {} and omit --resume to start again",
        state.display()
    ))
}
