//! Defines the typed settings.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::value::Value;
use crate::{
    BaseUrl, Env, LoadError, LoadErrorKind, LoadOptions, Provenance, SettingName, Sourced, Stack,
    names,
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
    /// The hosts that plain HTTP is allowed for, besides loopback addresses, in the form that they have in a URL.
    pub insecure_http_hosts: Option<Sourced<Vec<String>>>,
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
        let mut values = Values(stack.values()?);
        let base_url = values.required(names::BASE_URL, text)?;
        let url = BaseUrl::parse(&base_url.value).map_err(|error| {
            let message = format!("invalid value for base_url: {error}");
            LoadError::new(LoadErrorKind::Invalid, message)
        })?;
        Ok(Self {
            api_key: stack.secret(names::API_KEY)?,
            base_url: Sourced::new(url, base_url.provenance),
            project: values.optional(names::PROJECT, text)?,
            source: values.required(names::SOURCE, text)?,
            session_name: values.optional(names::SESSION_NAME, text)?,
            test_mode: values.required(names::TEST_MODE, boolean)?,
            debug: values.required(names::DEBUG, boolean)?,
            verbose: values.required(names::VERBOSE, boolean)?,
            log_level: values.required(names::LOG_LEVEL, text)?,
            strict: values.required(names::STRICT, boolean)?,
            timeout: values.required(names::TIMEOUT, seconds)?,
            verify_ssl: values.required(names::VERIFY_SSL, boolean)?,
            insecure_http_hosts: values.optional(names::INSECURE_HTTP_HOSTS, list)?,
            max_retries: values.required(names::MAX_RETRIES, count)?,
            retry_delay: values.required(names::RETRY_DELAY, seconds)?,
            batch_size: values.required(names::BATCH_SIZE, count)?,
            flush_interval: values.required(names::FLUSH_INTERVAL, seconds)?,
            max_queue_size: values.required(names::MAX_QUEUE_SIZE, count)?,
            max_queue_bytes: values.required(names::MAX_QUEUE_BYTES, count)?,
            output_format: values.required(names::OUTPUT_FORMAT, text)?,
            profile: values.optional(names::PROFILE, text)?,
        })
    }

    /// Returns the provenance of `insecure_http_hosts` if requests use plain HTTP because of it: the base URL is `http`
    /// and names a listed host that is not a loopback address.
    #[must_use]
    pub fn insecure_http(&self) -> Option<&Provenance> {
        let hosts = self.insecure_http_hosts.as_ref()?;
        let host = self.base_url.value.origin().plain_http_host()?;
        hosts.value.contains(&host).then_some(&hosts.provenance)
    }
}

/// The values in effect, from which the typed settings are taken.
struct Values(BTreeMap<SettingName, Sourced<Value>>);

impl Values {
    /// Takes the value of a setting that has a default.
    fn required<T>(
        &mut self,
        name: SettingName,
        convert: fn(&Value) -> Option<T>,
    ) -> Result<Sourced<T>, LoadError> {
        let found = self.optional(name, convert)?;
        found.ok_or_else(|| LoadError::new(LoadErrorKind::Invalid, format!("{name} has no value")))
    }

    fn optional<T>(
        &mut self,
        name: SettingName,
        convert: fn(&Value) -> Option<T>,
    ) -> Result<Option<Sourced<T>>, LoadError> {
        let Some(Sourced { value, provenance }) = self.0.remove(&name) else {
            return Ok(None);
        };
        let value = convert(&value).ok_or_else(|| {
            let message = format!("the value of {name} has the wrong type");
            LoadError::new(LoadErrorKind::Invalid, message)
        })?;
        Ok(Some(Sourced::new(value, provenance)))
    }
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value {
        Some(text.clone())
    } else {
        None
    }
}

fn list(value: &Value) -> Option<Vec<String>> {
    if let Value::List(list) = value {
        Some(list.clone())
    } else {
        None
    }
}

fn boolean(value: &Value) -> Option<bool> {
    if let Value::Boolean(flag) = value {
        Some(*flag)
    } else {
        None
    }
}

fn count(value: &Value) -> Option<u64> {
    if let Value::Count(count) = value {
        Some(*count)
    } else {
        None
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    if let Value::Number(seconds) = value {
        Duration::try_from_secs_f64(*seconds).ok()
    } else {
        None
    }
}
