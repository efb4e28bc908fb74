//! Loads the configuration files: the project file or the named file, its overlay, the user file and the system file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;

use crate::format::EXTENSIONS;
use crate::layer::{ConfigFile, DotEnv, Guard, MAX_BYTES, conflicting_variables};
use crate::redact::redacted_path;
use crate::{
    DiscoveredFile, Env, FileState, Layer, LoadErrorKind, Problem, Source, Sourced, Stack,
    TrustedFiles, guarded, named_file, names, paths, read,
};

/// The name of a project file, without its extension.
const PROJECT_STEM: &str = "honeyhive";

/// Returns the paths of the overlays of a project file for all environments, such as `honeyhive.prod.yaml` for
/// `honeyhive.yaml`. For a file that is not a project file, the list is empty.
#[must_use]
pub fn overlays(path: &Path) -> Vec<PathBuf> {
    if path.file_stem() != Some(PROJECT_STEM.as_ref()) {
        return Vec::new();
    }
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let rest = name.strip_prefix(PROJECT_STEM);
            let rest = rest.and_then(|rest| rest.strip_prefix('.'));
            let environment = rest.and_then(|rest| rest.rsplit_once('.'));
            environment.is_some_and(|(environment, extension)| {
                is_environment(environment) && EXTENSIONS.contains(&extension)
            })
        })
        .map(|name| path.with_file_name(name))
        .collect();
    found.sort();
    found
}

/// Adds the layers of the `.env` file and of all configuration files.
pub(super) fn add(mut stack: Stack, env: &Env) -> Stack {
    let Some(named) = stack.text_or_problem(names::ENV_FILE) else {
        stack.files.push(DiscoveredFile::unnamed_dotenv());
        return add_config_files(stack, env, env);
    };
    let path = PathBuf::from(named.value);
    let dotenv = DotEnv::read(env, &path, &named.provenance);
    let state = if dotenv.is_read() {
        FileState::Read
    } else {
        FileState::Unreadable
    };
    let found = DiscoveredFile::new(Source::DotEnv, &env.resolve(&path), state);
    stack.files.push(found);
    if let Some(warning) = conflicting_variables(env, &dotenv) {
        stack.add_warning(warning);
    }
    let stack = stack.with(dotenv.layer());
    // The process environment overrides the file, also in substitutions (see `docs/design/decisions.md#p3`).
    add_config_files(stack, env, &env.clone().with_lower(dotenv.pairs()))
}

/// Adds the layers of all configuration files.
///
/// Only `env` determines their paths. `variables`, which also contains the `.env` file, is for substitution.
fn add_config_files(stack: Stack, env: &Env, variables: &Env) -> Stack {
    let mut files = Files::new(stack, env, variables);
    files.base();
    files.user();
    if let Some(dir) = env.system_dir() {
        files.found(Source::System, dir, "config");
    }
    files.stack
}

impl Stack {
    /// Returns the files that loading searched for, in the order of the search.
    #[must_use]
    pub fn files(&self) -> &[DiscoveredFile] {
        &self.files
    }

    /// Builds the stack of a single configuration file, as if the caller had named it.
    #[must_use]
    pub fn of_file(env: &Env, path: &Path) -> Self {
        let mut files = Files::new(Self::new(), env, env);
        let environments = files.file(Source::Named, path, Guard::Named);
        files.alone(environments)
    }

    /// Builds the stack of a single configuration file from its text. The extension of `path` determines the format.
    #[must_use]
    pub fn of_text(env: &Env, path: &Path, text: &str) -> Self {
        let mut files = Files::new(Self::new(), env, env);
        let folder = env.resolve(path.parent().unwrap_or(Path::new("")));
        let text = hh_text::without_bom(text);
        let environments = files.text(Source::Named, path, (text, &folder), Guard::Named);
        files.alone(environments)
    }
}

struct Files<'a> {
    stack: Stack,
    env: &'a Env,
    /// The variables for substitution.
    variables: &'a Env,
    /// The selected environment.
    environment: Option<Sourced<String>>,
    /// The trusted files, which are read when the working directory contains a file.
    trusted: Option<TrustedFiles>,
}

impl<'a> Files<'a> {
    fn new(mut stack: Stack, env: &'a Env, variables: &'a Env) -> Self {
        let environment = stack.text_or_problem(names::ENVIRONMENT);
        Self {
            stack,
            env,
            variables,
            environment,
            trusted: None,
        }
    }

    /// Returns the stack with the problems of all environments of the file, not only of the selected one.
    fn alone(mut self, environments: BTreeMap<String, Layer>) -> Stack {
        for layer in environments.into_values() {
            let alone = Stack::new().with(layer);
            self.stack.add_problems(alone.problems());
        }
        self.stack
    }

