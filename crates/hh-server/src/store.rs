//! The embedded database: one writer thread with group commit, readers beside it.

mod body;
mod catalog;
mod check;
mod creations;
mod events;
mod keys;
mod large_bodies;
mod log_limit;
mod merge;
mod owners;
mod page;
mod pages;
mod patch;
mod reader;
mod report;
mod reserve;
mod rotation;
mod schema;
mod sessions;
mod stored_body;
mod turns;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hh_auth::{KeyDigest, Pepper, ProjectId};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub(crate) use body::{Body, from_millis};
pub(crate) use catalog::{Catalog, Entry};
pub(crate) use creations::Once;
pub(crate) use events::NewEvent;
pub(crate) use keys::{KeyQuery, NewKey, Stored};
pub(crate) use merge::Rights;
pub(crate) use pages::EventQuery;
use reader::Readers;
use report::report;
use reserve::Reserve;
pub(crate) use rotation::Rotation;
pub(crate) use sessions::{NewSession, UNNAMED};
use turns::Turns;
use writer::Writer;

use crate::clock::Clock;
use crate::error::ApiError;
use crate::hex;
use crate::keys::KeyIndex;

/// The id of the pepper in use; rows carry it, so that a second one can take over one day.
pub(crate) const PEPPER_ID: i64 = 1;

/// A handle to the database.
pub(crate) struct Store {
    writer: Writer,
    readers: Arc<Readers>,
    log_path: PathBuf,
    event_turns: Turns,
    merge_turns: Turns,
    /// The turn of a merge outside the writer.
    merges: Arc<Semaphore>,
    catalog: Arc<Catalog>,
    /// Told of every key that a committed command ends.
    keys: Arc<KeyIndex>,
    /// Owners from before names had one spelling: that spelling, and the stored one.
    owner_spellings: HashMap<String, String>,
    clock: Arc<Clock>,
    is_new: bool,
    /// Tells the pepper of this database from others; the database has it once a key was checked under the pepper.
    pepper_check: String,
    announced_key: Option<String>,
}

/// The row of `meta` with the digest of the key that a first start is about to write to a file.
const ANNOUNCED_KEY: &str = "announced_key";

/// What a first start writes, all or nothing.
pub(crate) struct FirstStart {
    pub(crate) organization: String,
    pub(crate) key: NewKey,
}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the server cannot write: its disk is full or failing; nothing was stored")]
    DiskFull,
    #[error(
        "the keys are rejected from now on, but the server cannot write: its disk is full or failing; make space and repeat the request, or they work again when the server restarts"
    )]
    Unsaved,
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Invalid(String),
    #[error(
        "this Idempotency-Key came with another request before; take a new one for each request"
    )]
    Reused,
    #[error("too many rotations")]
    TooManyRotations {
        /// How many there may be in an hour.
        limit: u32,
        wait: Duration,
    },
    #[error("the API key ended while the request went on; nothing was changed")]
    Ended,
    #[error("it is damaged ({0})")]
    Damaged(String),
    /// A request was stored in parts, and one of them failed.
    #[error(
        "the request failed after {stored} of its events were stored; send all of it again, no event is stored twice"
    )]
    Partial {
        stored: usize,
        cause: Box<StoreError>,
    },
    #[error("made by a newer version of this program")]
    Newer,
    #[error("the server cannot store now; nothing was stored, try again")]
    Stopped,
    #[error("{0}")]
    Panicked(String),
    #[error("{0}")]
    TooSlow(&'static str),
    #[error("the server is running as many queries as it can; try again")]
    Busy,
}

impl StoreError {
    /// Tells a disk that is full or failing from whatever else can go wrong with a write.
    fn of_write(self) -> Self {
        use rusqlite::ErrorCode::{DiskFull, SystemIoFailure};

        if let Self::Sqlite(error) = &self
            && matches!(error.sqlite_error_code(), Some(DiskFull | SystemIoFailure))
        {
            report(error);
            return Self::DiskFull;
        }
        self
    }

    /// Adds how many events of the same request were stored before.
    fn after(self, stored: usize) -> Self {
        if stored == 0 {
            return self;
        }
        let cause = Box::new(self);
        Self::Partial { stored, cause }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Partial { cause, .. } => Self::from(*cause).with_message(text),
            StoreError::Conflict(message) => {
                Self::new(http::StatusCode::CONFLICT, "CONFLICT", message)
            }
            StoreError::NotFound(message) => Self::not_found(message),
            StoreError::TooLarge(message) => {
                Self::new(http::StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
            }
            StoreError::Invalid(message) => Self::invalid(message),
            StoreError::Reused => Self::new(
                http::StatusCode::UNPROCESSABLE_ENTITY,
                "IDEMPOTENCY_KEY_REUSED",
                text,
            ),
            StoreError::Ended => Self::new(http::StatusCode::UNAUTHORIZED, "KEY_REVOKED", text),
            StoreError::TooManyRotations { limit, wait } => Self::too_many_rotations(limit, wait),
            StoreError::TooSlow(message) => Self::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                "QUERY_TIMEOUT",
                message,
            ),
            StoreError::DiskFull | StoreError::Unsaved | StoreError::Stopped | StoreError::Busy => {
                Self::unavailable(text)
            }
            // Out of file descriptors, most often: it works again once connections are closed.
            StoreError::Sqlite(cause)
                if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) =>
            {
                let text = report::cause(&cause);
                Self::unavailable("the server cannot open its database at the moment; try again")
                    .with_cause(text)
            }
            StoreError::Sqlite(error) => Self::internal().with_cause(report::cause(&error)),
            StoreError::Damaged(_) | StoreError::Newer | StoreError::Panicked(_) => {
                Self::internal().with_cause(text)
            }
        }
    }
}

