//! Scans the index of a git repository and every file version that a ref reaches, with the `git` program of the user.

mod command;
mod history;
mod objects;

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use hh_config::Env;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

pub(crate) use self::command::{Git, complaint};

use self::command::failed_to;
use self::objects::{Object, read_all};
use crate::ScanError;
use crate::dockerfile::is_dockerfile;
use crate::file_names::{keys_in_name, redacted_path};
use crate::ignore_files::{self, IGNORE_FILE, IgnoreFiles};
use crate::report::{Report, counted};
use crate::scanner::{ScanResult, Scanner};

/// A git repository to scan.
#[derive(Debug)]
pub struct Repository<'a> {
    git: Git<'a>,
    /// The directories of git for this work tree and for all work trees.
    git_dir: PathBuf,
    common_dir: PathBuf,
    ignored: Gitignore,
}

impl<'a> Repository<'a> {
    /// Opens the repository of a folder.
    ///
    /// # Errors
    /// [`ScanError`] if git cannot run, the folder is not in a repository, or an ignore file cannot be read.
    pub fn open(
        env: &'a Env,
        folder: &'a Path,
        ignore_files: IgnoreFiles,
    ) -> Result<Self, ScanError> {
        let git = Git { env, folder };
        let directories = git.lines(&["rev-parse", "--git-dir", "--git-common-dir"])?;
        let directory = |index: usize| {
            let path = folder.join(directories.get(index).map_or("", String::as_str));
            path.canonicalize().unwrap_or(path)
        };
        let mut repository = Self {
            git,
            git_dir: directory(0),
            common_dir: directory(1),
            ignored: Gitignore::empty(),
        };
        // A bare repository has no work tree, and so no ignore file.
        if ignore_files == IgnoreFiles::Respect
            && let Ok(top) = git.lines(&["rev-parse", "--show-toplevel"])
        {
            let top = PathBuf::from(top.first().map_or("", String::as_str));
            let file = top.join(IGNORE_FILE);
            let text = ignore_files::read(&file).map_err(|error| {
                ScanError::new(error.with_prefix("cannot read the ignore file "))
            })?;
            let mut rules = GitignoreBuilder::new("");
            for line in text.unwrap_or_default().lines() {
                // An invalid pattern excludes nothing.
                rules
                    .add_line(None, line.trim_start_matches('\u{feff}'))
                    .ok();
            }
            repository.ignored = rules
                .build()
                .map_err(|error| failed_to(&error.to_string()))?;
        }
        Ok(repository)
    }

    /// Scans the files that differ from the last commit, as they are in the index.
    ///
    /// A report contains a repository once, even if it is scanned several times.
    ///
    /// # Errors
    /// [`ScanError`] if git fails; the report then contains what was found before.
    pub fn scan_staged(&self, report: &mut Report) -> Result<(), ScanError> {
        if !report.is_first("staged", &self.git_dir) {
            return Ok(());
        }
        let list = [
            &[
                "diff",
                "--cached",
                "--raw",
                "-z",
                "--no-abbrev",
                "--diff-filter=d",
            ],
            DIFF,
        ]
        .concat();
        let mut diff = self.git.start(&list)?;
        let (mut blobs, mut submodules) = (Vec::new(), Vec::new());
        let mut output = diff.output().split(0);
        while let Some(meta) = output.next() {
            let meta = meta.map_err(|error| self.git.read_error(&error))?;
            let path = output.next().and_then(Result::ok).unwrap_or_default();
            match changed(&String::from_utf8_lossy(&meta), &path) {
                Some(blob) if blob.id.is_empty() => submodules.push(blob.path),
                blob => blobs.extend(blob),
            }
        }
        drop(output);
        self.git.finish(diff)?;
        blobs.retain(|blob| !self.is_ignored(&blob.path));
        report.notes.extend(submodules_note(&submodules));
        let blobs = blobs.into_iter().map(Ok);
        self.scan(blobs, report, |report, blob, result| match result {
            ObjectResult::Unreadable => {
                let error = "the object is missing from this clone or damaged";
                report.add_error(&blob.path, &error);
            }
            ObjectResult::Tree(_) => {}
            ObjectResult::Blob(found) => {
                self.add_names(&blob.path, report);
                report.add(&blob.path, None, found);
            }
        })
    }

