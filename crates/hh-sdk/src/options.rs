//! The direct parameters of the client and the tracer.

use std::path::Path;
use std::time::Duration;

use hh_config::{Env, LoadOptions, SettingName, names};
use secrecy::SecretString;

use crate::catch::catch;
use crate::report::{Reporter, Severity};

/// Direct parameters, which take precedence over every other source of settings.
///
/// The builders of the client and the tracer have methods for the usual options. `Options` sets any setting by its
/// name. Both builders use it with `with_options`, and it is the parameter of functions such as
/// [`get_config_with`](crate::get_config_with).
///
/// # Examples
/// ```
/// use hh_sdk::Options;
/// use hh_sdk::config::{Env, names};
///
/// let options = Options::new()
///     .with_env(Env::from_pairs([("HH_PROJECT", "from-env")]))
///     .with(names::PROJECT, "docs");
/// let config = hh_sdk::get_config_with(&options)?;
/// assert_eq!(config.get("project"), Some("docs"));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    env: Option<Env>,
    /// Holds the contents of named pipes, because settings are loaded again and a pipe can be read only once.
    pipes: Env,
    direct: LoadOptions,
    reporter: Reporter,
    max_wait: Option<Duration>,
    without_store: bool,
}

/// The default limit of the total time that a call waits at the request of the server.
const MAX_WAIT: Duration = Duration::from_mins(1);

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Options")
            .field(&self.direct)
            .finish()
    }
}

impl Options {
    /// Creates options that set nothing and read the process environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses these variables instead of the process environment.
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// Sets a setting from text, in the format of its environment variable.
    pub fn with(mut self, name: SettingName, value: impl Into<SecretString>) -> Self {
        self.direct = self.direct.with(name, value);
        self
    }

    /// Sets a setting from text. `place` names where the text comes from, such as `--project`.
    ///
    /// Errors and the provenance of the setting contain `place`.
    pub fn with_place(
        mut self,
        name: SettingName,
        value: impl Into<SecretString>,
        place: impl Into<String>,
    ) -> Self {
        self.direct = self.direct.with_place(name, value, place);
        self
    }

    /// Passes warnings and debug lines to a function instead of standard error.
    ///
    /// The function can run on the export thread of the tracer. If it panics, the panic is caught and the line is lost.
    ///
    /// The same lines are also `tracing` events with the target `honeyhive`. If the program has a `tracing` subscriber,
    /// the lines do not go to standard error. The export thread emits no events for single attempts, because a
    /// subscriber that records them as spans of the tracer would cause endless exports.
    #[deprecated(note = "install a `tracing` subscriber, which receives the lines as events")]
    pub fn with_reporter(self, reporter: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.with_lines(move |severity, line| {
            reporter(&format!("{}{line}", severity.prefix()));
        })
    }

    /// Passes lines with their severity to a function instead of standard error. A panic of the function loses the line.
    pub(crate) fn with_lines(
        mut self,
        reporter: impl Fn(Severity, &str) + Send + Sync + 'static,
    ) -> Self {
        self.reporter = Reporter::new(move |severity, line| {
            catch(|| reporter(severity, line));
        });
        self
    }

    /// Sets how long one call waits in total for `Retry-After` and the rate limit, 60 s by default.
    ///
    /// A call that would wait longer fails immediately with an error that has
    /// [`retry_after`](crate::Error::retry_after).
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Ignores the credential store, as if no profile were saved.
    pub fn without_store(mut self) -> Self {
        self.without_store = true;
        self
    }

    /// Returns whether the credential store is used.
    pub(crate) fn has_store(&self) -> bool {
        !self.without_store
    }

    /// Returns the limit of the total time that a call waits at the request of the server.
    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait.unwrap_or(MAX_WAIT)
    }

    /// Returns the environment: the given one, or that of the process.
    pub(crate) fn env(&self) -> Env {
        let process = || Env::from_process().with_pipes_of(&self.pipes);
        self.env.clone().unwrap_or_else(process)
    }

    /// Returns the receiver of warnings and debug lines.
    pub(crate) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Returns the direct parameters.
    pub(crate) fn load_options(&self) -> LoadOptions {
        self.direct.clone()
    }

    /// Sets a setting to a path.
    pub(crate) fn with_path(self, name: SettingName, path: &Path) -> Self {
        self.with(name, path.to_string_lossy().into_owned())
    }

    /// Sets a setting to true or false.
    pub(crate) fn with_flag(self, name: SettingName, on: bool) -> Self {
        self.with(name, on.to_string())
    }

    /// Sets the timeout.
    pub(crate) fn with_seconds(self, timeout: Duration) -> Self {
        self.with(names::TIMEOUT, timeout.as_secs_f64().to_string())
    }
}

/// Defines the `with_…` methods of a builder that has its options in `self.options`.
macro_rules! option_methods {
    () => {
        /// Uses these options, and discards all options that were set before.
        pub fn with_options(mut self, options: crate::Options) -> Self {
            self.options = options;
            self
        }

        /// Uses these variables instead of the process environment.
        pub fn with_env(mut self, env: hh_config::Env) -> Self {
            self.options = self.options.with_env(env);
            self
        }

        /// Sets the API key.
        pub fn with_api_key(mut self, key: impl Into<secrecy::SecretString>) -> Self {
            self.options = self.options.with(hh_config::names::API_KEY, key);
            self
        }

        /// Reads settings from this YAML, JSON or TOML file, which may be a named pipe.
        pub fn with_config_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
            let name = hh_config::names::CONFIG_FILE;
            self.options = self.options.with_path(name, path.as_ref());
            self
        }

        /// Reads variables from this `.env` file, which may be a named pipe; the process environment takes precedence.
        pub fn with_env_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
            let name = hh_config::names::ENV_FILE;
            self.options = self.options.with_path(name, path.as_ref());
            self
        }

        /// Sets the base URL of the API, such as `https://api.honeyhive.ai`.
        pub fn with_base_url(mut self, url: &str) -> Self {
            self.options = self.options.with(hh_config::names::BASE_URL, url);
            self
        }

        /// Sets the name of the project.
        pub fn with_project(mut self, project: &str) -> Self {
            self.options = self.options.with(hh_config::names::PROJECT, project);
            self
        }

        /// Sets the source of the events of a tracer: a label of the deployment, such as `production`.
        pub fn with_source(mut self, source: &str) -> Self {
            self.options = self.options.with(hh_config::names::SOURCE, source);
            self
        }

        /// Applies the overlay of this environment, such as `staging`, to the configuration file.
        pub fn with_environment(mut self, name: &str) -> Self {
            self.options = self.options.with(hh_config::names::ENVIRONMENT, name);
            self
        }

        /// Uses this profile of the credential store, in which `honeyhive auth login` saves API keys.
        pub fn with_profile(mut self, name: &str) -> Self {
            self.options = self.options.with(hh_config::names::PROFILE, name);
            self
        }

        /// Enables or disables test mode, which opens no connection and needs no API key. In test mode the
        /// client creates responses itself, and a tracer sends nothing.
        pub fn with_test_mode(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::TEST_MODE, on);
            self
        }

        /// Enables or disables strict mode, in which warnings about the API key are errors.
        pub fn with_strict(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::STRICT, on);
            self
        }

        /// Enables or disables debug lines: one for each attempt of a request, and one for each wait between attempts.
        pub fn with_debug(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::DEBUG, on);
            self
        }

        /// Sets the time limit of one call, including retries: 1 to 300 s. Waits that the server requests do not count.
        pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options = self.options.with_seconds(timeout);
            self
        }
    };
}
pub(crate) use option_methods;
