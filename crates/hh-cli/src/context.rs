//! What commands share: options, the client and the runtime, each made when asked for.

use std::time::Duration;

use hh_sdk::api::types::EventList;
use hh_sdk::config::{Env, Provenance, SettingName, Source, Stack, names};
use hh_sdk::{HoneyHive, Options, SecurityLog};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Form, Global, List};
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui;

/// How long a command waits because the server asks for it: people are there, and rather hear when to come back.
const MAX_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Context {
    global: Global,
    env: Env,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            global,
            env: Env::from_process(),
        }
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn global(&self) -> &Global {
        &self.global
    }

    /// The flags as direct parameters, without the key.
    pub(crate) fn options_without_key(&self) -> Options {
        let global = &self.global;
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_ref()
                .map(|path| path.to_string_lossy().into_owned())
        };
        let flag = |on: bool| on.then(|| "true".to_owned());
        let form = global.output.map(|form| match form {
            Form::Table => "table".to_owned(),
            Form::Json => "json".to_owned(),
        });
        let quiet = global.quiet;
        let options = Options::new()
            .with_env(self.env.clone())
            .with_max_wait(MAX_WAIT)
            .with_reporter(move |line| say_unless(quiet, line));
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
            (names::OUTPUT_FORMAT, "--output", form),
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
        .fold(options, |options, (name, place, value)| match value {
            Some(value) => options.with_place(name, value, place),
            None => options,
        })
    }

    /// All flags as direct parameters.
    pub(crate) fn options(&self) -> Options {
        if self.global.api_key.is_some() {
            self.say(
                "warning: other users of this machine can see --api-key; better use --api-key-stdin at login, or HH_API_KEY",
            );
        }
        self.options_without_warning()
    }

    /// The same for a second look, which warns of nothing again.
    pub(crate) fn options_without_warning(&self) -> Options {
        let options = self.options_without_key();
        match &self.global.api_key {
            Some(key) => options.with_place(names::API_KEY, key.clone(), "--api-key"),
            None => options,
        }
    }

    /// Whether anything above the stored profile says where requests go.
    pub(crate) fn sets_base_url(&self) -> bool {
        self.above_the_store(names::BASE_URL).is_some()
    }

    /// The place that gives a key in place of the stored one, other than a flag.
    pub(crate) fn other_key(&self) -> Option<Provenance> {
        self.above_the_store(names::API_KEY)
    }

    fn above_the_store(&self, name: SettingName) -> Option<Provenance> {
        let stack = self.stack_above_the_store();
        let winner = stack.candidates(name).winner?;
        Some(winner.provenance().clone()).filter(|place| place.source() > Source::Stored)
    }

    /// The profile that a flag or variable names.
    pub(crate) fn profile_name(&self) -> Option<String> {
        let stack = self.stack_above_the_store();
        let found = stack.text(names::PROFILE).ok().flatten();
        found.map(|found| found.value)
    }

    /// All settings but those of the stored profile, and without the key of the command line.
    pub(crate) fn stack_above_the_store(&self) -> Stack {
        hh_sdk::layers_above_the_store(&self.options_without_key())
    }

    /// Where events of keys are recorded.
    pub(crate) fn security_log(&self) -> Result<SecurityLog, CliError> {
        Ok(SecurityLog::open(&self.options_without_key())?)
    }

    /// The client of these options, in a project if one is named here.
    pub(crate) fn client(
        &self,
        options: Options,
        project: Option<&str>,
    ) -> Result<HoneyHive, CliError> {
        let options = match project {
            Some(project) => options.with_place(names::PROJECT, project.to_owned(), "--project"),
            None => options,
        };
        let client = HoneyHive::builder().with_options(options).build()?;
        let verify_ssl = &client.settings().verify_ssl;
        // This one is not for `--quiet` to leave out (decisions X3); without that it was said already.
        if self.global.quiet && !verify_ssl.value {
            ui::say(&format!(
                "warning: certificates are not checked (verify_ssl from {})",
                verify_ssl.provenance
            ));
        }
        let test_mode = &client.settings().test_mode;
        if test_mode.value {
            self.say(&format!(
                "note: test mode is on ({}), so no server is asked",
                test_mode.provenance
            ));
        }
        Ok(client)
    }

    /// Warns that a page has fewer events than the limit because they are large.
    pub(crate) fn warn_truncated(&self, what: &str, page: &EventList) {
        let shown = page.events.len();
        if page.truncated {
            self.say(&format!(
                "The page was truncated after {shown} {what} because they are large; set --limit to {shown} or less, then read on with --page"
            ));
        }
    }

    /// Says what a page is not: all there is, or anything.
    pub(crate) fn say_more(&self, what: &str, list: &List, shown: usize, total: u64) {
        let before = u64::from(list.page - 1) * u64::from(list.limit);
        if total == 0 {
            self.say(&format!(
                "No {what} here; a key for several projects reads the project \"default\" unless you name one with --project"
            ));
        } else if shown == 0 {
            self.say(&format!(
                "Page {} is past the last; there are {total} {what}",
                list.page
            ));
        } else if before + (shown as u64) < total {
            self.say(&format!(
                "Shown: {shown} of at least {total} {what}; see more with --limit and --page"
            ));
        }
    }

    /// Says a line on stderr, unless people asked for quiet.
    pub(crate) fn say(&self, line: &str) {
        say_unless(self.global.quiet, line);
    }
}

/// Runs a future on a runtime of one thread, until it is done or Ctrl-C or SIGTERM comes.
pub(crate) fn block_on<T>(
    future: impl Future<Output = Result<T, hh_sdk::Error>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
    let done = runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            done = future => Ok(done?),
            () = stop => Err(CliError::new(Exit::Other, "interrupted")),
        }
    });
    // A name server that does not answer holds a thread for a minute, which nobody waits for any more.
    runtime.shutdown_background();
    done
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

/// Tells whether settings ask for JSON.
pub(crate) fn wants_json(settings: &hh_sdk::config::Settings) -> bool {
    settings.output_format.value == "json"
}

fn say_unless(quiet: bool, line: &str) {
    if !quiet {
        ui::say(line);
    }
}
