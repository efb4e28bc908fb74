//! What a scan found, as it is shown: no finding holds the text of a key.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use hh_text::one_line;
use serde::Serialize;

use super::docker;
use super::keys::Certainty;
use super::search::{Found, Hit, Spelling};
use crate::ui::without_keys;

#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// Possible keys that are not listed.
    pub(super) left_out: usize,
    /// Files or, of a repository, versions of files.
    pub(super) files: usize,
    /// What could not be searched, and why.
    pub(super) unread: Vec<String>,
    /// What else was not searched, as it is not there.
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) certainty: &'static str,
    pub(super) kind: String,
    /// The key as it may be shown, if there is one.
    pub(super) key: Option<String>,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) encoding: Option<&'static str>,
    pub(super) commit: Option<String>,
}

impl Finding {
    pub(super) fn is_confirmed(&self) -> bool {
        self.certainty == Certainty::Confirmed.as_str()
    }

    fn is_of_image(&self) -> bool {
        [docker::BUILD, docker::IMAGE].contains(&self.kind.as_str())
    }

    /// What was found, without where.
    pub(super) fn what(&self) -> String {
        let mut what = format!("{} {}", self.certainty, self.kind);
        if let Some(key) = &self.key {
            what = format!("{what} {key}");
        }
        match self.encoding {
            Some(encoding) => format!("{what} in {encoding}"),
            None => what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, line, column, ..
        } = self;
        write!(formatter, "{path}:{line}:{column}: {}", self.what())?;
        match &self.commit {
            Some(commit) => write!(formatter, ", commit {}", commit.get(..12).unwrap_or(commit)),
            None => Ok(()),
        }
    }
}

/// A path as it may be shown: its name comes from other people, and may hold a key.
pub(super) fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    one_line(&without_keys(&path.to_string_lossy())).into_owned()
}

pub(super) fn shown_folder(folder: &Path) -> String {
    if folder == Path::new(".") {
        "this folder".to_owned()
    } else {
        shown(folder)
    }
}

impl Report {
    /// Adds what a file, or a version of it in a commit, holds.
    pub(super) fn add(&mut self, path: &Path, commit: Option<&str>, found: Found) {
        self.left_out += found.left_out;
        let path = shown(path);
        let finding = |hit: Hit| Finding {
            certainty: hit.certainty.as_str(),
            kind: hit.kind,
            key: hit.shown,
            path: path.clone(),
            line: hit.line,
            column: hit.column,
            encoding: match hit.spelling {
                Spelling::Plain => None,
                Spelling::Utf16 => Some("UTF-16"),
                Spelling::Base64 => Some("base64"),
            },
            commit: commit.map(str::to_owned),
        };
        self.findings.extend(found.hits.into_iter().map(finding));
    }

    pub(super) fn add_unread(&mut self, path: &Path, error: &impl fmt::Display) {
        let why = without_keys(&error.to_string());
        self.unread
            .push(format!("cannot search {}: {why}", shown(path)));
    }

    /// Sorts by place: files are searched in no order.
    pub(super) fn sort(&mut self) {
        self.findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.line, finding.column);
            let place = one.path.cmp(&other.path).then(key(one).cmp(&key(other)));
            place.then_with(|| one.commit.cmp(&other.commit))
        });
        self.unread.sort();
    }

    pub(super) fn has_image(&self) -> bool {
        self.findings.iter().any(Finding::is_of_image)
    }

    pub(super) fn has_key(&self) -> bool {
        !self.findings.iter().all(Finding::is_of_image)
    }

    pub(super) fn searched(&self) -> String {
        counted(self.files, "file")
    }

    pub(super) fn summary(&self) -> String {
        let confirmed = self
            .findings
            .iter()
            .filter(|one| one.is_confirmed())
            .count();
        let possible = self.findings.len() - confirmed;
        let files: BTreeSet<_> = self.findings.iter().map(|one| &one.path).collect();
        let found = match (confirmed, possible) {
            (0, _) => counted(possible, "possible API key"),
            (_, 0) => counted(confirmed, "API key"),
            _ => format!("{} and {possible} possible", counted(confirmed, "API key")),
        };
        format!("found {found} in {}", counted(files.len(), "file"))
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
