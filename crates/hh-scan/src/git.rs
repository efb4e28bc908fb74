//! Scans the index of a git repository and every file version that a ref reaches, with the `git` program of the user.

mod blobs;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use hh_config::Env;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use self::blobs::{Blob, BlobReader};
use crate::ScanError;
use crate::dockerfile::is_dockerfile;
use crate::ignore_files::{self, IGNORE_FILE, IgnoreFiles};
use crate::report::{Report, redacted_folder};
use crate::scanner::{ScanResult, Scanner};

/// A git repository to scan.
#[derive(Debug)]
pub struct Repository<'a> {
    env: &'a Env,
    folder: &'a Path,
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
        let mut repository = Self {
            env,
            folder,
            ignored: Gitignore::empty(),
        };
        repository.lines(&["rev-parse", "--git-dir"])?;
        // A bare repository has no work tree, and so no ignore file.
        if ignore_files == IgnoreFiles::Respect
            && let Ok(top) = repository.lines(&["rev-parse", "--show-toplevel"])
        {
            let top = PathBuf::from(top.first().map_or("", String::as_str));
            let file = top.join(IGNORE_FILE);
            let text = ignore_files::read(&file)
                .map_err(|error| ScanError::new(format!("cannot read the ignore file {error}")))?;
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
    /// # Errors
    /// [`ScanError`] if git fails.
    pub fn scan_staged(&self, report: &mut Report) -> Result<(), ScanError> {
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
        let mut child = self.start(&list)?;
        let mut blobs = Vec::new();
        let mut output = output_of(&mut child).split(0);
        while let Some(meta) = output.next() {
            let meta = meta.map_err(|error| self.read_error(&error))?;
            let path = output.next().and_then(Result::ok).unwrap_or_default();
            if let Some(blob) = changed(&String::from_utf8_lossy(&meta), &path) {
                blobs.push(blob);
            }
        }
        drop(output);
        self.finish(child)?;
        blobs.retain(|blob| !self.is_ignored(&blob.path));
        self.scan(blobs.into_iter().map(Ok), report, |report, blob, found| {
            report.add(&blob.path, None, found);
        })
    }

    /// Scans every blob that a ref or a stash reaches, and names the first commit of those with keys.
    ///
    /// # Errors
    /// [`ScanError`] if git fails.
    pub fn scan_history(&self, report: &mut Report) -> Result<(), ScanError> {
        let shallow = self.lines(&["rev-parse", "--is-shallow-repository"])?;
        if shallow.first().is_some_and(|output| output == "true") {
            report.notes.push(format!(
                "the clone in {} is shallow, so older commits were not scanned (run `git fetch --unshallow` to get them)",
                redacted_folder(self.folder)
            ));
        }
        let stashes = self.stashes()?;
        let stashes: Vec<_> = stashes.iter().map(String::as_str).collect();
        let list = [
            "rev-list",
            "--all",
            "--objects",
            "--filter=object:type=blob",
            "--filter-provided-objects",
            "--missing=allow-any",
        ];
        let mut child = self.start(&[&list, stashes.as_slice()].concat())?;
        let mut hits: HashMap<String, (PathBuf, ScanResult)> = HashMap::new();
        let blobs = output_of(&mut child).split(b'\n').map(|line| {
            let line = line.map_err(|error| self.read_error(&error))?;
            let mut parts = line.splitn(2, |byte| *byte == b' ');
            let id = parts.next().unwrap_or_default();
            Ok(Blob::new(id, parts.next().unwrap_or_default()))
        });
        self.scan(blobs, report, |_, blob, found| {
            hits.insert(blob.id, (blob.path, found));
        })?;
        self.finish(child)?;
        if !hits.is_empty() {
            self.name_commits(&mut hits, &stashes, report)?;
        }
        // A tag can point to a blob that is in no commit.
        for (path, found) in hits.into_values() {
            if !self.is_ignored(&path) {
                report.add(&path, None, found);
            }
        }
        Ok(())
    }

    /// Returns the commits of all stashes: the ref reaches only the latest, and its reflog the others.
    fn stashes(&self) -> Result<Vec<String>, ScanError> {
        let stash = self.lines(&["for-each-ref", "--format=%(refname)", "refs/stash"])?;
        if stash.is_empty() {
            return Ok(Vec::new());
        }
        self.lines(&[
            "log",
            "--walk-reflogs",
            "--no-show-signature",
            "--no-patch",
            "--format=%H",
            "refs/stash",
            "--",
        ])
    }

    /// Reports each blob with the first commit that contains it at a path that is not ignored, and removes it from the
    /// list.
    fn name_commits(
        &self,
        hits: &mut HashMap<String, (PathBuf, ScanResult)>,
        stashes: &[&str],
        report: &mut Report,
    ) -> Result<(), ScanError> {
        // The diff to the first parent includes content that only the merge commit itself adds.
        let list = [
            &[
                "-c",
                "log.showRoot=true",
                "log",
                "--all",
                "--topo-order",
                "--reverse",
                "--diff-merges=first-parent",
                "--raw",
                "--no-abbrev",
                "--no-show-signature",
                "--format=%H",
            ],
            DIFF,
            stashes,
        ]
        .concat();
        let mut child = self.start(&list)?;
        let mut commit = String::new();
        let mut only_ignored = HashSet::new();
        for line in output_of(&mut child).split(b'\n') {
            let line = line.map_err(|error| self.read_error(&error))?;
            let mut parts = line.splitn(2, |byte| *byte == b'\t');
            let meta = String::from_utf8_lossy(parts.next().unwrap_or_default());
            if let Some(blob) = changed(&meta, parts.next().unwrap_or_default()) {
                if self.is_ignored(&blob.path) {
                    only_ignored.extend(hits.contains_key(&blob.id).then_some(blob.id));
                } else if let Some((_, found)) = hits.remove(&blob.id) {
                    only_ignored.remove(&blob.id);
                    report.add(&blob.path, Some(&commit), found);
                }
            } else if !meta.is_empty() {
                commit = meta.into_owned();
            }
        }
        self.finish(child)?;
        hits.retain(|id, _| !only_ignored.contains(id));
        Ok(())
    }

    /// Scans blobs in sequence, and passes those with keys to `keep`.
    fn scan(
        &self,
        blobs: impl Iterator<Item = Result<Blob, ScanError>>,
        report: &mut Report,
        mut keep: impl FnMut(&mut Report, Blob, ScanResult),
    ) -> Result<(), ScanError> {
        let mut scanner = Scanner::new().map_err(|error| failed_to(&error.to_string()))?;
        let mut reader = BlobReader::start(self.command(&["cat-file", "--batch"]))
            .map_err(|error| not_started(&error))?;
        reader.read_all(
            blobs,
            |error| self.read_error(&error),
            |blob, content| {
                let Some(content) = content else {
                    let error = "the object is missing from this clone";
                    report.add_error(&blob.path, &error);
                    return Ok(());
                };
                report.files += 1;
                let found = scanner.scan(content, is_dockerfile(&blob.path))?;
                if !found.matches.is_empty() {
                    keep(report, blob, found);
                }
                Ok(())
            },
        )
    }

    fn is_ignored(&self, path: &Path) -> bool {
        let path = path.strip_prefix("/").unwrap_or(path);
        let matched = self.ignored.matched_path_or_any_parents(path, false);
        matched.is_ignore()
    }

    /// Returns a git command that runs no program of the repository, fetches nothing and inherits no key.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(self.folder)
            .args([
                "--no-pager",
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.quotePath=false",
            ])
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let is_honeyhive = |name: &&str| name.starts_with("HH_") || name.starts_with("HONEYHIVE_");
        for name in self.env.names().filter(is_honeyhive) {
            command.env_remove(name);
        }
        command
    }

    fn start(&self, arguments: &[&str]) -> Result<Child, ScanError> {
        let started = self.command(arguments).spawn();
        started.map_err(|error| not_started(&error))
    }

    fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, ScanError> {
        let mut child = self.start(arguments)?;
        let lines = output_of(&mut child).lines().collect::<Result<_, _>>();
        self.finish(child)?;
        lines.map_err(|error| self.read_error(&error))
    }

    /// Waits for a command whose output was read; its message on stderr becomes the error.
    fn finish(&self, child: Child) -> Result<(), ScanError> {
        let output = child.wait_with_output();
        let output = output.map_err(|error| self.read_error(&error))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let complaint = complaint.lines().find(|line| !line.trim().is_empty());
        let complaint = complaint.map_or_else(|| output.status.to_string(), str::to_owned);
        Err(failed_to(&format!(
            "{}: git failed: {complaint}",
            redacted_folder(self.folder)
        )))
    }

    fn read_error(&self, error: &std::io::Error) -> ScanError {
        failed_to(&format!("{}: {error}", redacted_folder(self.folder)))
    }
}

