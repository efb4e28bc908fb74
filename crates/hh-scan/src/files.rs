//! Scans files and folders.

mod roots;
mod tracked;

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hh_config::Env;
use hh_text::Diagnostic;
use ignore::{DirEntry, WalkBuilder, WalkState};
use rustix::fs::OFlags;

use self::roots::Roots;
use self::tracked::Tracked;
use crate::dockerfile::is_dockerfile;
use crate::file_names::{keys_in_name, redacted_folder};
use crate::ignore_files::{self, IGNORE_FILE, IgnoreFiles};
use crate::report::Report;
use crate::scanner::{Hit, ScanResult, Scanner};

/// The result of a file, or `None` if it was scanned before.
type FileResult = Result<Option<ScanResult>, String>;

/// Scans files, and folders recursively, and adds the result to a report.
///
/// Each file is scanned once, even if several paths lead to it. Files that `.gitignore` excludes are scanned if they
/// are tracked; the program `git` lists them.
pub fn scan_paths(env: &Env, paths: &[PathBuf], ignore_files: IgnoreFiles, report: &mut Report) {
    let no_ignore = ignore_files == IgnoreFiles::Disregard;
    let roots = Roots::of(paths);
    let seen = (!roots.inner.is_empty()).then(Mutex::default);
    let scan = FileScan {
        env,
        no_ignore,
        seen,
    };
    scan.roots(&roots.outer, report);
    // One after another, so that a file is always reported with the same path.
    for root in &roots.inner {
        scan.roots(&[root], report);
    }
}

/// Scans a reader, such as standard input, and adds the result to a report; the findings contain `name` as the path.
pub fn scan_reader(name: &str, reader: impl Read, report: &mut Report) {
    let path = Path::new(name);
    let scanner = Scanner::new().map_err(ToString::to_string);
    let scan = |mut scanner: Scanner| scanner.scan_stream(reader, is_dockerfile(path));
    match scanner.and_then(|scanner| scan(scanner).map_err(|error| error.to_string())) {
        Ok(found) => {
            report.count_file();
            report.add(path, None, found);
        }
        Err(error) => report.add_error(path, &error),
    }
}

/// The options of a scan of files.
struct FileScan<'a> {
    env: &'a Env,
    no_ignore: bool,
    /// The files and folders that were visited, if several paths can lead to one.
    seen: Option<Mutex<HashSet<PathBuf>>>,
}

/// What is known about the folders of a walk, shared by all its threads.
#[derive(Default)]
struct Folders {
    /// The reasons why folders were not entered.
    refused: Mutex<Vec<Diagnostic>>,
    tracked: Mutex<Tracked>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileScan<'_> {
    /// Scans files and folders that do not contain each other.
    fn roots(&self, roots: &[&PathBuf], report: &mut Report) {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        let folders = Arc::new(Folders::default());
        for path in roots {
            // Ignore files apply below their folder; a file that is given as an argument is always scanned.
            let checked = if self.no_ignore || !path.is_dir() {
                Ok(())
            } else {
                ignore_files::check_folder(path).and_then(|()| ignore_files::check_above(path))
            };
            if let Err(error) = checked {
                report.errors.push(not_followed(error));
            } else if ignore_files::is_in_repository(path) {
                if path.is_dir() {
                    lock(&folders.tracked).list(self.env, path, self.no_ignore);
                }
                inside.push(*path);
            } else {
                outside.push(*path);
            }
        }
        // In a repository the ignore files of all its folders apply. Elsewhere the folders above are unrelated, and may
        // belong to other users.
        self.walk(&inside, true, &folders, report);
        self.walk(&outside, false, &folders, report);
        let tracked = std::mem::take(&mut *lock(&folders.tracked));
        report.notes.extend(tracked.into_notes());
        report.errors.append(&mut lock(&folders.refused));
    }

