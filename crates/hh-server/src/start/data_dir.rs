//! Opens the data directory: its locks, the modes of its files, the pepper and the database.

use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, RwLock};

use hh_auth::private_file::create_private_dir;
use hh_text::Diagnostic;
use rustix::fs::{Mode, OFlags};

use super::files::{self, OtherUsers};
use super::first_key::{FirstKey, check_new, first_start};
use super::pepper::PepperFile;
use super::{StartError, StartErrorKind};
use crate::app::{App, RequestIds};
use crate::auth::{FailureLimiter, KeyCache};
use crate::clock::Clock;
use crate::config::ServerSettings;
use crate::http::body::{Budget, MAX_IN_FLIGHT};
use crate::http::response_budget::MAX_RESPONSES;
use crate::http::workers::Workers;
use crate::store::{Store, StoreError};

/// The number of large bodies that are decoded at the same time. Each may use several times 16 MiB.
const LARGE_WORKERS: usize = 2;
const INFLATION_WORKERS: usize = 2;

/// A lock that prevents a second server from using a data directory.
#[derive(Debug)]
pub(crate) struct DirLock {
    /// The locked directory, which cannot be deleted while it contains the database.
    _dir: File,
    /// The locked file in the directory. Versions that do not lock the directory lock this file.
    _file: File,
}

/// Opens the data directory and creates the state of the server, and at the first start the admin key.
pub(crate) fn open(
    mut settings: ServerSettings,
) -> Result<(App, Option<FirstKey>, DirLock), StartError> {
    let dir = settings.data_dir.clone();
    let database = dir.join("honeyhive.db");
    // Without a database, no earlier start has written the key file.
    if let Some(path) = settings.admin_key_file.as_deref()
        && database.symlink_metadata().is_err()
    {
        check_new(path)?;
    }
    let lock = lock(&dir)?;
    for name in ["honeyhive.db", "honeyhive.db-wal", "honeyhive.db-shm"] {
        files::check_if_exists(&dir.join(name), OtherUsers::Nothing)
            .map_err(|message| StartError::new(StartErrorKind::DataDir, message))?;
    }
    // Any other file at this path is replaced later, which is not possible for a directory.
    files::check_if_exists(&dir.join("reserve"), OtherUsers::Read)
        .map_err(|message| StartError::new(StartErrorKind::DataDir, message))?;
    let size = fs::metadata(&database).map(|metadata| metadata.len()).ok();
    let pepper = PepperFile::open(&dir, size.is_none())?;
    let may_be_new = settings.new_database || !pepper.is_final();
    // This check is before SQLite opens the database: next to an empty file, SQLite deletes the write-ahead log, which
    // may contain the data to restore.
    if size.unwrap_or_default() == 0 && !may_be_new {
        let what = size.map_or("is missing", |_| "is empty");
        return Err(lost_database(&database, what));
    }
    let (keys, clock) = <(Arc<KeyCache>, Arc<Clock>)>::default();
    let opened = Store::open(&database, Arc::<KeyCache>::clone(&keys), Arc::clone(&clock));
    let mut store = opened.map_err(|error| cannot_open(&dir, &database, &error))?;
    if !store.use_pepper(&pepper.pepper) {
        return Err(StartError::new(
            StartErrorKind::Damaged,
            Diagnostic::new(format!(
                "{} does not belong to {}, so every key would be rejected",
                pepper.path().display(),
                database.display(),
            ))
            .with_hint("restore the pepper and the database from the same backup"),
        ));
    }
    let (max_rotations, has_access_log) = (settings.max_rotations, settings.has_access_log);
    let redact_keys = settings.redact_keys;
    let cors_origins = std::mem::take(&mut settings.cors_origins);
    let retention = std::mem::take(&mut settings.retention);
    let first_key = if store.is_new() {
        if !may_be_new {
            return Err(lost_database(&database, "contains no data"));
        }
        Some(first_start(&store, &pepper.pepper, settings)?)
    } else {
        None
    };
    pepper.finish();
    let boot = getrandom::u32()
        .map_err(|error| StartError::new(StartErrorKind::Internal, error.to_string()))?;
    let internal = |error: io::Error| StartError::new(StartErrorKind::Internal, error.to_string());
    let app = App {
        store,
        keys,
        failures: FailureLimiter::default(),
        clock,
        pepper: pepper.pepper,
        max_rotations: AtomicU32::new(max_rotations),
        retention: RwLock::new(retention),
        in_flight: Budget::new(MAX_IN_FLIGHT),
        large_work: Workers::start("hh-large-work", LARGE_WORKERS).map_err(internal)?,
        inflation: Workers::start("hh-inflation", INFLATION_WORKERS).map_err(internal)?,
        responses: Budget::new(MAX_RESPONSES),
        request_ids: RequestIds::new(boot),
        has_access_log,
        redact_keys,
        cors_origins,
    };
    Ok((app, first_key, lock))
}

