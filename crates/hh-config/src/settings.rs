//! Defines the typed settings.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    BaseUrl, Env, LoadError, LoadErrorKind, LoadOptions, Provenance, SettingName, Source, Sourced,
    Stack, names,
};

/// The typed settings, each with its provenance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The API key as it was given, without validation.
    pub api_key: Option<Sourced<SecretString>>,
    /// The base URL of the API.
    pub base_url: Sourced<BaseUrl>,
    /// The project name.
    pub project: Option<Sourced<String>>,
    /// The deployment label of traces.
    pub source: Sourced<String>,
    /// The name of the session that a tracer starts automatically.
    pub session_name: Option<Sourced<String>>,
    /// Whether no data leaves the process.
    pub test_mode: Sourced<bool>,
    /// Whether debug lines are printed to stderr.
    pub debug: Sourced<bool>,
    /// Whether a start-up summary is printed to stderr.
    pub verbose: Sourced<bool>,
    /// The minimum log level on stderr, in lower case.
    pub log_level: Sourced<String>,
    /// Whether warnings about the API key are errors.
    pub strict: Sourced<bool>,
    /// The time limit of one call, including retries.
    pub timeout: Sourced<Duration>,
    /// Whether TLS certificates are verified.
    pub verify_ssl: Sourced<bool>,
    /// The maximum number of retries after a failed attempt.
    pub max_retries: Sourced<u64>,
    /// The maximum delay before the first retry.
    pub retry_delay: Sourced<Duration>,
    /// The number of spans per export.
    pub batch_size: Sourced<u64>,
    /// The time after which queued spans are exported.
    pub flush_interval: Sourced<Duration>,
    /// The maximum number of queued spans.
    pub max_queue_size: Sourced<u64>,
    /// The maximum memory for queued spans and session changes, in bytes.
    pub max_queue_bytes: Sourced<u64>,
    /// The output format of the command line, in lower case.
    pub output_format: Sourced<String>,
    /// The credential profile to use.
    pub profile: Option<Sourced<String>>,
}

/// The settings without provenance, as figment deserializes them.
#[derive(Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each boolean is a separate setting"
)]
struct Values {
    base_url: String,
    project: Option<String>,
    source: String,
    session_name: Option<String>,
    test_mode: bool,
    debug: bool,
    verbose: bool,
    log_level: String,
    strict: bool,
    verify_ssl: bool,
    timeout: f64,
    max_retries: u64,
    retry_delay: f64,
    batch_size: u64,
    flush_interval: f64,
    max_queue_size: u64,
    max_queue_bytes: u64,
    output_format: String,
    profile: Option<String>,
}

impl Settings {
    /// Loads the settings from direct parameters, the environment and files.
    ///
    /// # Errors
    /// Returns a [`LoadError`] with all problems. Their [kind](LoadErrorKind) is `Invalid` for a value, `Unreadable`,
    /// `Unsafe` or `Malformed` for a file, `Conflict` for a name or for entries that contradict each other, and
    /// `Untrusted` for a project file.
    pub fn load(env: &Env, options: LoadOptions) -> Result<(Self, Stack), LoadError> {
        let stack = Stack::load(env, options);
        Ok((Self::from_stack(&stack)?, stack))
    }

    /// Creates the typed settings from a stack.
    ///
    /// # Errors
    /// Returns a [`LoadError`] with all problems of the stack, of the same kinds as those of [`Settings::load`].
    pub fn from_stack(stack: &Stack) -> Result<Self, LoadError> {
        let values: Values = stack.extract()?;
        let base_url = BaseUrl::parse(&values.base_url).map_err(|error| {
            let message = format!("invalid value for base_url: {error}");
            LoadError::new(LoadErrorKind::Invalid, message)
        })?;
        let of = Provenances(stack);
        Ok(Self {
            api_key: stack.secret(names::API_KEY)?,
            base_url: of.sourced(names::BASE_URL, base_url),
            project: of.optional(names::PROJECT, values.project),
            source: of.sourced(names::SOURCE, values.source),
            session_name: of.optional(names::SESSION_NAME, values.session_name),
            test_mode: of.sourced(names::TEST_MODE, values.test_mode),
            debug: of.sourced(names::DEBUG, values.debug),
            verbose: of.sourced(names::VERBOSE, values.verbose),
            log_level: of.sourced(names::LOG_LEVEL, values.log_level),
            strict: of.sourced(names::STRICT, values.strict),
            timeout: of.sourced(names::TIMEOUT, seconds(values.timeout)),
            verify_ssl: of.sourced(names::VERIFY_SSL, values.verify_ssl),
            max_retries: of.sourced(names::MAX_RETRIES, values.max_retries),
            retry_delay: of.sourced(names::RETRY_DELAY, seconds(values.retry_delay)),
            batch_size: of.sourced(names::BATCH_SIZE, values.batch_size),
            flush_interval: of.sourced(names::FLUSH_INTERVAL, seconds(values.flush_interval)),
            max_queue_size: of.sourced(names::MAX_QUEUE_SIZE, values.max_queue_size),
            max_queue_bytes: of.sourced(names::MAX_QUEUE_BYTES, values.max_queue_bytes),
            output_format: of.sourced(names::OUTPUT_FORMAT, values.output_format),
            profile: of.optional(names::PROFILE, values.profile),
        })
    }
}

/// Adds provenance to values.
struct Provenances<'a>(&'a Stack);

impl Provenances<'_> {
    fn sourced<T>(&self, name: SettingName, value: T) -> Sourced<T> {
        let winner = self.0.layers().iter().find_map(|layer| layer.get(name));
        let provenance = winner.map_or_else(
            || Provenance::new(Source::Default, None),
            |winner| winner.provenance.clone(),
        );
        Sourced::new(value, provenance)
    }

    fn optional<T>(&self, name: SettingName, value: Option<T>) -> Option<Sourced<T>> {
        value.map(|value| self.sourced(name, value))
    }
}

/// Converts seconds to a [`Duration`]. The ranges of all settings fit.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
