//! The typed result of loading.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::stack::{check, is_blank, parse_boolean};
use crate::{
    BaseUrl, DECLARED, Env, Layer, LoadError, LoadErrorKind, SettingName, Sourced, Stack, names,
};

/// Direct parameters, given to [`Settings::load`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoadOptions {
    direct: Vec<(SettingName, SecretString, String)>,
}

impl LoadOptions {
    /// Makes options that set nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets any setting directly, as text.
    pub fn with(self, name: SettingName, value: impl Into<SecretString>) -> Self {
        self.with_place(name, value, format!("parameter {name}"))
    }

    /// Sets any setting directly, by a flag or parameter that people know as `place`.
    pub fn with_place(
        mut self,
        name: SettingName,
        value: impl Into<SecretString>,
        place: impl Into<String>,
    ) -> Self {
        self.direct.push((name, value.into(), place.into()));
        self
    }

    /// Sets the project directly.
    pub fn with_project(self, project: &str) -> Self {
        self.with(names::PROJECT, project)
    }
}

/// Every setting in effect, typed, each with where it came from.
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
    /// Warnings about the key are errors.
    pub strict: Sourced<bool>,
    /// How long one call may take, retries included.
    pub timeout: Sourced<Duration>,
    /// How often a failed attempt is repeated.
    pub max_retries: Sourced<u64>,
    /// Spans in one export.
    pub batch_size: Sourced<u64>,
    /// How long spans wait for an export.
    pub flush_interval: Sourced<Duration>,
    /// Spans that wait for export.
    pub max_queue_size: Sourced<u64>,
    /// The form of the command line's output.
    pub output_format: Sourced<String>,
    /// The profile of the credential store.
    pub profile: Option<Sourced<String>>,
}

impl Settings {
    /// Loads every layer: direct parameters, the environment, named files and the stored profile.
    ///
    /// # Errors
    /// [`LoadErrorKind`] says what to do: `Invalid`, `Unreadable`, `Malformed` or `Conflict`.
    pub fn load(env: &Env, options: LoadOptions) -> Result<(Self, Stack), LoadError> {
        let stack = Self::stack(env, options)?;
        Ok((Self::from_stack(&stack)?, stack))
    }

    /// Builds the stack of all layers without typing the values.
    ///
    /// # Errors
    /// As [`Settings::load`], but for values of the wrong type.
    pub fn stack(env: &Env, options: LoadOptions) -> Result<Stack, LoadError> {
        let mut stack = Stack::new()
            .with(Layer::direct(options.direct))
            .with(Layer::environment(env)?);
        if let Some(path) = path(&stack, names::ENV_FILE)? {
            stack = with_dotenv(stack, &path)?;
        }
        if let Some(path) = path(&stack, names::CONFIG_FILE)? {
            let environment = stack.text(names::ENVIRONMENT)?;
            stack = with_file(stack, &path, environment.as_ref().map(|e| e.value.as_str()))?;
        } else if let Some(environment) = stack.candidates(names::ENVIRONMENT).winner {
            return Err(LoadError::new(
                LoadErrorKind::Conflict,
                format!(
                    "{} is set, but no configuration file is named; name one with --config-file or HH_CONFIG_FILE",
                    environment.provenance()
                ),
            ));
        }
        Ok(stack)
    }

    /// Types the values of a stack.
    ///
    /// # Errors
    /// `Invalid` for a value of the wrong type or out of range.
    pub fn from_stack(stack: &Stack) -> Result<Self, LoadError> {
        for declared in DECLARED.iter().filter(|declared| !declared.secret) {
            stack.parsed(declared.name, |text| check(declared.kind, text))?;
        }
        Ok(Self {
            api_key: stack
                .winner(names::API_KEY)
                .filter(|found| !is_blank(&found.value)),
            base_url: required(stack, names::BASE_URL, |text| {
                BaseUrl::parse(text).map_err(|error| error.to_string())
            })?,
            project: stack.text(names::PROJECT)?,
            source: required(stack, names::SOURCE, |text| Ok(text.to_owned()))?,
            session_name: stack.text(names::SESSION_NAME)?,
            test_mode: boolean(stack, names::TEST_MODE)?,
            debug: boolean(stack, names::DEBUG)?,
            verbose: boolean(stack, names::VERBOSE)?,
            strict: boolean(stack, names::STRICT)?,
            timeout: seconds(stack, names::TIMEOUT)?,
            max_retries: count(stack, names::MAX_RETRIES)?,
            batch_size: count(stack, names::BATCH_SIZE)?,
            flush_interval: seconds(stack, names::FLUSH_INTERVAL)?,
            max_queue_size: count(stack, names::MAX_QUEUE_SIZE)?,
            output_format: required(stack, names::OUTPUT_FORMAT, |text| {
                Ok(text.to_ascii_lowercase())
            })?,
            profile: stack.text(names::PROFILE)?,
        })
    }
}

fn required<T>(
    stack: &Stack,
    name: SettingName,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Sourced<T>, LoadError> {
    stack
        .parsed(name, parse)?
        .ok_or_else(|| LoadError::new(LoadErrorKind::Invalid, format!("{name} is not set; set it")))
}

fn boolean(stack: &Stack, name: SettingName) -> Result<Sourced<bool>, LoadError> {
    required(stack, name, |text| {
        parse_boolean(text).ok_or_else(|| "is not a boolean".to_owned())
    })
}

fn count(stack: &Stack, name: SettingName) -> Result<Sourced<u64>, LoadError> {
    required(stack, name, |text| {
        text.parse().map_err(|_| "is not a whole number".to_owned())
    })
}

fn seconds(stack: &Stack, name: SettingName) -> Result<Sourced<Duration>, LoadError> {
    required(stack, name, |text| {
        text.parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| "is not a number of seconds".to_owned())
    })
}

fn path(stack: &Stack, name: SettingName) -> Result<Option<PathBuf>, LoadError> {
    Ok(stack
        .parsed(name, |text| Ok(PathBuf::from(text)))?
        .map(|found| found.value))
}

#[cfg(feature = "files")]
fn with_dotenv(stack: Stack, path: &std::path::Path) -> Result<Stack, LoadError> {
    Ok(stack.with(Layer::dotenv(path)?))
}

#[cfg(feature = "files")]
fn with_file(
    stack: Stack,
    path: &std::path::Path,
    environment: Option<&str>,
) -> Result<Stack, LoadError> {
    use crate::Source;
    use crate::layer::overlay_path;

    let stack = stack.with(Layer::file(path, Source::Named)?);
    match environment {
        Some(environment) => {
            let overlay = overlay_path(path, environment);
            Ok(stack.with(Layer::file(&overlay, Source::Overlay)?))
        }
        None => Ok(stack),
    }
}

#[cfg(not(feature = "files"))]
fn with_dotenv(_: Stack, path: &std::path::Path) -> Result<Stack, LoadError> {
    Err(without_files(path))
}

#[cfg(not(feature = "files"))]
fn with_file(_: Stack, path: &std::path::Path, _: Option<&str>) -> Result<Stack, LoadError> {
    Err(without_files(path))
}

#[cfg(not(feature = "files"))]
fn without_files(path: &std::path::Path) -> LoadError {
    LoadError::new(
        LoadErrorKind::Unreadable,
        format!(
            "{} is named, but this program was built without the feature `files` of hh-config",
            path.display()
        ),
    )
}