    fn walk(
        &self,
        paths: &[&PathBuf],
        is_repository: bool,
        folders: &Arc<Folders>,
        report: &mut Report,
    ) {
        let Some(walk) = self.build_walk(paths, is_repository, folders) else {
            return;
        };
        // The folders that were given, and whether each contains a file.
        let given = paths.iter().filter(|path| path.is_dir());
        let given: Vec<_> = given
            .map(|path| (path.as_path(), AtomicBool::new(false)))
            .collect();
        self.run(&walk, folders, &given, report);
        let rest = lock(&folders.tracked).take_rest();
        let directories: Vec<_> = paths.iter().copied().filter(|path| path.is_dir()).collect();
        // Files that were given are scanned already.
        let second = self.build_walk(&directories, is_repository, folders);
        if !self.no_ignore
            && !rest.is_empty()
            && let Some(mut walk) = second
        {
            let folders = Arc::clone(folders);
            let may_visit = self.may_enter(&folders);
            walk.git_ignore(false).git_global(false).git_exclude(false);
            walk.filter_entry(move |entry| {
                entry.depth() == 0 || (is_listed(&rest, entry) && may_visit(entry))
            });
            self.run(&walk, &folders, &given, report);
        }
        let is_complete = lock(&folders.refused).is_empty();
        for (folder, has_files) in given {
            if is_complete && !has_files.into_inner() {
                report.notes.push(no_files(folder, self.no_ignore));
            }
        }
    }

    /// Returns the walk through files and folders, or `None` without any.
    fn build_walk(
        &self,
        paths: &[&PathBuf],
        is_repository: bool,
        folders: &Arc<Folders>,
    ) -> Option<WalkBuilder> {
        let (first, others) = paths.split_first()?;
        let mut walk = WalkBuilder::new(first);
        for path in others {
            walk.add(path);
        }
        let may_enter = self.may_enter(folders);
        let (env, folders) = (self.env.clone(), Arc::clone(folders));
        let no_ignore = self.no_ignore;
        // Most keys are in hidden files, and files that `.ignore` excludes for other tools may contain one.
        walk.hidden(false)
            .ignore(false)
            .require_git(is_repository)
            .parents(is_repository)
            .git_ignore(!no_ignore)
            .git_global(!no_ignore)
            .git_exclude(!no_ignore)
            .filter_entry(move |entry| {
                let is_folder = is_folder_below(entry);
                let is_entered =
                    (entry.depth() == 0 || entry.file_name() != ".git") && may_enter(entry);
                if is_entered && is_folder && entry.path().join(".git").exists() {
                    lock(&folders.tracked).list(&env, entry.path(), no_ignore);
                }
                is_entered
            });
        if !no_ignore {
            walk.add_custom_ignore_filename(IGNORE_FILE);
        }
        Some(walk)
    }

