//! Defines the result of a scan; no finding contains the text of a key.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use hh_auth::redact;
use hh_config::redact_keys;
use hh_text::one_line;
use serde::Serialize;

use crate::detect::Confidence;
use crate::dockerfile;
use crate::scanner::{Encoding, Match, ScanResult};

/// The findings of a scan and what it could not read.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The keys that were found.
    pub findings: Vec<Finding>,
    /// The number of possible keys that are not listed.
    #[serde(rename = "left_out")]
    pub omitted: usize,
    /// The number of files, or of file versions in a repository, that were scanned.
    pub files: usize,
    /// The files and folders that could not be scanned, with the reasons.
    #[serde(rename = "unread")]
    pub errors: Vec<String>,
    /// Notes about content that is not available, such as older commits of a shallow clone.
    pub notes: Vec<String>,
}

/// A key that was found, without its text.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// `confirmed` by the checksum, or `possible` by the format.
    #[serde(rename = "certainty")]
    pub confidence: &'static str,
    /// The kind of key, or of the place that contains it.
    pub kind: String,
    /// The redacted key, if there is one.
    pub key: Option<String>,
    /// The path of the file.
    pub path: String,
    /// The line, starting at 1.
    pub line: usize,
    /// The column in characters, starting at 1.
    pub column: usize,
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
        write!(formatter, "{path}:{line}:{column}: {}", self.description())?;
        match &self.commit {
            Some(commit) => write!(formatter, ", commit {}", commit.get(..12).unwrap_or(commit)),
            None => Ok(()),
        }
    }
}

fn redacted(text: &str) -> String {
    redact_keys(text, redact)
}

/// Returns a path that is safe to print: a name is untrusted and may contain a key.
pub(crate) fn redacted_path(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    one_line(&redacted(&path.to_string_lossy())).into_owned()
}

pub(crate) fn redacted_folder(folder: &Path) -> String {
    if folder == Path::new(".") {
        "the current directory".to_owned()
    } else {
        redacted_path(folder)
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
            line: hit.line,
            column: hit.column,
            encoding: match hit.encoding {
                Encoding::Plain => None,
                Encoding::Utf16 => Some("UTF-16"),
                Encoding::Base64 => Some("base64"),
            },
            commit: commit.map(str::to_owned),
        };
        self.findings
            .extend(result.matches.into_iter().map(finding));
    }

    pub(crate) fn add_error(&mut self, path: &Path, error: &impl fmt::Display) {
        let why = redacted(&error.to_string());
        self.errors
            .push(format!("cannot scan {}: {why}", redacted_path(path)));
    }

    /// Sorts the findings by path, line and column: files are scanned in parallel.
    pub fn sort(&mut self) {
        self.findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.line, finding.column);
            let place = one.path.cmp(&other.path).then(key(one).cmp(&key(other)));
            place.then_with(|| one.commit.cmp(&other.commit))
        });
        self.errors.sort();
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

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
