//! What a command works with. Each object is created once, when it is first needed.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::time::Duration;

use hh_sdk::api::types::EventList;
use hh_sdk::auth::{FileStore, Profiles, StoreError};
use hh_sdk::config::{Env, Layer, Provenance, SettingName, Source, Stack, names};
use hh_sdk::tooling::{self, Layers, Resolved};
use hh_sdk::{Credential, HoneyHive, Options, SecurityLog};
use secrecy::SecretString;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Format, Global, List};
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui;

/// How long a command waits because the server asks for it: people are there, and rather hear when to come back.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A setting that is given directly, with the name that users know its place by.
pub(crate) type Direct = (SettingName, SecretString, String);

pub(crate) struct Context {
    global: Global,
    env: Env,
    has_warned: Cell<bool>,
    stack: OnceCell<Stack>,
    format: OnceCell<Format>,
    store: OnceCell<FileStore>,
    profiles: OnceCell<Result<Profiles, StoreError>>,
    resolved: OnceCell<Resolved>,
    client: OnceCell<HoneyHive>,
    runtime: OnceCell<Runtime>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            global,
            env: Env::from_process(),
            has_warned: Cell::new(false),
            stack: OnceCell::new(),
            format: OnceCell::new(),
            store: OnceCell::new(),
            profiles: OnceCell::new(),
            resolved: OnceCell::new(),
            client: OnceCell::new(),
            runtime: OnceCell::new(),
        }
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn global(&self) -> &Global {
        &self.global
    }

    /// Returns every setting except those of the stored profile and the key of the command line.
    pub(crate) fn stack(&self) -> &Stack {
        self.stack
            .get_or_init(|| tooling::load_without_profile(&self.options_with(&[])))
    }

    /// Returns the output format. An invalid setting gives a table: the commands that show settings must still work.
    pub(crate) fn format(&self) -> Format {
        *self.format.get_or_init(|| {
            let found = self.stack().text(names::OUTPUT_FORMAT).ok().flatten();
            if found.is_some_and(|found| found.value.eq_ignore_ascii_case("json")) {
                Format::Json
            } else {
                Format::Table
            }
        })
    }

    /// Returns whether the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format() == Format::Json
    }

    /// Returns the credential store.
    pub(crate) fn store(&self) -> Result<&FileStore, StoreError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = FileStore::of_user(&self.env)?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Returns the profiles that the credential store had when it was first read.
    pub(crate) fn profiles(&self) -> Result<&Profiles, StoreError> {
        let profiles = self
            .profiles
            .get_or_init(|| self.store().and_then(FileStore::load));
        profiles.as_ref().map_err(Clone::clone)
    }

    /// Returns all layers, the stored profile and the key of the command line included.
    pub(crate) fn layers(&self) -> Layers {
        self.layers_with(self.key_of_command_line())
    }

    /// Returns all layers with these direct settings; the key of the command line is one of them if it is to count.
    pub(crate) fn layers_with(&self, direct: Vec<Direct>) -> Layers {
        Layers::new(self.stack_with(direct), self.profiles())
    }

    /// Returns the layers above the stored profile with these direct settings.
    pub(crate) fn stack_with(&self, direct: Vec<Direct>) -> Stack {
        self.stack().clone().with(Layer::direct(direct))
    }

    /// Returns the options that read these settings again, with further direct ones.
    pub(crate) fn options_with(&self, direct: &[Direct]) -> Options {
        let quiet = self.global.quiet;
        let options = Options::new()
            .with_env(self.env.clone())
            .with_max_wait(MAX_WAIT)
            .with_reporter(move |line| print_unless_quiet(quiet, line));
        let direct = direct
            .iter()
            .map(|(name, value, place)| (*name, value.clone(), place.clone()));
        self.flags()
            .chain(direct)
            .fold(options, |options, (name, value, place)| {
                options.with_place(name, value, place)
            })
    }

    /// Returns the options that read all settings again, the key of the command line included.
    pub(crate) fn options(&self) -> Options {
        self.options_with(&self.key_of_command_line())
    }

    /// Returns the key of the command line as a direct setting.
    pub(crate) fn key_of_command_line(&self) -> Vec<Direct> {
        let key = self.global.api_key.iter();
        key.map(|key| (names::API_KEY, key.clone(), "--api-key".to_owned()))
            .collect()
    }

    /// Returns the flags as direct settings, without the key.
    fn flags(&self) -> impl Iterator<Item = Direct> {
        let global = &self.global;
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let flag = |on: bool| on.then(|| "true".to_owned());
        let format = global.output.map(|format| match format {
            Format::Table => "table".to_owned(),
            Format::Json => "json".to_owned(),
        });
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

    /// Warns once that other users can see a key on the command line.
    pub(crate) fn warn_of_visible_key(&self) {
        if self.global.api_key.is_some() && !self.has_warned.replace(true) {
            self.note(
                "warning: other users of this machine can see --api-key; better use --api-key-stdin at login, or HH_API_KEY",
            );
        }
    }

    /// Whether anything above the stored profile says where requests go.
    pub(crate) fn sets_base_url(&self) -> bool {
        self.provenance_above_profile(names::BASE_URL).is_some()
    }

    /// The place that gives a key in place of the stored one, other than a flag.
    pub(crate) fn other_key(&self) -> Option<Provenance> {
        self.provenance_above_profile(names::API_KEY)
    }

    fn provenance_above_profile(&self, name: SettingName) -> Option<Provenance> {
        let winner = self.stack().candidates(name).winner?;
        Some(winner.provenance().clone()).filter(|place| place.source() > Source::Stored)
    }

    /// The profile that a flag or variable names.
    pub(crate) fn profile_name(&self) -> Option<String> {
        let found = self.stack().text(names::PROFILE).ok().flatten();
        found.map(|found| found.value)
    }

    /// Where events of keys are recorded.
    pub(crate) fn security_log(&self) -> Result<SecurityLog, CliError> {
        let options = self.options_with(&[]);
        Ok(SecurityLog::open_with(&options, self.stack())?)
    }

    /// Returns the settings of this command with all layers, in a project if one is named here.
    fn resolved(&self, project: Option<&str>) -> Result<&Resolved, CliError> {
        if let Some(resolved) = self.resolved.get() {
            return Ok(resolved);
        }
        self.warn_of_visible_key();
        let resolved = self.layers_with(self.direct(project)).resolve()?;
        Ok(self.resolved.get_or_init(|| resolved))
    }

    fn direct(&self, project: Option<&str>) -> Vec<Direct> {
        let mut direct = self.key_of_command_line();
        direct.extend(project.map(|project| {
            let project = SecretString::from(project);
            (names::PROJECT, project, "--project".to_owned())
        }));
        direct
    }

    /// Returns the client of this command, in a project if one is named here.
    pub(crate) fn client(&self, project: Option<&str>) -> Result<&HoneyHive, CliError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let options = self.options_with(&self.direct(project));
        let client = self.client_of(&options, self.resolved(project)?)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Creates a client of other settings, which `options` read again.
    pub(crate) fn client_of(
        &self,
        options: &Options,
        resolved: &Resolved,
    ) -> Result<HoneyHive, CliError> {
        let client = tooling::create_client(options, resolved)?;
        let verify_ssl = &client.settings().verify_ssl;
        // This one is not for `--quiet` to leave out (docs/design/decisions.md#x3); without that it was said already.
        if self.global.quiet && !verify_ssl.value {
            ui::print_line(&format!(
                "warning: certificates are not checked (verify_ssl from {})",
                verify_ssl.provenance
            ));
        }
        let test_mode = &client.settings().test_mode;
        if test_mode.value {
            self.note(&format!(
                "note: test mode is on ({}), so no server is asked",
                test_mode.provenance
            ));
        }
        Ok(client)
    }

    /// Finds the project key in effect, and runs the `credential_command` if that stands highest.
    pub(crate) fn credential(&self) -> Result<Credential, CliError> {
        Ok(self.resolved(None)?.credential(&self.options())?)
    }

    /// Runs a future until it is done or Ctrl-C or SIGTERM comes.
    pub(crate) fn block_on<T>(
        &self,
        future: impl Future<Output = Result<T, hh_sdk::Error>>,
    ) -> Result<T, CliError> {
        self.runtime()?.block_on(async {
            let stop = stop_signal()?;
            tokio::select! {
                done = future => Ok(done?),
                () = stop => Err(CliError::new(Exit::Other, "interrupted")),
            }
        })
    }

    /// Returns the runtime, which has one thread.
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

    /// Warns that a page has fewer events than the limit because they are large.
    pub(crate) fn warn_truncated(&self, what: &str, page: &EventList) {
        let shown = page.events.len();
        if page.truncated {
            self.note(&format!(
                "The page was truncated after {shown} {what} because they are large; set --limit to {shown} or less, then read on with --page"
            ));
        }
    }

    /// Says what a page is not: all there is, or anything.
    pub(crate) fn print_pagination(&self, what: &str, list: &List, shown: usize, total: u64) {
        let before = u64::from(list.page - 1) * u64::from(list.limit);
        if total == 0 {
            self.note(&format!(
                "No {what} here; a key for several projects reads the project \"default\" unless you name one with --project"
            ));
        } else if shown == 0 {
            self.note(&format!(
                "Page {} is past the last; there are {total} {what}",
                list.page
            ));
        } else if before + (shown as u64) < total {
            self.note(&format!(
                "Shown: {shown} of at least {total} {what}; see more with --limit and --page"
            ));
        }
    }

    /// Says a line on stderr, unless people asked for quiet.
    pub(crate) fn note(&self, line: &str) {
        print_unless_quiet(self.global.quiet, line);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // A name server that does not answer holds a thread for a minute, which nobody waits for any more.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Becomes ready at Ctrl-C or SIGTERM, which from here on do not end the program by themselves.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let failed = |error: std::io::Error| CliError::new(Exit::Other, error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn print_unless_quiet(quiet: bool, line: &str) {
    if !quiet {
        ui::print_line(line);
    }
}
