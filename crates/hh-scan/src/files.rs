//! Scans files and folders.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};
use rustix::fs::OFlags;

use crate::dockerfile::is_dockerfile;
use crate::ignore_files::{self, IGNORE_FILE, IgnoreFiles};
use crate::report::{Report, redacted_folder};
use crate::scanner::{ScanResult, Scanner};

/// The path of a file and its result.
type FileResult = (PathBuf, Result<ScanResult, String>);

/// Scans files, and folders recursively, and adds the result to a report.
pub fn scan_paths(paths: &[PathBuf], ignore_files: IgnoreFiles, report: &mut Report) {
    let no_ignore = ignore_files == IgnoreFiles::Disregard;
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for path in paths {
        // Ignore files apply below their folder; a file that is given as an argument is always scanned.
        let checked = if no_ignore || !path.is_dir() {
            Ok(())
        } else {
            ignore_files::check_folder(path).and_then(|()| ignore_files::check_above(path))
        };
        if let Err(error) = checked {
            report.errors.push(not_followed(&error));
        } else if ignore_files::is_in_repository(path) {
            inside.push(path);
        } else {
            outside.push(path);
        }
    }
    // In a repository the ignore files of all its folders apply. Elsewhere the folders above are unrelated, and may
    // belong to other users.
    walk(&inside, true, no_ignore, report);
    walk(&outside, false, no_ignore, report);
}

fn not_followed(error: &str) -> String {
    format!("cannot apply the ignore file {error}")
}

/// The folders that were not entered, shared by all threads of a walk.
type RefusedFolders = Arc<Mutex<Vec<String>>>;

/// Returns the walk through files and folders, or `None` without any.
fn build_walk(
    paths: &[&PathBuf],
    is_repository: bool,
    no_ignore: bool,
    refused: &RefusedFolders,
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
        let checked = ignore_files::check_folder(entry.path());
        if let Err(error) = &checked {
            let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.push(not_followed(error));
        }
        checked.is_ok()
    };
    // Most keys are in hidden files, and files that `.ignore` excludes for other tools may contain one.
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
    let refused = RefusedFolders::default();
    let Some(walk) = build_walk(paths, is_repository, no_ignore, &refused) else {
        return;
    };
    let files = AtomicUsize::new(0);
    // The folders that were given, and whether each contains a file.
    let folders = paths.iter().filter(|path| path.is_dir());
    let folders: Vec<_> = folders.map(|path| (path, AtomicBool::new(false))).collect();
    let shared = Mutex::new(&mut *report);
    walk.build_parallel().run(|| {
        let mut scanner = Scanner::new().map_err(|error| error.to_string());
        let (files, folders, shared) = (&files, &folders, &shared);
        Box::new(move |entry| {
            let outcome = match entry {
                Ok(entry) => scan_entry(&entry, &mut scanner),
                Err(error) => Some(unreadable(&error)),
            };
            let Some((path, outcome)) = outcome else {
                return WalkState::Continue;
            };
            for (_, has_files) in folders
                .iter()
                .filter(|(folder, _)| path.starts_with(folder))
            {
                has_files.store(true, Ordering::Relaxed);
            }
            let report = || shared.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(found) => {
                    files.fetch_add(1, Ordering::Relaxed);
                    // Most files contain no key, and need no lock.
                    if !found.matches.is_empty() {
                        report().add(&path, None, found);
                    }
                }
                Err(error) => report().add_error(&path, &error),
            }
            WalkState::Continue
        })
    });
    report.files += files.into_inner();
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    let is_complete = refused.is_empty();
    report.errors.append(&mut refused);
    for (folder, has_files) in folders {
        if is_complete && !has_files.into_inner() {
            let why = if no_ignore {
                "the directory is empty"
            } else {
                "the directory is empty or all its files are excluded (use --no-ignore to scan them)"
            };
            report.notes.push(format!(
                "no files scanned in {}: {why}",
                redacted_folder(folder)
            ));
        }
    }
}

/// Returns the path of an entry that cannot be read, and the reason.
fn unreadable(error: &ignore::Error) -> FileResult {
    if let ignore::Error::WithDepth { err, .. } = error {
        unreadable(err)
    } else if let ignore::Error::WithPath { path, err } = error {
        let error = err.io_error();
        let error = error.map_or_else(|| err.to_string(), ToString::to_string);
        (path.clone(), Err(error))
    } else {
        (PathBuf::from("a directory"), Err(error.to_string()))
    }
}

fn scan_entry(entry: &DirEntry, scanner: &mut Result<Scanner, String>) -> Option<FileResult> {
    let kind = entry.file_type()?;
    let path = entry.path();
    if !kind.is_file() {
        // A pipe or a device is an error if it is an argument, and is skipped if it is in a folder.
        let is_odd = entry.depth() == 0 && !kind.is_dir() && !path.is_dir();
        if !is_odd {
            return None;
        }
        if !path.is_file() {
            return Some((path.to_owned(), Err("not a file or directory".to_owned())));
        }
    }
    let found = match scanner {
        Ok(scanner) => scan_file(path, scanner).map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    };
    Some((path.to_owned(), found))
}

fn scan_file(path: &Path, scanner: &mut Scanner) -> io::Result<ScanResult> {
    // The file may have been replaced by a FIFO, and opening that would wait for a writer.
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    scanner.scan(file, is_dockerfile(path))
}