fn refused(dir: &Path, reason: &dyn Display) -> StartError {
    StartError::new(
        StartErrorKind::DataDir,
        Diagnostic::new(format!(
            "cannot use the data directory {}: {reason}",
            dir.display(),
        ))
        .with_hint("choose another directory with --data-dir"),
    )
}

/// Creates the directory if it does not exist, checks that it is private, and locks it.
fn lock(dir: &Path) -> Result<DirLock, StartError> {
    create_private_dir(dir).map_err(|error| {
        // If a file has this path, the system only reports that it exists.
        if error.kind() == io::ErrorKind::AlreadyExists {
            refused(dir, &"it is not a directory")
        } else {
            refused(dir, &error)
        }
    })?;
    let failed = |error: io::Error| refused(dir, &error);
    let is_unsafe = |what: Diagnostic| StartError::new(StartErrorKind::DataDir, what);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(dir, flags, Mode::empty()).map_err(io::Error::from);
    let opened = match opened {
        Ok(opened) => File::from(opened),
        Err(error) => {
            // If the directory belongs to another user, this check reports it more precisely.
            if let Ok(metadata) = fs::metadata(dir) {
                files::check_dir(dir, &metadata).map_err(is_unsafe)?;
            }
            return Err(failed(error));
        }
    };
    let metadata = opened.metadata().map_err(failed)?;
    files::check_dir(dir, &metadata).map_err(is_unsafe)?;
    let path = dir.join("lock");
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let file = files::open(&path, OtherUsers::Nothing, flags, Mode::RUSR | Mode::WUSR)
        .map_err(is_unsafe)?
        .ok_or_else(|| refused(dir, &"cannot create the lock file"))?;
    for lock in [&opened, &file] {
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::new(
                StartErrorKind::DataDir,
                Diagnostic::new(format!(
                    "another server uses the data directory {}",
                    dir.display()
                ))
                .with_hint("stop it, or choose another directory with --data-dir"),
            ),
            TryLockError::Error(error) => failed(error),
        })?;
    }
    Ok(DirLock {
        _dir: opened,
        _file: file,
    })
}

fn cannot_open(dir: &Path, database: &Path, error: &StoreError) -> StartError {
    let shown = database.display();
    if matches!(error, StoreError::DiskFull(_)) {
        return refused(dir, error);
    }
    if matches!(error, StoreError::NoSpace { .. }) {
        return StartError::new(
            StartErrorKind::DataDir,
            Diagnostic::new(error.to_string()).with_hint(
                "free disk space, and start the server again; the database was not changed",
            ),
        );
    }
    let hint = if matches!(error, StoreError::Newer) {
        "use that version, or choose another directory with --data-dir"
    } else {
        "restore it from a backup, or move it away and start with --new-database"
    };
    StartError::new(
        StartErrorKind::Damaged,
        Diagnostic::new(format!("cannot open {shown}: {error}")).with_hint(hint),
    )
}

fn lost_database(database: &Path, what: &str) -> StartError {
    StartError::new(
        StartErrorKind::Damaged,
        Diagnostic::new(format!(
            "the database {} {what}, although this directory contained one before",
            database.display(),
        ))
        .with_hint("restore it from a backup, or create an empty one with --new-database"),
    )
}
