//! Lists the tracked files of repositories, which are scanned even if `.gitignore` excludes them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hh_config::Env;

use crate::file_names::redacted_folder;
use crate::git::{Git, SUBMODULE, complaint, list_paths};
use crate::report::counted;

/// The tracked files below the scanned folders.
#[derive(Default)]
pub(super) struct Tracked {
    /// The files that were not visited yet.
    files: HashSet<PathBuf>,
    /// The submodules without files.
    submodules: Vec<PathBuf>,
    /// Notes about repositories whose files git does not list.
    notes: Vec<String>,
}

impl Tracked {
    /// Adds the tracked files in a folder of a repository.
    ///
    /// Git reads only its index, and no file of the work tree.
    pub(super) fn list(&mut self, env: &Env, folder: &Path, no_ignore: bool) {
        let mut command = Git { env, folder }.command(&["ls-files", "--stage", "-z"]);
        // In a hook, these variables name the repository of the hook.
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"] {
            command.env_remove(name);
        }
        let output = match command.output() {
            Ok(output) if output.status.success() => output.stdout,
            Ok(output) => {
                let complaint = complaint(&output.stderr);
                let complaint = complaint.unwrap_or_else(|| output.status.to_string());
                return self.note(folder, &format!("git failed: {complaint}"), no_ignore);
            }
            Err(error) => {
                let error = error.to_string();
                let reason = hh_text::without_error_numbers(&error);
                return self.note(folder, &format!("cannot run git: {reason}"), no_ignore);
            }
        };
        for entry in output.split(|byte| *byte == 0) {
            let Some(at) = entry.iter().position(|byte| *byte == b'\t') else {
                continue;
            };
            let path = folder.join(OsStr::from_bytes(&entry[at + 1..]));
            if !entry.starts_with(SUBMODULE.as_bytes()) {
                self.files.insert(path);
            } else if !path.join(".git").exists() {
                self.submodules.push(path);
            }
        }
    }

    fn note(&mut self, folder: &Path, why: &str, no_ignore: bool) {
        let missed = if no_ignore {
            "submodules without files are not listed"
        } else {
            "tracked files that .gitignore excludes were not scanned"
        };
        let folder = redacted_folder(folder);
        self.notes.push(format!("{missed} in {folder}: {why}"));
    }

    pub(super) fn visit(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Returns the files that were not visited, in order.
    pub(super) fn take_rest(&mut self) -> Vec<PathBuf> {
        let mut rest: Vec<_> = self.files.drain().collect();
        rest.sort_unstable();
        rest
    }

    pub(super) fn into_notes(self) -> Vec<String> {
        let mut notes = self.notes;
        if !self.submodules.is_empty() {
            let count = counted(self.submodules.len(), "submodule");
            notes.push(format!(
                "{count} not scanned, because git has not checked out the files: {}",
                list_paths(&self.submodules)
            ));
        }
        notes
    }
}
