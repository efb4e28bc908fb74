//! Opens the database.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hh_auth::KeyDigest;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::checkpoints::Checkpoints;
use super::deletions::Deletions;
use super::engine::Sqlite;
use super::first_start::ANNOUNCED_KEY;
use super::log_file::LogFile;
use super::reader::Readers;
use super::reserve::Reserve;
use super::turns::Turns;
use super::writer::Writer;
use super::{check, deletions, owner_rows, projects, schema, upgrade};
use crate::clock::Clock;
use crate::store::catalog::Catalog;
use crate::store::port::{KeyObserver, StoreError};

/// An open database and the data that was read from it.
pub(crate) struct Opened {
    pub(crate) engine: Sqlite,
    pub(crate) catalog: Arc<Catalog>,
    /// The normalized and the stored names of owners from before names were normalized.
    pub(crate) owner_spellings: HashMap<String, String>,
    /// Whether the first start was never finished.
    pub(crate) is_new: bool,
    pub(crate) pepper_check: String,
    pub(crate) announced_key: Option<String>,
}

/// Opens or creates the database.
pub(crate) fn open(
    path: &Path,
    keys: Arc<dyn KeyObserver>,
    clock: Arc<Clock>,
) -> Result<Opened, StoreError> {
    let mut reserve = Reserve::new(path.with_file_name("reserve"));
    let connection = match connect(path) {
        // Keys must be revocable after a restart on a full disk.
        Err(StoreError::DiskFull(_)) if reserve.release() => connect(path)?,
        opened => opened?,
    };
    let meta = projects::read_meta(&connection)?;
    let catalog = Arc::new(Catalog::new(meta, projects::read_all(&connection)?));
    read_digests(&connection, &*keys)?;
    let owner_spellings = owner_rows::spellings(&connection)?;
    let is_new = projects::meta(&connection, "organization")?.is_none();
    let pepper_check = projects::meta(&connection, "pepper_check")?.unwrap_or_default();
    let announced_key = projects::meta(&connection, ANNOUNCED_KEY)?;
    let checkpoints = Arc::new(Checkpoints::start(path)?);
    let has_deletions = deletions::has_stored(&connection)?;
    let writer = Writer::start(connection, reserve, Arc::clone(&checkpoints))?;
    let writer = Arc::new(writer);
    let deletions = Deletions::new(path, Arc::clone(&writer), Arc::clone(&checkpoints));
    if has_deletions {
        deletions.wake();
    }
    let engine = Sqlite {
        writer,
        deletions: Arc::new(deletions),
        checkpoints,
        readers: Arc::new(Readers::start(path)?),
        log: LogFile::of(path),
        // One family uses at most two of the four connections.
        event_turns: Turns::new(2),
        body_turns: Turns::new(1),
        merge_turns: Turns::new(1),
        merges: Arc::new(Semaphore::new(1)),
        catalog: Arc::clone(&catalog),
        keys,
        clock,
    };
    Ok(Opened {
        engine,
        catalog,
        owner_spellings,
        is_new,
        pepper_check,
        announced_key,
    })
}

/// Opens the database, checks it and migrates it to the newest schema.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    check::prefetch(path);
    let connect = || {
        let connection = schema::open(path)?;
        check::check(&connection, path)?;
        upgrade::upgrade(connection, path)
    };
    connect().map_err(StoreError::of_write)
}

/// Notifies the observer of all stored keys.
fn read_digests(connection: &Connection, keys: &dyn KeyObserver) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT digest FROM api_keys")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // Every digest of a key has this length.
        if let Ok(digest) = row.get(0) {
            keys.exists(&KeyDigest::from_bytes(digest));
        }
    }
    Ok(())
}
