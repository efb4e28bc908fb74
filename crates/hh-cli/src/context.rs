//! What commands share: options, the client and the runtime, each made when asked for.

use hh_sdk::config::{Env, names};
use hh_sdk::{AttemptRecord, Connected, HoneyHive, Options};
use secrecy::SecretString;

use crate::cli::{Form, Global};
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui;

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
        [
            (names::BASE_URL, global.base_url.clone()),
            (names::CONFIG_FILE, path(&global.config_file)),
            (names::ENV_FILE, path(&global.env_file)),
            (names::ENVIRONMENT, global.environment.clone()),
            (names::PROFILE, global.profile.clone()),
            (names::OUTPUT_FORMAT, form),
            (names::VERBOSE, flag(global.verbose)),
            (names::DEBUG, flag(global.debug)),
            (names::STRICT, flag(global.strict)),
        ]
        .into_iter()
        .fold(
            Options::new().with_env(self.env.clone()),
            |options, (name, value)| match value {
                Some(value) => options.with(name, value),
                None => options,
            },
        )
    }

    /// All flags as direct parameters.
    pub(crate) fn options(&self) -> Options {
        let options = self.options_without_key();
        match &self.global.api_key {
            Some(key) => {
                self.say(
                    "warning: other users of this machine can see --api-key; better use --api-key-stdin at login, or HH_API_KEY",
                );
                options.with(names::API_KEY, SecretString::from(key.as_str()))
            }
            None => options,
        }
    }

    /// Settings and the stored profile; nothing is sent.
    pub(crate) fn load(&self, options: &Options) -> Result<Connected, CliError> {
        let connected = hh_sdk::load(options)?;
        for warning in connected.stack.warnings() {
            self.say(&format!("warning: {warning}"));
        }
        Ok(connected)
    }

    /// The client of these options, in a project if one is named here.
    pub(crate) fn client(
        &self,
        options: Options,
        project: Option<&str>,
    ) -> Result<HoneyHive, CliError> {
        let options = match project {
            Some(project) => options.with(names::PROJECT, project.to_owned()),
            None => options,
        };
        let connected = self.load(&options)?;
        let settings = &connected.settings;
        let options = if settings.debug.value {
            options.with_observer(show_attempt)
        } else {
            options
        };
        let client = HoneyHive::builder().with_options(options).build()?;
        if let Some(credential) = client.credential() {
            if let Some(warning) = credential.key.warning() {
                self.say(&format!(
                    "warning: the API key from {} {warning}",
                    credential.provenance
                ));
            }
            if settings.verbose.value {
                self.say(&format!(
                    "honeyhive {}: {} with {} from {}",
                    env!("CARGO_PKG_VERSION"),
                    settings.base_url.value,
                    credential.key.shown(),
                    credential.provenance
                ));
            }
        }
        Ok(client)
    }

    /// Says that a page is not all there is.
    pub(crate) fn say_more(&self, shown: usize, total: u64) {
        if total > shown as u64 {
            self.say(&format!(
                "Shown: {shown} of {total}; see more with --limit and --page"
            ));
        }
    }

    /// Says a line on stderr, unless people asked for quiet.
    pub(crate) fn say(&self, line: &str) {
        if !self.global.quiet {
            ui::say(line);
        }
    }
}

/// Runs a future on a runtime of one thread.
pub(crate) fn block_on<T>(
    future: impl Future<Output = Result<T, hh_sdk::Error>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
    Ok(runtime.block_on(future)?)
}

/// Tells whether settings ask for JSON.
pub(crate) fn wants_json(settings: &hh_sdk::config::Settings) -> bool {
    settings.output_format.value == "json"
}

fn show_attempt(record: &AttemptRecord) {
    let attempt = record.attempt();
    let outcome = match (attempt.status(), attempt.error()) {
        (Some(status), _) => status.to_string(),
        (None, Some(kind)) => format!("{kind:?}"),
        (None, None) => "no answer".to_owned(),
    };
    ui::say(&format!(
        "debug: {} {}{} attempt {}: {outcome} in {} ms",
        record.method(),
        record.host(),
        record.path(),
        attempt.number(),
        attempt.elapsed().as_millis()
    ));
}
