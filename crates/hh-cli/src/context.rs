//! Defines the context of a command. Each object is created once, when it is first needed.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use hh_sdk::auth::{FileStore, Profiles, StoreError};
use hh_sdk::config::{Env, Layer, Provenance, SettingName, Source, Stack, names};
use hh_sdk::tooling::{self, Layers, Resolved};
use hh_sdk::{Credential, HoneyHive, Options, SecurityLog};
use secrecy::SecretString;
use tokio::runtime::Runtime;

use crate::args::{Format, Global};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::output::{Pager, Printer, Progress, Screen};
use crate::ui;

/// The longest `Retry-After` that a command waits for. For an interactive user, an error is better than a longer wait.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The minimum length of the beginning of an id, in characters.
const MIN_PART_OF_ID: usize = 8;

/// A setting that is set directly, with its value and the name of its source, such as `--base-url`.
pub(crate) type Direct = (SettingName, SecretString, String);

/// The settings and objects that a command uses.
pub(crate) struct Context {
    global: Global,
    env: Env,
    has_warned: Cell<bool>,
    stack: OnceCell<Stack>,
    printer: OnceCell<Printer>,
    store: OnceCell<FileStore>,
    profiles: OnceCell<Result<Profiles, StoreError>>,
    resolved: OnceCell<Resolved>,
    client: OnceCell<HoneyHive>,
    runtime: OnceCell<Runtime>,
}

impl Context {
    /// Creates the context from the global options. Reads nothing yet.
    pub(crate) fn new(global: Global) -> Self {
        Self {
            global,
            env: Env::from_process(),
            has_warned: Cell::new(false),
            stack: OnceCell::new(),
            printer: OnceCell::new(),
            store: OnceCell::new(),
            profiles: OnceCell::new(),
            resolved: OnceCell::new(),
            client: OnceCell::new(),
            runtime: OnceCell::new(),
        }
    }

    /// Returns the environment of the process.
    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    /// Returns the global options of the command line.
    pub(crate) fn global(&self) -> &Global {
        &self.global
    }

    /// Returns all settings except the stored profile and the key of the command line.
    pub(crate) fn stack(&self) -> &Stack {
        self.stack
            .get_or_init(|| tooling::load_without_profile(&self.options_with(&[])))
    }

    /// Returns the printer of results.
    pub(crate) fn printer(&self) -> &Printer {
        self.printer.get_or_init(|| {
            let global = &self.global;
            Printer::new(
                self.format(),
                global.json.clone(),
                global.jq.clone(),
                Screen::of_stdout(&self.env, global.utc),
                Pager::of_user(),
            )
        })
    }

    /// Returns the output format, or the table format if the setting is invalid, because commands that show settings
    /// must still work.
    pub(crate) fn format(&self) -> Format {
        // These options select JSON, unless an option selects another format.
        let selects_json = !self.global.json.is_empty() || self.global.jq.is_some();
        match self.global.output {
            Some(format) => format,
            None if selects_json => Format::Json,
            None => {
                let found = self.stack().text(names::OUTPUT_FORMAT).ok().flatten();
                let format = found.and_then(|found| Format::of_name(&found.value));
                format.unwrap_or(Format::Table)
            }
        }
    }

