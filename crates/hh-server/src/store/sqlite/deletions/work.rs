//! Finds the next part of the deletions, and deletes it in one command of the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::super::checkpoints::Checkpoints;
use super::super::schema;
use super::super::writer::Writer;
use super::expired::Expiry;
use super::sessions::{self, Source};
use super::{search, space, users};
use crate::store::deletions::DeletedRows;
use crate::store::port::StoreError;

/// The time of one command that the number of rows is adapted to. Other commands of its group wait for it.
const COMMAND: Duration = Duration::from_millis(4);
/// The number of rows of a command.
const MIN_ROWS: usize = 20;
const MAX_ROWS: usize = 2000;
/// The time of one part of a search.
const SEARCH: Duration = Duration::from_millis(50);

/// A deletion that a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// The deletion of the session with this number.
    Session(i64),
    /// The search with this number, and the deletion of the sessions that it finds.
    Search(i64),
    /// The deletion of the rows of all deleted projects.
    Projects,
}

/// The next part of the work, in the order in which parts are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    Sessions,
    Searches,
    Projects,
    Expiry,
    Space,
    Idle,
}

/// A part that was done.
#[derive(Debug)]
pub(super) struct Done {
    /// The part. When it began, there was no work that comes before it.
    pub(super) next: Next,
    /// The deleted rows.
    pub(super) deleted: Vec<(Pending, DeletedRows)>,
    /// The deletions that are complete now.
    pub(super) complete: Vec<Pending>,
}

/// The state of the thread.
pub(super) struct Worker {
    path: PathBuf,
    reader: Option<Connection>,
    writer: Arc<Writer>,
    checkpoints: Arc<Checkpoints>,
    /// The number of rows of the next command.
    rows: usize,
    /// Whether free pages can be returned to the file system.
    can_free: bool,
}

impl Worker {
    pub(super) fn new(path: &Path, writer: Arc<Writer>, checkpoints: Arc<Checkpoints>) -> Self {
        Self {
            path: path.to_owned(),
            reader: None,
            writer,
            checkpoints,
            rows: MIN_ROWS,
            can_free: true,
        }
    }

    /// Does the next part of the work.
    pub(super) fn advance(&mut self, expiry: Option<&mut Expiry>) -> Result<Done, StoreError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => schema::open_reader(&self.path)?,
        };
        let next = self.next(&reader, expiry.is_some())?;
        let mut done = Done {
            next,
            deleted: Vec::new(),
            complete: Vec::new(),
        };
        self.can_free |= next < Next::Space;
        match next {
            Next::Sessions => self.delete_sessions(Source::Deleted, &mut done)?,
            Next::Searches => self.search(&reader, &mut done)?,
            Next::Projects => self.delete_sessions(Source::DeletedProjects, &mut done)?,
            Next::Expiry => {
                if let Some(expiry) = expiry {
                    self.expire(&reader, expiry)?;
                }
            }
            Next::Space => self.free()?,
            Next::Idle => {}
        }
        // After an error, the connection is opened again.
        self.reader = Some(reader);
        Ok(done)
    }

    fn next(&self, reader: &Connection, has_expiry: bool) -> Result<Next, StoreError> {
        let exists = |sql: &str| -> Result<bool, StoreError> {
            Ok(reader
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        };
        Ok(if exists(sessions::HAS_DELETED)? {
            Next::Sessions
        } else if exists(users::HAS_SEARCHES)? {
            Next::Searches
        } else if exists(sessions::HAS_DELETED_PROJECTS)? {
            Next::Projects
        } else if has_expiry {
            Next::Expiry
        } else if self.can_free && space::is_free(reader)? {
            Next::Space
        } else {
            Next::Idle
        })
    }

    /// Runs a command of the writer, and adapts the number of rows of the next one to its time.
    fn submit<T: Send + 'static>(
        &mut self,
        command: impl FnOnce(&Connection, usize) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let rows = self.rows;
        let pending = self.writer.submit(move |connection| {
            let begin = Instant::now();
            let result = command(connection, rows)?;
            Ok((result, begin.elapsed()))
        });
        let (result, time) = pending.wait_blocking()?;
        if time > COMMAND {
            self.rows = (rows / 2).max(MIN_ROWS);
        } else if time < COMMAND / 2 {
            self.rows = (rows * 2).min(MAX_ROWS);
        }
        Ok(result)
    }

    fn delete_sessions(&mut self, source: Source, done: &mut Done) -> Result<(), StoreError> {
        let parts =
            self.submit(move |connection, rows| sessions::delete_next(connection, source, rows))?;
        for part in parts {
            let pending = Pending::Session(part.sid);
            done.deleted.push((pending, part.rows));
            if part.is_complete {
                done.complete.push(pending);
            }
        }
        Ok(())
    }

    fn search(&mut self, reader: &Connection, done: &mut Done) -> Result<(), StoreError> {
        let Some(user) = users::first(reader)? else {
            return Ok(());
        };
        let mut position = user.position.clone();
        let end = Instant::now() + SEARCH;
        let limits = (self.rows, end);
        let found = search::search(reader, user.project, &user.property, &mut position, limits)?;
        let number = user.number;
        let rows = self.submit(move |connection, _| {
            users::delete_found(connection, &user, &found, &position)
        })?;
        done.deleted.push((Pending::Search(number), rows));
        Ok(())
    }

    fn expire(&mut self, reader: &Connection, expiry: &mut Expiry) -> Result<(), StoreError> {
        let Some(found) = expiry.find(reader, self.rows)? else {
            return Ok(());
        };
        let rows = self.submit(move |connection, _| found.delete(connection))?;
        expiry.add(rows);
        Ok(())
    }

    fn free(&mut self) -> Result<(), StoreError> {
        self.can_free = self.submit(space::free)?;
        // The database file becomes shorter when the log is copied.
        self.checkpoints.request();
        Ok(())
    }
}