    /// Adds the named file or the project file, and the overlay of the selected environment.
    fn base(&mut self) {
        let named = self.stack.text_or_problem(names::CONFIG_FILE);
        let named = named.map(|named| PathBuf::from(named.value));
        let guard = if named.is_some() {
            Guard::Named
        } else {
            Guard::Untrusted
        };
        let (path, environments) = match (named, self.env.working_dir().map(Path::to_owned)) {
            (Some(path), _) => {
                let environments = self.file(Source::Named, &path, Guard::Named);
                (Some(path), environments)
            }
            (None, Some(dir)) => match self.find(Source::Project, &dir, PROJECT_STEM) {
                Some(path) => {
                    let environments = self.file(Source::Project, &path, Guard::Untrusted);
                    (Some(path), environments)
                }
                None => (None, BTreeMap::new()),
            },
            (None, None) => (None, BTreeMap::new()),
        };
        if let Some(environment) = self.environment.clone() {
            self.overlay(path.as_deref(), guard, &environment, environments);
        }
    }

    /// Adds the overlay of the selected environment; a missing overlay or two overlays are a problem.
    fn overlay(
        &mut self,
        base: Option<&Path>,
        guard: Guard,
        environment: &Sourced<String>,
        mut environments: BTreeMap<String, Layer>,
    ) {
        let (name, from) = (&environment.value, &environment.provenance);
        let fail = |what: Diagnostic| Problem::new(LoadErrorKind::Conflict, what);
        if !is_environment(name) {
            let what = format!(
                "invalid value for environment ({}): expected only letters, digits, - and _",
                from.place()
            );
            self.stack
                .add_problems([fail(what.into()).of(names::ENVIRONMENT, from.clone())]);
            return;
        }
        let Some(dir) = base.and_then(Path::parent).or(self.env.working_dir()) else {
            let what = Diagnostic::new(format!(
                "environment ({}) requires a configuration file, but none was found",
                from.place()
            ));
            let what = what.with_hint("set HH_CONFIG_FILE");
            self.stack
                .add_problems([fail(what).of(names::ENVIRONMENT, from.clone())]);
            return;
        };
        let mut found: Vec<PathBuf> = Vec::new();
        for stem in stems(base) {
            let files = EXTENSIONS.map(|extension| dir.join(format!("{stem}.{name}.{extension}")));
            // A file is not its own overlay.
            let files = files
                .into_iter()
                .filter(|file| Some(file.as_path()) != base);
            found.extend(files.filter(|file| exists(&self.env.resolve(file))));
        }
        let inside = environments.remove(name);
        let problem = match (found.as_slice(), inside) {
            ([], Some(layer)) => {
                self.stack.push(layer);
                return;
            }
            ([path], None) => {
                self.file(Source::Overlay, path, guard);
                return;
            }
            ([], None) => {
                let stem = stems(base).swap_remove(0);
                let place = dir.join(format!("{stem}.{name}.yaml"));
                let base = base.map(|base| {
                    format!(
                        ", and {} does not define environments.{name}",
                        base.display()
                    )
                });
                Diagnostic::new(format!(
                    "the environment {name} ({}) has no overlay: {} does not exist{}",
                    from.place(),
                    place.display(),
                    base.unwrap_or_default()
                ))
            }
            ([path], Some(_)) => Diagnostic::new(format!(
                "the environment {name} has two overlays: {} and environments.{name} in {}",
                path.display(),
                base.unwrap_or(Path::new("the file")).display()
            ))
            .with_hint("remove one"),
            ([one, other, ..], _) => both(one, other),
        };
        self.stack
            .add_problems([fail(problem).of(names::ENVIRONMENT, from.clone())]);
    }

    /// Adds the user file: the one in the XDG directory, or else the one in `~/.honeyhive`.
    fn user(&mut self) {
        let xdg = paths::config_dir(self.env);
        let home = self.env.home().map(|home| home.join(".honeyhive"));
        let found = xdg
            .as_ref()
            .and_then(|dir| self.find(Source::User, dir, "config"));
        let Some(home) = home else {
            if let Some(path) = found {
                self.file(Source::User, &path, Guard::Named);
            }
            return;
        };
        match (found, self.find(Source::User, &home, "config")) {
            (None, None) => {}
            (Some(path), None) | (None, Some(path)) => {
                self.file(Source::User, &path, Guard::Named);
            }
            (Some(path), Some(other)) => {
                self.file(Source::User, &path, Guard::Named);
                self.stack.files.push(DiscoveredFile::new(
                    Source::User,
                    &other,
                    FileState::Ignored,
                ));
                self.stack.add_warning(format!(
                    "ignored {}, because {} takes precedence; merge the files",
                    other.display(),
                    path.display()
                ));
            }
        }
    }

    fn found(&mut self, source: Source, dir: &Path, stem: &str) {
        if let Some(path) = self.find(source, dir, stem) {
            self.file(source, &path, Guard::Named);
        }
    }

