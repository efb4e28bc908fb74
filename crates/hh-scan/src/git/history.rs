//! Scans every file version that a ref reaches.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;

use super::command::{Git, failed_to};
use super::objects::{Object, read_all};
use super::{DIFF, ObjectResult, Repository, SUBMODULE, changed, submodules_note};
use crate::ScanError;
use crate::file_names::{keys_in_name, redacted_folder};
use crate::report::{Report, counted};
use crate::scanner::ScanResult;

/// The versions that contain keys, by their ids.
type Hits = HashMap<String, (PathBuf, ScanResult)>;

impl Repository<'_> {
    /// Scans every blob that a ref or a stash reaches, and names the first commit of those with keys.
    ///
    /// Objects that are missing from the clone or damaged are counted in an error of the report.
    ///
    /// # Errors
    /// [`ScanError`] if git fails; the report then contains what was found before.
    pub fn scan_history(&self, report: &mut Report) -> Result<(), ScanError> {
        if !report.is_first("history", &self.common_dir) {
            return Ok(());
        }
        let stashes = self.stashes()?;
        let stashes: Vec<_> = stashes.iter().map(String::as_str).collect();
        let missing = Cell::new(0);
        let mut hits = Hits::new();
        let listed = self.scan_objects(&stashes, &missing, &mut hits, report);
        let named = if hits.is_empty() {
            Ok(())
        } else {
            self.name_commits(&mut hits, &stashes, report)
        };
        // A tag can point to a blob that is in no commit, and commits may be missing.
        for (path, found) in hits.into_values() {
            if !self.is_ignored(&path) {
                report.add(&path, None, found);
            }
        }
        let shallow = self.report_missing_parents(report);
        self.report_submodules(report);
        if missing.get() > 0 {
            report.errors.push(self.missing_objects(missing.get()));
        }
        listed?;
        shallow?;
        // Without all objects git cannot compare all commits.
        if missing.get() > 0 { Ok(()) } else { named }
    }

    /// Scans all blobs, and counts the objects that are missing.
    fn scan_objects(
        &self,
        stashes: &[&str],
        missing: &Cell<usize>,
        hits: &mut Hits,
        report: &mut Report,
    ) -> Result<(), ScanError> {
        let count = || missing.set(missing.get() + 1);
        // Git does not list missing trees if the list is filtered by type.
        let list = ["rev-list", "--all", "--objects", "--missing=print"];
        let mut list = self.git.start(&[&list, stashes].concat())?;
        let mut types = self.git.command(&[
            "cat-file",
            "--buffer",
            "--batch-check=%(objecttype) %(objectname) %(rest)",
        ]);
        types.stdin(list.pipe());
        let mut types = Git::run(types)?;
        let objects = types.output().split(b'\n').filter_map(|line| match line {
            Ok(line) => {
                let mut parts = line.splitn(3, |byte| *byte == b' ');
                let kind = parts.next().unwrap_or_default();
                let id = parts.next().unwrap_or_default();
                let path = parts.next().unwrap_or_default();
                match kind {
                    b"blob" => Some(Ok(Object::blob(id, path))),
                    b"tree" => Some(Ok(Object::tree(id, path))),
                    b"commit" | b"tag" => None,
                    _ => {
                        count();
                        None
                    }
                }
            }
            Err(error) => Some(Err(self.git.read_error(&error))),
        });
        let scanned = self.scan(objects, report, |report, object, result| match result {
            ObjectResult::Unreadable => count(),
            ObjectResult::Tree(names) => self.add_names_of_tree(&object.path, &names, report),
            ObjectResult::Blob(found) => {
                if !found.matches.is_empty() {
                    hits.insert(object.id.clone(), (object.path.clone(), found));
                }
            }
        });
        let types = self.git.finish(types);
        let list = self.git.finish(list);
        scanned?;
        types?;
        match list? {
            Some(error) if missing.get() == 0 => Err(failed_to(&format!(
                "{}: git reported: {error}",
                redacted_folder(self.git.folder)
            ))),
            _ => Ok(()),
        }
    }

    /// Adds the keys in the names of a folder.
    ///
    /// Git lists a blob with only one of its paths, but the trees contain all names.
    fn add_names_of_tree(&self, folder: &Path, names: &[PathBuf], report: &mut Report) {
        for name in names {
            let path = folder.join(name);
            let hits = keys_in_name(name);
            if !hits.is_empty() && !self.is_ignored(&path) {
                report.add_name(&self.common_dir, &path, hits, || self.first_commit(&path));
            }
        }
    }

    /// Returns the error for objects that are missing or damaged.
    fn missing_objects(&self, count: usize) -> Diagnostic {
        let partial = ["config", "--get-regexp", r"^remote\..*\.promisor$"];
        let is_partial = self.git.lines(&partial).is_ok();
        let objects = counted(count, "object");
        let folder = redacted_folder(self.git.folder);
        if is_partial {
            let message = format!(
                "cannot scan {objects} of the repository in {folder}: missing from this partial clone"
            );
            let hint = "scan a complete clone, or fetch all objects with `git fetch --refetch --no-filter`";
            Diagnostic::new(message).with_hint(hint)
        } else {
            let message =
                format!("cannot scan {objects} of the repository in {folder}: missing or damaged");
            let hint = "run `git fsck` to list them, and scan a complete clone";
            Diagnostic::new(message).with_hint(hint)
        }
    }

    /// Reports the commits that are missing from a shallow clone.
    fn report_missing_parents(&self, report: &mut Report) -> Result<(), ScanError> {
        let shallow = self.git.lines(&["rev-parse", "--is-shallow-repository"])?;
        if shallow.first().is_none_or(|output| output != "true") {
            return Ok(());
        }
        let place = self.git.lines(&["rev-parse", "--git-path", "shallow"])?;
        let place = self
            .git
            .folder
            .join(place.first().map_or("", String::as_str));
        let commits = std::fs::read(place).map_err(|error| self.git.read_error(&error))?;
        let commit = |id: &[u8]| Ok(Object::blob(id, b""));
        let commits = commits.split(|byte| *byte == b'\n');
        let commits = commits.filter(|id| !id.is_empty()).map(commit);
        let mut parents = BTreeSet::new();
        read_all(self.git, commits, |_, content| {
            let mut text = Vec::new();
            content.map_or(Ok(0), |content| content.read_to_end(&mut text))?;
            let header = text
                .split(|byte| *byte == b'\n')
                .take_while(|line| !line.is_empty());
            let ids = header.filter_map(|line| line.strip_prefix(b"parent "));
            parents.extend(ids.map(<[u8]>::to_vec));
            Ok(())
        })?;
        let mut missing = 0;
        let parents = parents.iter().map(|id| commit(id));
        read_all(self.git, parents, |_, content| {
            missing += usize::from(content.is_none());
            Ok(())
        })?;
        if missing > 0 {
            let message = format!(
                "cannot scan at least {} of the repository in {}: the clone is shallow",
                counted(missing, "commit"),
                redacted_folder(self.git.folder)
            );
            let hint = "run `git fetch --unshallow` to get them";
            report.errors.push(Diagnostic::new(message).with_hint(hint));
        }
        Ok(())
    }

    /// Notes the submodules of the current commit, whose history is in other repositories.
    fn report_submodules(&self, report: &mut Report) {
        // A repository may have no commit.
        let tree = self
            .git
            .bytes(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"]);
        let tree = tree.unwrap_or_default();
        let submodules = tree.split(|byte| *byte == 0).filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'\t')?;
            entry
                .starts_with(SUBMODULE.as_bytes())
                .then(|| Object::blob(b"", &entry[at + 1..]).path)
        });
        let submodules: Vec<_> = submodules.collect();
        report.notes.extend(submodules_note(&submodules));
    }

    /// Returns the first commit that contains a path.
    fn first_commit(&self, path: &Path) -> Option<String> {
        let list = [
            "log",
            "--all",
            "--topo-order",
            "--reverse",
            "--no-show-signature",
            "--format=%H",
            "--",
            &format!(":(top,literal){}", path.to_str()?),
        ];
        self.git.lines(&list).ok()?.into_iter().next()
    }

    /// Returns the commits of all stashes: the ref reaches only the latest, and its reflog the others.
    fn stashes(&self) -> Result<Vec<String>, ScanError> {
        let stash = ["for-each-ref", "--format=%(refname)", "refs/stash"];
        if self.git.lines(&stash)?.is_empty() {
            return Ok(Vec::new());
        }
        self.git.lines(&[
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
        hits: &mut Hits,
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
        let mut log = self.git.start(&list)?;
        let mut commit = String::new();
        let mut only_ignored = HashSet::new();
        for line in log.output().split(b'\n') {
            let line = line.map_err(|error| self.git.read_error(&error))?;
            let mut parts = line.splitn(2, |byte| *byte == b'\t');
            let meta = String::from_utf8_lossy(parts.next().unwrap_or_default());
            if meta.starts_with(':') {
                let path = parts.next().unwrap_or_default();
                let Some(blob) = changed(&meta, path) else {
                    continue;
                };
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
        let named = self.git.finish(log);
        hits.retain(|id, _| !only_ignored.contains(id));
        named.map(drop)
    }
}
