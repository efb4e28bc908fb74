//! Files and folders.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::IGNORE_FILE;
use super::docker::is_dockerfile;
use super::report::Report;
use super::search::{Found, Searcher};

/// What became of a file.
type Outcome = (PathBuf, Result<Found, String>);

/// Searches files, and folders with all below them.
pub(super) fn search(paths: &[PathBuf], no_ignore: bool, report: &mut Report) {
    let Some((first, others)) = paths.split_first() else {
        return;
    };
    let mut walk = WalkBuilder::new(first);
    for path in others {
        walk.add(path);
    }
    // Files whose names begin with a dot hold most keys, and what other tools leave out by `.ignore` may hold one.
    walk.hidden(false)
        .ignore(false)
        .require_git(false)
        .git_ignore(!no_ignore)
        .git_global(!no_ignore)
        .git_exclude(!no_ignore)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
    if !no_ignore {
        walk.add_custom_ignore_filename(IGNORE_FILE);
    }
    let files = AtomicUsize::new(0);
    let shared = Mutex::new(&mut *report);
    walk.build_parallel().run(|| {
        let mut searcher = Searcher::new().map_err(|error| error.to_string());
        let (files, shared) = (&files, &shared);
        Box::new(move |entry| {
            let outcome = match entry {
                Ok(entry) => search_entry(&entry, &mut searcher),
                Err(error) => Some(unread(&error)),
            };
            let Some((path, outcome)) = outcome else {
                return WalkState::Continue;
            };
            let report = || shared.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(found) => {
                    files.fetch_add(1, Ordering::Relaxed);
                    // Most files hold none, and threads need not meet for them.
                    if !found.hits.is_empty() {
                        report().add(&path, None, found);
                    }
                }
                Err(error) => report().add_unread(&path, &error),
            }
            WalkState::Continue
        })
    });
    report.files += files.into_inner();
}

/// The path of an entry that cannot be read, and why.
fn unread(error: &ignore::Error) -> Outcome {
    if let ignore::Error::WithDepth { err, .. } = error {
        unread(err)
    } else if let ignore::Error::WithPath { path, err } = error {
        let error = err.io_error();
        let error = error.map_or_else(|| err.to_string(), ToString::to_string);
        (path.clone(), Err(error))
    } else {
        (PathBuf::from("a folder"), Err(error.to_string()))
    }
}

fn search_entry(entry: &DirEntry, searcher: &mut Result<Searcher, String>) -> Option<Outcome> {
    let kind = entry.file_type()?;
    let path = entry.path();
    if !kind.is_file() {
        // A pipe or a device that is named; below a folder they are passed by.
        let is_odd = entry.depth() == 0 && !kind.is_dir() && !path.is_dir();
        if !is_odd {
            return None;
        }
        if !path.is_file() {
            return Some((
                path.to_owned(),
                Err("it is neither a file nor a folder".to_owned()),
            ));
        }
    }
    let found = match searcher {
        Ok(searcher) => search_file(path, searcher).map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    };
    Some((path.to_owned(), found))
}

fn search_file(path: &Path, searcher: &mut Searcher) -> io::Result<Found> {
    searcher.search(File::open(path)?, is_dockerfile(path))
}
