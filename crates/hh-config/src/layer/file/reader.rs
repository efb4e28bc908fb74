//! Defines the state of reading a configuration file, which all steps share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hh_text::Diagnostic;

use crate::format::Lines;
use crate::problems::Problems;
use crate::{Env, Layer, LoadErrorKind, Location, Problem, Provenance, SettingName, Source};

/// The trust in the settings of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The caller named the file, or it is the user file or the system file.
    Named,
    /// The file was found in the working directory, and its content is trusted.
    Trusted,
    /// The file was found in the working directory and is not trusted.
    Untrusted,
}

/// The text of a configuration file and what is needed to read its settings.
pub(crate) struct ConfigFile<'a> {
    /// The path as the user wrote it.
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    pub(crate) source: Source,
    pub(crate) guard: Guard,
    /// The variables for substitution.
    pub(crate) env: &'a Env,
    /// The directory that relative paths in the file are resolved against.
    pub(crate) folder: &'a Path,
    /// The selected environment.
    pub(crate) environment: Option<&'a str>,
}

/// A configuration file that is being read, with its problems so far.
pub(super) struct Reader<'a> {
    pub(super) file: &'a ConfigFile<'a>,
    pub(super) path: Arc<Path>,
    pub(super) lines: Lines<'a>,
    pub(super) problems: Problems,
    pub(super) environments: BTreeMap<String, Layer>,
}

impl Reader<'_> {
    /// Returns the location of a byte of the text.
    pub(super) fn place(&self, at: usize) -> Location {
        let (line, column) = self.lines.of(at);
        Location::File {
            path: Arc::clone(&self.path),
            line,
            column,
        }
    }

    /// Adds a problem of a setting, with its location before the message.
    pub(super) fn problem(
        &mut self,
        kind: LoadErrorKind,
        what: impl Into<Diagnostic>,
        setting: SettingName,
        provenance: &Provenance,
    ) {
        let what = what
            .into()
            .with_prefix(format_args!("{}: ", provenance.place()));
        self.problems
            .push(Problem::new(kind, what).of(setting, provenance.clone()));
    }
}