/// Options of every comparison, which override the settings of the user.
const DIFF: &[&str] = &[
    "--no-renames",
    "--no-ext-diff",
    "--no-color",
    "--no-relative",
];

fn output_of(child: &mut Child) -> BufReader<Box<dyn std::io::Read>> {
    let output: Option<ChildStdout> = child.stdout.take();
    // The command always pipes its output.
    BufReader::new(output.map_or_else(
        || Box::new(std::io::empty()) as Box<dyn std::io::Read>,
        |output| Box::new(output),
    ))
}

/// Returns the new blob of a line of `--raw`, unless it is deleted or a commit of a submodule.
fn changed(meta: &str, path: &[u8]) -> Option<Blob> {
    let mut fields = meta.strip_prefix(':')?.split(' ');
    let (mode, id) = (fields.nth(1)?, fields.nth(1)?);
    let is_blob = mode != "160000" && id.bytes().any(|byte| byte != b'0');
    is_blob.then(|| Blob::new(id.as_bytes(), path))
}

fn failed_to(what: &str) -> ScanError {
    ScanError::new(format!("cannot scan the repository in {what}"))
}

fn not_started(error: &std::io::Error) -> ScanError {
    ScanError::new(format!(
        "cannot run git, which --staged and --history require ({error}); install git or scan files instead"
    ))
}
