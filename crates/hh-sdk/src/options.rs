//! The parameters that the client and the tracer share.

use std::path::Path;
use std::time::Duration;

use hh_config::{Env, LoadOptions, SettingName, names};
use secrecy::SecretString;

use crate::catch::catch;
use crate::report::Reporter;

/// Direct parameters, which win over every other source.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    env: Option<Env>,
    direct: LoadOptions,
    reporter: Reporter,
    max_wait: Option<Duration>,
    without_store: bool,
}

/// How long a call waits because the server asks for it, in all.
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
    /// Makes options that set nothing and read the process environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses these variables in place of the process environment.
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// Sets any setting, as text.
    pub fn with(mut self, name: SettingName, value: impl Into<SecretString>) -> Self {
        self.direct = self.direct.with(name, value);
        self
    }

    /// Sets any setting, by what people know as `place`, such as a flag: errors and `config list` show it.
    pub fn with_place(
        mut self,
        name: SettingName,
        value: impl Into<SecretString>,
        place: impl Into<String>,
    ) -> Self {
        self.direct = self.direct.with_place(name, value, place);
        self
    }

    /// Passes warnings and debug lines to a function instead of stderr. A panic of the function is caught and its line is
    /// lost, as it may run on the tracer's thread.
    ///
    /// A subscriber of `tracing` supersedes this: the same lines are events with the target `honeyhive`, and with a
    /// subscriber they do not go to stderr. Lines about single attempts of the tracer's thread are no events: a subscriber
    /// that records spans with the tracer would otherwise export for ever.
    pub fn with_reporter(mut self, reporter: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.reporter = Reporter::new(move |line| {
            catch(|| reporter(line));
        });
        self
    }

    /// Sets how long one call waits in all because the server or a limit of requests asks for it, 60 s by default; a longer
    /// wait ends the call with an error that says when to come back.
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Leaves the credential store out, as if nobody had logged in.
    pub fn without_store(mut self) -> Self {
        self.without_store = true;
        self
    }

    pub(crate) fn has_store(&self) -> bool {
        !self.without_store
    }

    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait.unwrap_or(MAX_WAIT)
    }

    pub(crate) fn env(&self) -> Env {
        self.env.clone().unwrap_or_else(Env::from_process)
    }

    pub(crate) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    pub(crate) fn load_options(&self) -> LoadOptions {
        self.direct.clone()
    }

    pub(crate) fn with_path(self, name: SettingName, path: &Path) -> Self {
        self.with(name, path.to_string_lossy().into_owned())
    }

    pub(crate) fn with_flag(self, name: SettingName, on: bool) -> Self {
        self.with(name, on.to_string())
    }

    pub(crate) fn with_seconds(self, timeout: Duration) -> Self {
        self.with(names::TIMEOUT, timeout.as_secs_f64().to_string())
    }
}

/// The `with_*` methods of both builders, which hold their options in `self.options`.
macro_rules! option_methods {
    () => {
        /// Uses these variables in place of the process environment.
        pub fn with_env(mut self, env: hh_config::Env) -> Self {
            self.options = self.options.with_env(env);
            self
        }

        /// Sets the API key.
        pub fn with_api_key(mut self, key: impl Into<secrecy::SecretString>) -> Self {
            self.options = self.options.with(hh_config::names::API_KEY, key);
            self
        }

        /// Names a configuration file: YAML, JSON or TOML.
        pub fn with_config_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
            let name = hh_config::names::CONFIG_FILE;
            self.options = self.options.with_path(name, path.as_ref());
            self
        }

        /// Names a `.env` file; the real environment wins over it.
        pub fn with_env_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
            let name = hh_config::names::ENV_FILE;
            self.options = self.options.with_path(name, path.as_ref());
            self
        }

        /// Sets the base URL of the API.
        pub fn with_base_url(mut self, url: &str) -> Self {
            self.options = self.options.with(hh_config::names::BASE_URL, url);
            self
        }

        /// Sets the project.
        pub fn with_project(mut self, project: &str) -> Self {
            self.options = self.options.with(hh_config::names::PROJECT, project);
            self
        }

        /// Sets the label of the deployment.
        pub fn with_source(mut self, source: &str) -> Self {
            self.options = self.options.with(hh_config::names::SOURCE, source);
            self
        }

        /// Lays the overlay of an environment over the named configuration file.
        pub fn with_environment(mut self, name: &str) -> Self {
            self.options = self.options.with(hh_config::names::ENVIRONMENT, name);
            self
        }

        /// Chooses a profile of the credential store.
        pub fn with_profile(mut self, name: &str) -> Self {
            self.options = self.options.with(hh_config::names::PROFILE, name);
            self
        }

        /// Opens no connection at all.
        pub fn with_test_mode(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::TEST_MODE, on);
            self
        }

        /// Treats warnings about the API key as errors.
        pub fn with_strict(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::STRICT, on);
            self
        }

        /// Switches debug lines on: one on stderr for each attempt of each request.
        pub fn with_debug(mut self, on: bool) -> Self {
            self.options = self.options.with_flag(hh_config::names::DEBUG, on);
            self
        }

        /// Sets how long one call may take, repeats included: 1 to 300 s. A wait that the server asks for is not counted.
        pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options = self.options.with_seconds(timeout);
            self
        }
    };
}
pub(crate) use option_methods;
