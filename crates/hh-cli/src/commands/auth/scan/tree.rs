//! Files and folders.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};
use rustix::fs::OFlags;

use super::docker::is_dockerfile;
use super::report::{Report, shown_folder};
use super::search::{Found, Searcher};
use super::{IGNORE_FILE, rules};

/// What became of a file.
type Outcome = (PathBuf, Result<Found, String>);

/// Searches files, and folders with all below them.
pub(super) fn search(paths: &[PathBuf], no_ignore: bool, report: &mut Report) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for path in paths {
        // A folder's rules hold for what is below it; a file that is named is searched whatever they say.
        let checked = if no_ignore || !path.is_dir() {
            Ok(())
        } else {
            rules::check_folder(path).and_then(|()| rules::check_above(path))
        };
        if let Err(error) = checked {
            report.unread.push(not_followed(&error));
        } else if rules::is_in_repository(path) {
            inside.push(path);
        } else {
            outside.push(path);
        }
    }
    // In a repository the rules of all its folders hold. Outside of any, folders above are no business of what is
    // searched, and may belong to others.
    walk(&inside, true, no_ignore, report);
    walk(&outside, false, no_ignore, report);
}

fn not_followed(error: &str) -> String {
    format!("cannot search by the rules of {error}")
}

/// What could not be entered, by all threads of a walk.
type Refused = Arc<Mutex<Vec<String>>>;

/// The walk through files and folders; `None` if there are none.
fn walk_of(
    paths: &[&PathBuf],
    is_repository: bool,
    no_ignore: bool,
    refused: &Refused,
) -> Option<WalkBuilder> {
    let (first, others) = paths.split_first()?;
    let mut walk = WalkBuilder::new(first);
    for path in others {
        walk.add(path);
    }
    let refused = Arc::clone(refused);
    let may_enter = move |entry: &DirEntry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if no_ignore || !is_folder || entry.depth() == 0 {
            return true;
        }
        let checked = rules::check_folder(entry.path());
        if let Err(error) = &checked {
            let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.push(not_followed(error));
        }
        checked.is_ok()
    };
    // Files whose names begin with a dot hold most keys, and what other tools leave out by `.ignore` may hold one.
    walk.hidden(false)
        .ignore(false)
        .require_git(is_repository)
        .parents(is_repository)
        .git_ignore(!no_ignore)
        .git_global(!no_ignore)
        .git_exclude(!no_ignore)
        .filter_entry(move |entry| {
            (entry.depth() == 0 || entry.file_name() != ".git") && may_enter(entry)
        });
    if !no_ignore {
        walk.add_custom_ignore_filename(IGNORE_FILE);
    }
    Some(walk)
}

fn walk(paths: &[&PathBuf], is_repository: bool, no_ignore: bool, report: &mut Report) {
    let refused = Refused::default();
    let Some(walk) = walk_of(paths, is_repository, no_ignore, &refused) else {
        return;
    };
    let files = AtomicUsize::new(0);
    // The folders that were named, and whether anything was found in each.
    let folders = paths.iter().filter(|path| path.is_dir());
    let folders: Vec<_> = folders.map(|path| (path, AtomicBool::new(false))).collect();
    let shared = Mutex::new(&mut *report);
    walk.build_parallel().run(|| {
        let mut searcher = Searcher::new().map_err(|error| error.to_string());
        let (files, folders, shared) = (&files, &folders, &shared);
        Box::new(move |entry| {
            let outcome = match entry {
                Ok(entry) => search_entry(&entry, &mut searcher),
                Err(error) => Some(unread(&error)),
            };
            let Some((path, outcome)) = outcome else {
                return WalkState::Continue;
            };
            for (_, is_met) in folders
                .iter()
                .filter(|(folder, _)| path.starts_with(folder))
            {
                is_met.store(true, Ordering::Relaxed);
            }
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
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    let is_complete = refused.is_empty();
    report.unread.append(&mut refused);
    for (folder, is_met) in folders {
        if is_complete && !is_met.into_inner() {
            let why = if no_ignore {
                "it is empty"
            } else {
                "it is empty, or all is left out (--no-ignore searches that too)"
            };
            report.notes.push(format!(
                "no file was searched in {}: {why}",
                shown_folder(folder)
            ));
        }
    }
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
    // A FIFO may have taken the place of the file by now, and opening that would wait for a writer.
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    searcher.search(file, is_dockerfile(path))
}
