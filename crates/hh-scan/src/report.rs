//! Defines the result of a scan; no finding contains the text of a key.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;
use serde::{Serialize, Serializer};

use crate::detect::Confidence;
use crate::dockerfile;
use crate::file_names::{redacted, redacted_path};
use crate::progress::Progress;
use crate::scanner::{Encoding, Hit, Match, ScanResult};

/// The findings of a scan and what it could not read.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The keys that were found.
    pub findings: Vec<Finding>,
    /// The number of possible keys that are not listed.
    pub omitted: usize,
    /// The number of files, or of file versions in a repository, that were scanned.
    pub files: usize,
    /// The files, folders and objects of a repository that could not be scanned, with the reasons.
    #[serde(serialize_with = "as_lines")]
    pub errors: Vec<Diagnostic>,
    /// Notes about content that is not scanned, such as submodules.
    pub notes: Vec<String>,
    #[serde(skip)]
    progress: Progress,
    /// The files and folders whose names contain a reported key, each with its repository in a scan of objects.
    #[serde(skip)]
    named: HashSet<(PathBuf, PathBuf)>,
    /// The repositories that were scanned, by mode.
    #[serde(skip)]
    repositories: HashSet<(&'static str, PathBuf)>,
}

fn as_lines<S: Serializer>(errors: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(errors.iter().map(Diagnostic::to_line))
}

/// A key that was found, without its text.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// `confirmed` by the checksum, or `possible` by the format.
    pub confidence: &'static str,
    /// The kind of key, or of the place that contains it.
    pub kind: String,
    /// The redacted key, if there is one.
    pub key: Option<String>,
    /// The path of the file.
    pub path: String,
    /// The line, starting at 1, or `None` if the name of the file contains the key.
    pub line: Option<usize>,
    /// The column in characters, starting at 1, or `None` if the name of the file contains the key.
    pub column: Option<usize>,
    /// The encoding of the key unless it is plain text.
    pub encoding: Option<&'static str>,
    /// The commit that added the key, in a scan of the history.
    pub commit: Option<String>,
}

impl Finding {
    /// Returns whether the checksum confirms the key.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confidence == Confidence::Confirmed.as_str()
    }

    fn is_in_image(&self) -> bool {
        [dockerfile::BUILD, dockerfile::IMAGE].contains(&self.kind.as_str())
    }

    /// Returns the finding without its location.
    pub(crate) fn description(&self) -> String {
        let mut what = format!("{} {}", self.confidence, self.kind);
        if let Some(key) = &self.key {
            what = format!("{what} {key}");
        }
        if let Some(encoding) = self.encoding {
            what = format!("{what} in {encoding}");
        }
        match self.line {
            Some(_) => what,
            None => format!("{what} in the name"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, ":{line}:{column}")?;
        }
        write!(formatter, ": {}", self.description())?;
        match &self.commit {
            Some(commit) => write!(formatter, ", commit {}", commit.get(..12).unwrap_or(commit)),
            None => Ok(()),
        }
    }
}

impl Report {
    /// Adds the result of a file, or of its version in a commit.
    pub(crate) fn add(&mut self, path: &Path, commit: Option<&str>, result: ScanResult) {
        self.omitted += result.omitted;
        let path = redacted_path(path);
        let finding = |hit: Match| Finding {
            confidence: hit.confidence.as_str(),
            kind: hit.kind,
            key: hit.redacted,
            path: path.clone(),
            line: hit.position.map(|(line, _)| line),
            column: hit.position.map(|(_, column)| column),
            encoding: match hit.encoding {
                Encoding::Plain => None,
                Encoding::Escaped => Some("escaped text"),
                Encoding::Utf16 => Some("UTF-16"),
                Encoding::Base64 => Some("base64"),
                Encoding::WideBase64 => Some("base64 of UTF-16"),
            },
            commit: commit.map(str::to_owned),
        };
        self.findings
            .extend(result.matches.into_iter().map(finding));
    }

    /// Adds the keys in the name of a file or folder of a repository, once.
    pub(crate) fn add_name(
        &mut self,
        repository: &Path,
        path: &Path,
        hits: Vec<Hit>,
        commit: impl Fn() -> Option<String>,
    ) {
        let place = path.strip_prefix(".").unwrap_or(path).to_owned();
        if self.named.insert((repository.to_owned(), place)) {
            let matches = hits.into_iter().map(|hit| hit.into_match(None));
            let matches = matches.collect();
            let result = ScanResult {
                matches,
                omitted: 0,
            };
            self.add(path, commit().as_deref(), result);
        }
    }

    /// Returns whether a repository is scanned in this mode for the first time.
    pub(crate) fn is_first(&mut self, mode: &'static str, repository: &Path) -> bool {
        self.repositories.insert((mode, repository.to_owned()))
    }

    pub(crate) fn add_error(&mut self, path: &Path, error: &impl fmt::Display) {
        let why = redacted(&error.to_string());
        let message = format!("cannot scan {}: {why}", redacted_path(path));
        self.errors.push(message.into());
    }

    /// Returns a handle to the number of scanned files, which can be read while the scan runs.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    pub(crate) fn count_file(&mut self) {
        self.progress.count_file();
        self.files += 1;
    }

    /// Sorts the findings by path, line and column: files are scanned in parallel.
    pub fn sort(&mut self) {
        self.findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.line, finding.column);
            let place = one.path.cmp(&other.path).then(key(one).cmp(&key(other)));
            place.then_with(|| one.commit.cmp(&other.commit))
        });
        self.errors
            .sort_by(|one, other| one.message().cmp(other.message()));
        self.errors.dedup();
    }

    /// Returns whether a Dockerfile puts a key into an image.
    #[must_use]
    pub fn has_image(&self) -> bool {
        self.findings.iter().any(Finding::is_in_image)
    }

    /// Returns whether a finding is outside of the instructions of a Dockerfile.
    #[must_use]
    pub fn has_key(&self) -> bool {
        !self.findings.iter().all(Finding::is_in_image)
    }

    /// Returns the number of scanned files in words.
    #[must_use]
    pub fn scanned(&self) -> String {
        counted(self.files, "file")
    }

    /// Returns the number of findings in words.
    #[must_use]
    pub fn summary(&self) -> String {
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

pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