    /// Finds the file with one of the extensions; two such files are a problem.
    fn find(&mut self, source: Source, dir: &Path, stem: &str) -> Option<PathBuf> {
        let spellings = EXTENSIONS.map(|extension| dir.join(format!("{stem}.{extension}")));
        // Most of the directories do not exist. This check saves four checks for files.
        let is_there = dir.exists();
        let mut found = spellings.iter().filter(|path| is_there && exists(path));
        match (found.next(), found.next()) {
            (None, _) => {
                let absent = DiscoveredFile::new(source, &spellings[0], FileState::Absent);
                self.stack.files.push(absent);
                None
            }
            (Some(path), None) => Some(path.clone()),
            (Some(path), Some(other)) => {
                let problem = Problem::new(LoadErrorKind::Conflict, both(path, other));
                self.stack.add_problems([problem]);
                let two = DiscoveredFile::new(source, path, FileState::TwoSpellings);
                self.stack.files.push(two);
                None
            }
        }
    }

    /// Reads a file and adds its layer; returns the layers of its `environments`.
    fn file(&mut self, source: Source, path: &Path, guard: Guard) -> BTreeMap<String, Layer> {
        let opened = self.env.resolve(path);
        // The caller did not name these files, and they can determine which programs run.
        let is_guarded = matches!(source, Source::User | Source::System);
        let named_by = self.stack.candidates(names::CONFIG_FILE).winner;
        let named_by = named_by.filter(|_| source == Source::Named);
        let named_by = named_by.map(|named| named.provenance().place());
        let text = if is_guarded {
            guarded::text(&opened, MAX_BYTES, source, self.env.home().as_deref())
        } else {
            let text = if source == Source::Named {
                named_file::text(self.env.pipes(), &opened, MAX_BYTES)
            } else {
                read::text(&opened, MAX_BYTES)
            };
            text.map_err(|what| (LoadErrorKind::Unreadable, what))
        };
        let text = match text {
            Ok(text) => text,
            Err((kind, what)) => {
                let named_by = named_by.map(|place| format!(" ({place})"));
                let what = what.with_prefix(format_args!(
                    "the configuration file {}{} ",
                    redacted_path(path).display(),
                    named_by.unwrap_or_default()
                ));
                self.stack.add_problems([Problem::new(kind, what)]);
                let state = if kind == LoadErrorKind::Unsafe {
                    FileState::Unsafe
                } else {
                    FileState::Unreadable
                };
                self.stack
                    .files
                    .push(DiscoveredFile::new(source, &opened, state));
                return BTreeMap::new();
            }
        };
        let guard = if guard == Guard::Untrusted && self.is_trusted(&opened, &text) {
            Guard::Trusted
        } else {
            guard
        };
        let state = match guard {
            Guard::Named => FileState::Read,
            Guard::Trusted => FileState::Trusted,
            Guard::Untrusted => FileState::NotTrusted,
        };
        self.stack
            .files
            .push(DiscoveredFile::new(source, &opened, state));
        // The list of trusted files contains the path of the target, not of a symbolic link to it.
        let opened = match guard {
            Guard::Trusted => std::fs::canonicalize(&opened).unwrap_or(opened),
            Guard::Named | Guard::Untrusted => opened,
        };
        let folder = opened.parent().unwrap_or(Path::new(""));
        self.text(source, path, (&text, folder), guard)
    }

    /// Adds the layer of the text of a file; returns the layers of its `environments`.
    fn text(
        &mut self,
        source: Source,
        path: &Path,
        (text, folder): (&str, &Path),
        guard: Guard,
    ) -> BTreeMap<String, Layer> {
        let file = ConfigFile {
            path,
            text,
            source,
            guard,
            env: self.variables,
            folder,
            environment: self.environment.as_ref().map(|found| found.value.as_str()),
        };
        let layers = file.layers();
        self.stack.push(layers.layer);
        layers.environments
    }

    fn is_trusted(&mut self, path: &Path, text: &str) -> bool {
        if self.trusted.is_none() {
            let trusted = TrustedFiles::load(self.env);
            self.trusted = Some(trusted.unwrap_or_else(|error| {
                let lines: Vec<_> = error.problems().map(Problem::to_line).collect();
                self.stack.add_warning(lines.join("; "));
                TrustedFiles::default()
            }));
        }
        self.trusted
            .as_ref()
            .is_some_and(|trusted| trusted.contains(path, text))
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn both(one: &Path, other: &Path) -> Diagnostic {
    Diagnostic::new(format!(
        "both {} and {} exist, and only one is allowed",
        one.display(),
        other.display()
    ))
    .with_hint("remove one")
}

/// Returns the possible first parts of the name of an overlay: the name of the base file without extension, and
/// `honeyhive`.
fn stems(base: Option<&Path>) -> Vec<String> {
    let stem = base
        .and_then(Path::file_stem)
        .map(|stem| stem.to_string_lossy().into_owned());
    match stem {
        Some(stem) if stem != PROJECT_STEM => vec![stem, PROJECT_STEM.to_owned()],
        _ => vec![PROJECT_STEM.to_owned()],
    }
}

fn is_environment(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