    /// Returns a function that checks the ignore files of a folder before the walk reads them.
    fn may_enter(
        &self,
        folders: &Arc<Folders>,
    ) -> impl Fn(&DirEntry) -> bool + Send + Sync + 'static {
        let (no_ignore, folders) = (self.no_ignore, Arc::clone(folders));
        move |entry: &DirEntry| {
            if no_ignore || !is_folder_below(entry) {
                return true;
            }
            let checked = ignore_files::check_folder(entry.path());
            if let Err(error) = checked {
                let error = not_followed(error);
                let mut refused = lock(&folders.refused);
                if !refused.contains(&error) {
                    refused.push(error);
                }
                return false;
            }
            true
        }
    }

    /// Scans the files of a walk.
    fn run(
        &self,
        walk: &WalkBuilder,
        folders: &Folders,
        given: &[(&Path, AtomicBool)],
        report: &mut Report,
    ) {
        let progress = report.progress();
        let before = progress.files();
        let shared = Mutex::new(&mut *report);
        walk.build_parallel().run(|| {
            let mut scanner = Scanner::new().map_err(ToString::to_string);
            let (progress, shared) = (&progress, &shared);
            Box::new(move |entry| {
                let outcome = match entry {
                    Ok(entry) => {
                        let is_new = self.is_new(&entry);
                        let hits = names_of(&entry);
                        if is_new && !hits.is_empty() {
                            lock(shared).add_name(Path::new(""), entry.path(), hits, || None);
                        }
                        lock(&folders.tracked).visit(entry.path());
                        let outcome = scan_entry(&entry, is_new, &mut scanner);
                        outcome.map(|outcome| (entry.into_path(), outcome))
                    }
                    Err(error) => Some(unreadable(&error)),
                };
                let Some((path, outcome)) = outcome else {
                    return WalkState::Continue;
                };
                for (_, has_files) in given.iter().filter(|(folder, _)| path.starts_with(folder)) {
                    has_files.store(true, Ordering::Relaxed);
                }
                match outcome {
                    Ok(Some(found)) => {
                        progress.count_file();
                        // Most files contain no key, and need no lock.
                        if !found.matches.is_empty() {
                            lock(shared).add(&path, None, found);
                        }
                    }
                    Ok(None) => {}
                    Err(error) => lock(shared).add_error(&path, &error),
                }
                WalkState::Continue
            })
        });
        report.files += progress.files() - before;
    }

    /// Returns whether an entry is visited for the first time.
    fn is_new(&self, entry: &DirEntry) -> bool {
        let Some(seen) = &self.seen else {
            return true;
        };
        let path = entry.path();
        let is_link = entry.path_is_symlink() && entry.depth() > 0;
        let real = if is_link {
            None
        } else {
            path.canonicalize().ok()
        };
        lock(seen).insert(real.unwrap_or_else(|| path.to_owned()))
    }
}

fn not_followed(error: Diagnostic) -> Diagnostic {
    error.with_prefix("cannot apply the ignore file ")
}

fn no_files(folder: &Path, no_ignore: bool) -> String {
    let why = if no_ignore {
        "the directory is empty"
    } else {
        "the directory is empty or all its files are excluded (use --no-ignore to scan them)"
    };
    format!("no files scanned in {}: {why}", redacted_folder(folder))
}

/// Returns whether an entry is a folder below a path of the arguments.
fn is_folder_below(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir())
}

/// Returns whether an entry is in a sorted list of files, or a folder that contains one of them.
fn is_listed(files: &[PathBuf], entry: &DirEntry) -> bool {
    let path = entry.path();
    let next = files.partition_point(|file| file.as_path() < path);
    files.get(next).is_some_and(|file| file.starts_with(path))
}

/// Returns the keys in the name of an entry, or in the path that was given as an argument.
fn names_of(entry: &DirEntry) -> Vec<Hit> {
    if entry.depth() == 0 {
        keys_in_name(entry.path())
    } else {
        keys_in_name(entry.file_name())
    }
}

/// Returns the path of an entry that cannot be read, and the reason.
fn unreadable(error: &ignore::Error) -> (PathBuf, FileResult) {
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

/// Scans an entry if it is a file; a file that was scanned before has no result.
fn scan_entry(
    entry: &DirEntry,
    is_new: bool,
    scanner: &mut Result<Scanner, String>,
) -> Option<FileResult> {
    let kind = entry.file_type()?;
    let path = entry.path();
    if !kind.is_file() {
        // A pipe or a device is an error if it is an argument, and is skipped if it is in a folder.
        let is_odd = entry.depth() == 0 && !kind.is_dir() && !path.is_dir();
        if !is_odd {
            return None;
        }
        if !path.is_file() {
            return Some(Err("not a file or directory".to_owned()));
        }
    }
    Some(match scanner {
        Ok(_) if !is_new => Ok(None),
        Ok(scanner) => scan_file(path, scanner)
            .map(Some)
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    })
}

fn scan_file(path: &Path, scanner: &mut Scanner) -> io::Result<ScanResult> {
    // The file may have been replaced by a FIFO, and opening that would wait for a writer.
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    let read_at = |offset: u64, buffer: &mut [u8]| file.read_exact_at(buffer, offset);
    scanner.scan(&file, is_dockerfile(path), Some(&read_at))
}