    /// Returns an error if the options for the output contradict each other.
    pub(crate) fn check_output(&self) -> Result<(), CliError> {
        let conflict = |option: &str, format: Format| {
            let format = format.as_str();
            Err(CliError::usage(format!(
                "the option {option} cannot be used with --output {format}"
            )))
        };
        match self.global.output {
            Some(format) if self.global.jq.is_some() && format != Format::Json => {
                conflict("--jq", format)
            }
            Some(format @ Format::Table) if !self.global.json.is_empty() => {
                conflict("--json", format)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns an error if an option that applies only to text is used with a format for programs.
    pub(crate) fn check_is_text(&self, option: &str) -> Result<(), CliError> {
        let format = self.format();
        if format == Format::Table {
            return Ok(());
        }
        Err(CliError::usage(format!(
            "the option {option} cannot be used with --output {}",
            format.as_str()
        )))
    }

    /// Warns of options for the output that had no effect, or not the expected one.
    pub(crate) fn warn_of_unused_options(&self) {
        if self.global.json.is_empty() && self.global.jq.is_none() {
            return;
        }
        if let Some(note) = self.printer().note() {
            self.note(note);
        }
        for option in self.printer().unused_options() {
            self.note(&format!(
                "warning: {option} has no effect, because this command prints no data"
            ));
        }
    }

    /// Returns whether errors are printed as JSON objects.
    pub(crate) fn has_json_errors(&self) -> bool {
        let selects_json = !self.global.json.is_empty() || self.global.jq.is_some();
        let is_implied = selects_json && self.global.output.is_none();
        !is_implied && matches!(self.format(), Format::Json | Format::Jsonl)
    }

    /// Returns the credential store.
    pub(crate) fn store(&self) -> Result<&FileStore, StoreError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = FileStore::of_user(&self.env)?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Returns the profiles of the credential store, which is read once.
    pub(crate) fn profiles(&self) -> Result<&Profiles, StoreError> {
        let profiles = self
            .profiles
            .get_or_init(|| self.store().and_then(FileStore::load));
        profiles.as_ref().map_err(Clone::clone)
    }

    /// Returns all layers, including the stored profile and the key of the command line.
    pub(crate) fn layers(&self) -> Layers {
        self.layers_with(self.key_of_command_line())
    }

    /// Returns all layers with these direct settings. The key of the command line is included only if the caller adds
    /// it.
    pub(crate) fn layers_with(&self, direct: Vec<Direct>) -> Layers {
        Layers::new(self.stack_with(direct), self.profiles())
    }

    /// Returns the layers above the stored profile with these direct settings.
    pub(crate) fn stack_with(&self, direct: Vec<Direct>) -> Stack {
        self.stack().clone().with(Layer::direct(direct))
    }

    /// Returns options that load the settings again, with additional direct settings.
    pub(crate) fn options_with(&self, direct: &[Direct]) -> Options {
        let quiet = self.global.quiet;
        let options = Options::new()
            .with_env(self.env.clone())
            .with_max_wait(MAX_WAIT);
        let options = tooling::with_reporter(options, move |severity, line| {
            if !quiet {
                ui::print_line(&format!("{}{line}", severity.prefix()));
            }
        });
        let direct = direct
            .iter()
            .map(|(name, value, place)| (*name, value.clone(), place.clone()));
        self.flags()
            .chain(direct)
            .fold(options, |options, (name, value, place)| {
                options.with_place(name, value, place)
            })
    }

    /// Returns options that load all settings again, including the key of the command line.
    pub(crate) fn options(&self) -> Options {
        self.options_with(&self.key_of_command_line())
    }

    /// Returns the key of the command line as a direct setting.
    pub(crate) fn key_of_command_line(&self) -> Vec<Direct> {
        let key = self.global.api_key.iter();
        key.map(|key| (names::API_KEY, key.clone(), "--api-key".to_owned()))
            .collect()
    }

    /// Returns the global options except the key as direct settings.
    fn flags(&self) -> impl Iterator<Item = Direct> {
        let global = &self.global;
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let flag = |on: bool| on.then(|| "true".to_owned());
        let format = global.output.map(|format| format.as_str().to_owned());
        [
            (names::BASE_URL, "--base-url", global.base_url.clone()),
            (
                names::CONFIG_FILE,
                "--config-file",
                path(&global.config_file),
            ),
            (names::ENV_FILE, "--env-file", path(&global.env_file)),
            (
                names::ENVIRONMENT,
                "--environment",
                global.environment.clone(),
            ),
            (names::PROFILE, "--profile", global.profile.clone()),
            (names::OUTPUT_FORMAT, "--output", format),
            (names::VERBOSE, "--verbose", flag(global.verbose)),
            (names::DEBUG, "--debug", flag(global.debug)),
            (names::STRICT, "--strict", flag(global.strict)),
            (
                names::SECURITY_LOG,
                "--security-log",
                path(&global.security_log),
            ),
        ]
        .into_iter()
        .filter_map(|(name, place, value)| Some((name, value?.into(), place.to_owned())))
    }

    /// Warns once that a key on the command line is visible to other users.
    pub(crate) fn warn_of_visible_key(&self) {
        if self.global.api_key.is_some() && !self.has_warned.replace(true) {
            self.note(
                "warning: --api-key is visible to other users of this machine; use HH_API_KEY or `honeyhive auth login --api-key-stdin` instead",
            );
        }
    }

    /// Returns whether a source with precedence over the stored profile sets the base URL.
    pub(crate) fn sets_base_url(&self) -> bool {
        self.provenance_above_profile(names::BASE_URL).is_some()
    }

    /// Returns the provenance of a key that takes precedence over the stored one, except the key of the command line.
    pub(crate) fn other_key(&self) -> Option<Provenance> {
        self.provenance_above_profile(names::API_KEY)
    }

    /// Returns the provenance of a setting if its source takes precedence over the stored profile.
    fn provenance_above_profile(&self, name: SettingName) -> Option<Provenance> {
        let winner = self.stack().candidates(name).winner?;
        Some(winner.provenance().clone()).filter(|place| place.source() > Source::Stored)
    }

    /// Returns the name of the profile that an option or a variable selects.
    pub(crate) fn profile_name(&self) -> Option<String> {
        let found = self.stack().text(names::PROFILE).ok().flatten();
        found.map(|found| found.value)
    }

    /// Returns the security log, which records security events.
    pub(crate) fn security_log(&self) -> Result<SecurityLog, CliError> {
        let options = self.options_with(&[]);
        Ok(SecurityLog::open_with(&options, self.stack())?)
    }

    /// Returns the resolved settings of this command, for a project if one is given.
    fn resolved(&self, project: Option<&str>) -> Result<&Resolved, CliError> {
        if let Some(resolved) = self.resolved.get() {
            return Ok(resolved);
        }
        self.warn_of_visible_key();
        let resolved = self.layers_with(self.direct(project)).resolve()?;
        Ok(self.resolved.get_or_init(|| resolved))
    }

    /// Returns the direct settings of the command line: the key and a project if one is given.
    fn direct(&self, project: Option<&str>) -> Vec<Direct> {
        let mut direct = self.key_of_command_line();
        direct.extend(project.map(|project| {
            let project = SecretString::from(project);
            (names::PROJECT, project, "--project".to_owned())
        }));
        direct
    }

    /// Returns the client of this command, for a project if one is given.
    pub(crate) fn client(&self, project: Option<&str>) -> Result<&HoneyHive, CliError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let named = match project {
            Some(project) if is_part_of_id(project) => Some(self.project_name(project)?),
            Some(_) | None => None,
        };
        let project = named.as_deref().or(project);
        let options = self.options_with(&self.direct(project));
        let client = self.client_of(&options, self.resolved(project)?)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Returns the name of the project whose id begins with `part`, which tables show. A name takes precedence.
    fn project_name(&self, part: &str) -> Result<String, CliError> {
        let options = self.options();
        let client = self.client_of(&options, &self.layers().resolve()?)?;
        // A key that may not list projects can still use the text as a name.
        let Ok(projects) = self.block_on(client.list_projects()) else {
            return Ok(part.to_owned());
        };
        let mut found = projects
            .iter()
            .filter(|project| project.id.starts_with(part));
        let is_name = projects.iter().any(|project| project.name == part);
        match (found.next(), found.next()) {
            (Some(project), None) if !is_name => Ok(project.name.clone()),
            // The server reports a project that does not exist.
            _ => Ok(part.to_owned()),
        }
    }

    /// Creates a client with the resolved settings. `options` must load the same settings again.
    pub(crate) fn client_of(
        &self,
        options: &Options,
        resolved: &Resolved,
    ) -> Result<HoneyHive, CliError> {
        let client = tooling::create_client(options, resolved)?;
        let verify_ssl = &client.settings().verify_ssl;
        // `--quiet` does not suppress this warning (docs/design/decisions.md#x3). Without `--quiet`, the reporter has
        // already printed it.
        if self.global.quiet && !verify_ssl.value {
            ui::print_line(&format!(
                "warning: certificates are not verified (verify_ssl from {})",
                verify_ssl.provenance
            ));
        }
        if let Some(place) = client
            .settings()
            .insecure_http()
            .filter(|_| self.global.quiet)
        {
            ui::print_line(&unencrypted(place));
        }
        let test_mode = &client.settings().test_mode;
        if test_mode.value {
            self.note(&format!(
                "note: test mode is on ({}), so no request is sent",
                test_mode.provenance
            ));
        }
        Ok(client)
    }

    /// Resolves the active project key. Runs the `credential_command` if it takes precedence.
    pub(crate) fn credential(&self) -> Result<Credential, CliError> {
        Ok(self.resolved(None)?.credential(&self.options())?)
    }

    /// Runs the future of a request until it completes, or until Ctrl-C or SIGTERM.
    pub(crate) fn block_on<T>(
        &self,
        future: impl Future<Output = Result<T, hh_sdk::Error>>,
    ) -> Result<T, CliError> {
        self.run(async { future.await.map_err(|error| self.explain(error)) })
    }

    /// Runs a future until it completes, or until Ctrl-C or SIGTERM.
    pub(crate) fn run<T>(
        &self,
        future: impl Future<Output = Result<T, CliError>>,
    ) -> Result<T, CliError> {
        let mut result = None;
        let keep_result = async { result = Some(future.await) };
        interrupt::run_until_signal(self.runtime()?, pin!(keep_result))?;
        result.unwrap_or_else(|| Err(CliError::new(Exit::Interrupted, "interrupted")))
    }

    /// Converts the error of a request. The path of the base URL can be the reason for a status of 404.
    pub(crate) fn explain(&self, error: hh_sdk::Error) -> CliError {
        let is_missing = error.status() == Some(404);
        let error = CliError::from(error);
        let base_url = self.stack().text(names::BASE_URL).ok().flatten();
        match base_url.filter(|found| is_missing && ends_with_version(&found.value)) {
            Some(found) => error.with_hint(format!(
                "remove /v1 from base_url ({}), because every request adds it",
                found.provenance
            )),
            None => error,
        }
    }

    /// Returns the single-threaded runtime.
    pub(crate) fn runtime(&self) -> Result<&Runtime, CliError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Prints what the command has done to stderr, except with `--quiet`. The first word is a past participle.
    pub(crate) fn success(&self, line: &str) {
        if !self.global.quiet {
            ui::print_success(line);
        }
    }

    /// Returns the progress of an operation that processes `what`, a plural noun.
    pub(crate) fn progress(&self, what: &'static str) -> Progress {
        Progress::new(what, !self.global.quiet)
    }

    /// Prints a line to stderr, except with `--quiet`.
    pub(crate) fn note(&self, line: &str) {
        if !self.global.quiet {
            ui::print_line(line);
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // A DNS lookup without a response can block its thread for a minute; do not wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Returns whether a base URL ends with the version of the API, which is part of the path of each request.
pub(crate) fn ends_with_version(base_url: &str) -> bool {
    base_url.trim().trim_end_matches('/').ends_with("/v1")
}

/// Returns whether a text can be the beginning of an id of a project or a session.
pub(crate) fn is_part_of_id(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    text.len() >= MIN_PART_OF_ID && text.bytes().all(is_of_id)
}

/// Returns the warning about plain HTTP to another machine; `place` is the source of `insecure_http_hosts`.
pub(crate) fn unencrypted(place: &Provenance) -> String {
    format!("warning: the connection is not encrypted (insecure_http_hosts from {place})")
}