impl Store {
    /// Opens or makes the database.
    pub(crate) fn open(
        path: &Path,
        keys: Arc<KeyIndex>,
        clock: Arc<Clock>,
    ) -> Result<Self, StoreError> {
        let mut reserve = Reserve::new(path.with_file_name("reserve"));
        let connection = match connect(path) {
            // A restart on a full disk must not keep keys from being revoked.
            Err(StoreError::DiskFull) if reserve.release() => connect(path)?,
            opened => opened?,
        };
        let catalog = Arc::new(Catalog::load(&connection)?);
        keys::load_digests(&connection, &keys)?;
        let owner_spellings = owners::spellings(&connection)?;
        let meta = |name: &str| {
            connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
                    row.get::<_, String>(0)
                })
                .optional()
        };
        let is_new = meta("organization")?.is_none();
        let pepper_check = meta("pepper_check")?.unwrap_or_default();
        let announced_key = meta(ANNOUNCED_KEY)?;
        Ok(Self {
            writer: Writer::start(connection, reserve)?,
            readers: Arc::new(Readers::start(path)?),
            log_path: path.with_extension("db-wal"),
            // Two of the four connections.
            event_turns: Turns::new(2),
            merge_turns: Turns::new(1),
            merges: Arc::new(Semaphore::new(1)),
            catalog,
            keys,
            owner_spellings,
            clock,
            is_new,
            pepper_check,
            announced_key,
        })
    }

    /// Tells whether nothing was ever written: the first start was never finished.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Sets the pepper of the keys; returns false if the database belongs to another.
    ///
    /// A database from before the check value accepts any pepper until a key was checked under it.
    pub(crate) fn use_pepper(&mut self, pepper: &Pepper) -> bool {
        let expected = hex::encode(&pepper.check_value());
        let stored = std::mem::replace(&mut self.pepper_check, expected);
        stored.is_empty() || stored == self.pepper_check
    }

    /// Returns whether a first start that was interrupted announced this key.
    pub(crate) fn has_announced(&self, digest: &KeyDigest) -> bool {
        self.announced_key.as_deref() == Some(&hex::encode(digest.as_bytes()))
    }

    /// Stores the digest of the first key before the key is written to a file: the next start may delete that file if the
    /// key was never stored. Blocks; for start-up only.
    pub(crate) fn announce_key(&self, digest: &KeyDigest) -> Result<(), StoreError> {
        let digest = hex::encode(digest.as_bytes());
        self.writer
            .submit(None, move |connection| {
                let sql = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)";
                connection.execute(sql, [ANNOUNCED_KEY, &digest])?;
                Ok(())
            })
            .wait_blocking()
    }

    /// Writes the organization, the project `default` and the first key. Blocks; for start-up only.
    pub(crate) fn first_start(&self, first: FirstStart) -> Result<(), StoreError> {
        let catalog = Arc::clone(&self.catalog);
        let digest = first.key.digest;
        let pepper_check = self.pepper_check.clone();
        self.writer
            .submit(None, move |connection| {
                for (name, value) in [
                    ("organization", first.organization.as_str()),
                    ("org_id", &Uuid::new_v4().to_string()),
                    ("workspace_id", &Uuid::new_v4().to_string()),
                    ("pepper_check", &pepper_check),
                ] {
                    connection.execute("INSERT INTO meta VALUES (?1, ?2)", [name, value])?;
                }
                connection.execute("DELETE FROM meta WHERE name = ?1", [ANNOUNCED_KEY])?;
                let project = catalog::insert(connection, "default", "")?;
                keys::insert(connection, &first.key)?;
                catalog.reload_meta(connection)?;
                Ok(project)
            })
            .wait_blocking()
            .map(|project| {
                self.catalog.add(Arc::new(project));
                self.keys.add(&digest);
            })
    }

    /// Makes the check that each command of a key begins with: the key may have ended since its request was let in.
    fn still(&self, key: i64) -> impl Fn(&Connection) -> Result<(), StoreError> + Send + use<> {
        let clock = Arc::clone(&self.clock);
        move |connection| keys::check_live(connection, key, clock.key_time())
    }

    /// Stops the writer after what is queued.
    pub(crate) async fn close(&self) {
        let readers = Arc::clone(&self.readers);
        drop(tokio::task::spawn_blocking(move || readers.close()).await);
        self.writer.close().await;
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn project_by_name(&self, name: &str) -> Option<Arc<Entry>> {
        self.catalog.by_name(name)
    }

    pub(crate) fn project_by_id(&self, id: ProjectId) -> Option<Arc<Entry>> {
        self.catalog.by_id(id)
    }

    pub(crate) fn project_names(
        &self,
        projects: &hh_auth::Projects,
    ) -> hh_api::types::ProjectNames {
        self.catalog.names(projects)
    }
}

/// Opens the database, checks it and brings it to the newest schema.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    check::prefetch(path);
    let connect = || {
        let mut connection = schema::open(path)?;
        check::check(&connection, path)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    };
    connect().map_err(StoreError::of_write)
}

#[cfg(test)]
mod tests;
