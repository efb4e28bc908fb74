//! The typed result of loading.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    BaseUrl, Env, LoadError, LoadErrorKind, LoadOptions, Provenance, SettingName, Source, Sourced,
    Stack, names,
};

/// Every setting that something acts on, typed, each with where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The API key as given, unchecked.
    pub api_key: Option<Sourced<SecretString>>,
    /// The base URL of the API.
    pub base_url: Sourced<BaseUrl>,
    /// The project name.
    pub project: Option<Sourced<String>>,
    /// The label of the deployment.
    pub source: Sourced<String>,
    /// The name of the tracer's own session.
    pub session_name: Option<Sourced<String>>,
    /// No data leaves the process.
    pub test_mode: Sourced<bool>,
    /// Debug lines on stderr.
    pub debug: Sourced<bool>,
    /// A start-up summary on stderr.
    pub verbose: Sourced<bool>,
    /// The least severe line on stderr, in lower case.
    pub log_level: Sourced<String>,
    /// Warnings about the key are errors.
    pub strict: Sourced<bool>,
    /// How long one call may take, retries included.
    pub timeout: Sourced<Duration>,
    /// Certificates are checked.
    pub verify_ssl: Sourced<bool>,
    /// How often a failed attempt is repeated.
    pub max_retries: Sourced<u64>,
    /// The longest delay before the first repeat.
    pub retry_delay: Sourced<Duration>,
    /// Spans in one export.
    pub batch_size: Sourced<u64>,
    /// How long spans wait for an export.
    pub flush_interval: Sourced<Duration>,
    /// Spans that wait for export.
    pub max_queue_size: Sourced<u64>,
    /// Bytes of memory that waiting spans and session changes may use.
    pub max_queue_bytes: Sourced<u64>,
    /// The form of the command line's output, in lower case.
    pub output_format: Sourced<String>,
    /// The profile of the credential store.
    pub profile: Option<Sourced<String>>,
}

/// The same as figment reads them.
#[derive(Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
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
    /// Loads every layer: direct parameters, the environment and files.
    ///
    /// # Errors
    /// Everything that is wrong; [`LoadErrorKind`] says what to do.
    pub fn load(env: &Env, options: LoadOptions) -> Result<(Self, Stack), LoadError> {
        let stack = Stack::load(env, options);
        Ok((Self::from_stack(&stack)?, stack))
    }

    /// Types the values of a stack.
    ///
    /// # Errors
    /// Everything that is wrong with the stack: files, names, values of the wrong type or out of range.
    pub fn from_stack(stack: &Stack) -> Result<Self, LoadError> {
        let values: Values = stack.extract()?;
        let base_url = BaseUrl::parse(&values.base_url)
            .map_err(|error| LoadError::new(LoadErrorKind::Invalid, format!("base_url {error}")))?;
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

/// Joins values with where they came from.
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

/// The ranges of all settings are far within a `Duration`'s.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