    /// Reads objects in sequence, scans the blobs, and passes the results to `keep`.
    fn scan(
        &self,
        objects: impl Iterator<Item = Result<Object, ScanError>>,
        report: &mut Report,
        mut keep: impl FnMut(&mut Report, &Object, ObjectResult),
    ) -> Result<(), ScanError> {
        let mut scanner = Scanner::new().map_err(|error| failed_to(&error.to_string()))?;
        let mut tree = Vec::new();
        read_all(self.git, objects, |object, content| {
            let result = match content {
                Some(content) if object.is_tree => {
                    tree.clear();
                    content.read_to_end(&mut tree)?;
                    ObjectResult::Tree(object.names(&tree))
                }
                Some(content) => {
                    report.count_file();
                    let is_dockerfile = is_dockerfile(&object.path);
                    ObjectResult::Blob(scanner.scan_stream(content, is_dockerfile)?)
                }
                None => ObjectResult::Unreadable,
            };
            keep(report, object, result);
            Ok(())
        })
    }

    /// Adds the keys in the names of a file and its folders.
    fn add_names(&self, path: &Path, report: &mut Report) {
        if keys_in_name(path).is_empty() || self.is_ignored(path) {
            return;
        }
        for part in path.ancestors() {
            let name = part.file_name().unwrap_or_default();
            let hits = keys_in_name(name);
            if !hits.is_empty() {
                report.add_name(&self.common_dir, part, hits, || None);
            }
        }
    }

    fn is_ignored(&self, path: &Path) -> bool {
        let path = path.strip_prefix("/").unwrap_or(path);
        let matched = self.ignored.matched_path_or_any_parents(path, false);
        matched.is_ignore()
    }
}

/// What an object of a repository contains.
enum ObjectResult {
    Blob(ScanResult),
    /// The names in a folder.
    Tree(Vec<PathBuf>),
    /// The object is missing or damaged.
    Unreadable,
}

/// Options of every comparison, which override the settings of the user.
const DIFF: &[&str] = &[
    "--no-renames",
    "--no-ext-diff",
    "--no-color",
    "--no-relative",
];

/// Returns the new blob of a line of `--raw`, with an empty id for a submodule, or `None` if the file is deleted.
fn changed(meta: &str, path: &[u8]) -> Option<Object> {
    let mut fields = meta.strip_prefix(':')?.split(' ');
    let (mode, id) = (fields.nth(1)?, fields.nth(1)?);
    let id = if mode == SUBMODULE { "" } else { id };
    let is_deleted = !id.is_empty() && id.bytes().all(|byte| byte == b'0');
    (!is_deleted).then(|| Object::blob(id.as_bytes(), path))
}

/// The mode of a submodule.
pub(crate) const SUBMODULE: &str = "160000";
/// The maximum number of submodules that are listed.
const MAX_LISTED: usize = 10;

/// Returns the note that submodules are not scanned, if there are any.
fn submodules_note(paths: &[PathBuf]) -> Option<String> {
    (!paths.is_empty()).then(|| {
        let count = counted(paths.len(), "submodule");
        let paths = list_paths(paths);
        format!("{count} not scanned: {paths} (scan each one in its own directory)")
    })
}

/// Returns the first paths of a list.
pub(crate) fn list_paths(paths: &[PathBuf]) -> String {
    let shown = paths.iter().take(MAX_LISTED);
    let mut shown: Vec<_> = shown.map(|path| redacted_path(path)).collect();
    if paths.len() > MAX_LISTED {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
