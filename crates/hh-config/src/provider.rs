//! Passes settings to figment and reads layers from figment providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::value::{Dict, Map};
use figment::{Error, Figment, Metadata, Profile, Provider};

use crate::extract::figment_value;
use crate::redact::redact_keys;
use crate::value::{self, Value};
use crate::{
    Kind, Layer, LoadOptions, Location, Provenance, SettingName, Source, Sourced, Stack, Via,
};

/// The name of a stack in errors of figment.
const NAME: &str = "HoneyHive settings";

impl LoadOptions {
    /// Adds the values of a figment provider at the precedence of `source`. The provider is read immediately. This function
    /// requires the feature `figment`.
    ///
    /// Other values of the same source take precedence over the provider. Of two providers with the same source, the one
    /// that is added later takes precedence. The provenance of a value has the name, the file and the key from the
    /// metadata of figment.
    ///
    /// The rules are those of a configuration file that the caller names:
    ///
    /// - A key is the name of a setting. An unknown key is an error, so an application with settings of its own passes
    ///   only a part of them, for example with [`Figment::focus`].
    /// - A value has the type of its setting. A number is not a string: a project `007` would lose its zeros.
    /// - A provider is code of the caller, so its values are trusted and can set every setting. The exceptions are
    ///   [`Source::Project`] and [`Source::Overlay`], the sources of files in the working directory: a provider there is
    ///   restricted like a project file that the user does not trust (see [`ProjectFilePolicy`]), so that a program that
    ///   reads such a file with figment does not send API keys to a server that the file names.
    ///
    /// Values are not expanded: `${NAME}` is literal. Secret files (`api_key_file`) and `environments` are not supported;
    /// figment has profiles instead. Settings such as `config_file`, which files cannot contain, require
    /// [`Source::DotEnv`], [`Source::Env`] or [`Source::Direct`].
    ///
    /// A problem of the provider becomes a problem of the [`Stack`]. Its message never contains a value.
    ///
    /// ```
    /// use figment::Figment;
    /// use figment::providers::Serialized;
    /// use hh_config::{Env, LoadOptions, Settings, Source};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = Figment::new()
    ///     .merge(Serialized::default("workers", 4))
    ///     .merge(Serialized::default("honeyhive.project", "docs"));
    ///
    /// let options = LoadOptions::new().with_provider(Source::Named, app.focus("honeyhive"));
    /// let (settings, _) = Settings::load(&Env::from_pairs([("HH_TIMEOUT", "5")]), options)?;
    /// assert_eq!(settings.project.unwrap().value, "docs");
    /// assert_eq!(settings.timeout.value.as_secs(), 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`ProjectFilePolicy`]: crate::ProjectFilePolicy
    pub fn with_provider(mut self, source: Source, provider: impl Provider) -> Self {
        self.layers.push(Layer::of_provider(source, provider));
        self
    }
}

/// The values in effect that a source sets, without defaults and without secrets.
///
/// Defaults are not included, so that merging a stack never replaces a value of the application with a default of
/// HoneyHive; [`Stack::figment_defaults`] returns them. A stack with problems is an error of figment.
///
/// A stack has one metadata for all values. Its [interpolation](Metadata::interpolate), which errors of figment print,
/// adds the provenance to the key, such as `timeout from HH_TIMEOUT (environment)`. [`Stack::figment`] returns one
/// metadata for each value.
///
/// ```
/// use figment::Figment;
/// use figment::providers::Serialized;
/// use hh_config::{Env, LoadOptions, Stack};
///
/// # fn main() -> Result<(), Box<figment::Error>> {
/// let env = Env::from_pairs([("HH_PROJECT", "docs"), ("HH_API_KEY", "hh_secret")]);
/// let stack = Stack::load(&env, LoadOptions::new());
///
/// let figment = Figment::from(Serialized::default("timeout", 10)).merge(&stack);
/// assert_eq!(figment.extract_inner::<String>("project")?, "docs");
/// assert_eq!(figment.extract_inner::<f64>("timeout")?, 10.0);
/// assert!(!figment.contains("api_key"));
/// # Ok(())
/// # }
/// ```
impl Provider for Stack {
    fn metadata(&self) -> Metadata {
        let places: BTreeMap<_, _> = SettingName::all()
            .filter_map(|name| {
                let provenance = self.candidates(name).winner?.provenance();
                Some((name.as_str(), provenance.to_string()))
            })
            .collect();
        let places = Arc::new(places);
        Metadata::named(NAME).interpolater(move |_: &Profile, keys: &[&str]| {
            let key = keys.join(".");
            match keys.first().and_then(|name| places.get(name)) {
                Some(place) => format!("{key} from {place}"),
                None => key,
            }
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        if let Some(error) = self.figment_error() {
            return Err(error);
        }
        let values = self.values_for_figment();
        let values =
            values.filter(|(name, found)| is_set(found) && !is_secret(*name, &found.value));
        let values =
            values.map(|(name, found)| (name.as_str().to_owned(), figment_value(found.value)));
        Ok(Profile::Default.collect(values.collect()))
    }
}

impl Stack {
    /// Returns the values in effect that a source sets, without defaults and without secrets, each with its provenance
    /// as metadata.
    ///
    /// The metadata contains the variable, or the file with line and column, so that [`Figment::find_metadata`] and
    /// errors of figment name it. Durations are numbers of seconds. A value counts as a secret if
    /// [`Explanation`](crate::Explanation) redacts it: the value of a secret setting, a proxy URL with a password, and
    /// every value that contains an API key.
    ///
    /// A stack with problems is an error of figment.
    ///
    /// ```
    /// use hh_config::{Env, LoadOptions, Stack};
    ///
    /// let env = Env::from_pairs([("HH_TIMEOUT", "5")]);
    /// let figment = Stack::load(&env, LoadOptions::new()).figment();
    /// let metadata = figment.find_metadata("timeout").unwrap();
    /// assert_eq!(metadata.source.as_ref().unwrap().custom(), Some("HH_TIMEOUT"));
    /// assert_eq!(metadata.name, "environment variable");
    /// ```
    #[must_use]
    pub fn figment(&self) -> Figment {
        self.figment_of(|name, found| is_set(found) && !is_secret(name, &found.value))
    }

    /// Returns the same as [`Stack::figment`], including secrets as plain text.
    ///
    /// `Debug` of the result prints the secrets, and errors of figment can contain them. [`Stack::secret`] returns one
    /// secret without this risk.
    #[must_use]
    pub fn figment_with_exposed_secrets(&self) -> Figment {
        self.figment_of(|_, found| is_set(found))
    }

    /// Returns the defaults of the settings that no other source sets, without secrets. A value that a provider has added
    /// at [`Source::Default`] is a default too.
    ///
    /// They belong below the values of the application:
    ///
    /// ```
    /// use figment::providers::Serialized;
    /// use hh_config::{Env, LoadOptions, Stack};
    ///
    /// # fn main() -> Result<(), Box<figment::Error>> {
    /// let stack = Stack::load(&Env::from_pairs([("HH_TIMEOUT", "5")]), LoadOptions::new());
    /// let app = Serialized::default("batch_size", 10);
    /// let figment = stack.figment_defaults().merge(app).merge(stack.figment());
    /// assert_eq!(figment.extract_inner::<f64>("timeout")?, 5.0);
    /// assert_eq!(figment.extract_inner::<u64>("batch_size")?, 10);
    /// assert_eq!(figment.extract_inner::<u64>("max_retries")?, 3);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn figment_defaults(&self) -> Figment {
        self.figment_of(|name, found| !is_set(found) && !is_secret(name, &found.value))
    }

    fn figment_of(&self, is_included: impl Fn(SettingName, &Sourced<Value>) -> bool) -> Figment {
        let error = self.figment_error().map(|error| Single {
            metadata: Metadata::named(NAME),
            data: Err(error),
        });
        let values = self
            .values_for_figment()
            .filter(|(name, found)| is_included(*name, found))
            .map(|(name, found)| {
                let value = figment_value(found.value);
                Single {
                    metadata: metadata(&found.provenance),
                    data: Ok(Dict::from([(name.as_str().to_owned(), value)])),
                }
            });
        error
            .into_iter()
            .chain(values)
            .fold(Figment::new(), Figment::merge)
    }

    /// Returns an error of figment that contains all problems.
    fn figment_error(&self) -> Option<Error> {
        let problems = self.problems();
        let errors = problems
            .iter()
            .map(|problem| Error::from(problem.to_line()));
        // `chain` puts the second error first, and drops the errors that are already chained to it.
        errors.rev().reduce(Error::chain)
    }

    /// Returns the valid values in effect, including secrets and defaults.
    fn values_for_figment(&self) -> impl Iterator<Item = (SettingName, Sourced<Value>)> {
        SettingName::all()
            .filter_map(|name| Some((name, self.value_or_secret(name).ok().flatten()?)))
    }
}

/// A provider of one value or problem, so that each has metadata of its own.
struct Single {
    metadata: Metadata,
    data: Result<Dict, Error>,
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        self.data.clone().map(|dict| Profile::Default.collect(dict))
    }
}

fn is_set(found: &Sourced<Value>) -> bool {
    found.provenance.source() != Source::Default
}

/// Returns whether an [`Explanation`](crate::Explanation) of the value redacts it.
fn is_secret(name: SettingName, value: &Value) -> bool {
    let declared = name.spec();
    declared.secret
        || match value {
            Value::Text(text) => is_redacted(declared.kind, text),
            Value::List(list) => list.iter().any(|text| is_redacted(declared.kind, text)),
            Value::Map(map) => map.values().any(|text| is_redacted(declared.kind, text)),
            Value::Boolean(_) | Value::Number(_) | Value::Count(_) => false,
        }
}

fn is_redacted(kind: Kind, text: &str) -> bool {
    value::redacted(kind, text) != text || redact_keys(text, |_| String::new()) != text
}

/// Converts a provenance to metadata. The key of a value from another provider has the form of that provider.
fn metadata(provenance: &Provenance) -> Metadata {
    let key = match provenance.location() {
        Some(Location::Provider { key, .. }) => Some(key.clone()),
        _ => None,
    };
    let metadata = match provenance.location() {
        Some(Location::Variable(name)) => {
            Metadata::from(with_steps("environment variable", provenance), name.clone())
        }
        Some(Location::File { path, line, column }) => {
            let name = format!("{}, line {line}, column {column}", provenance.source());
            Metadata::from(with_steps(&name, provenance), &**path)
        }
        Some(Location::Provider { name, file, .. }) => match file {
            Some(file) => Metadata::from(name.clone(), file.as_path()),
            None => Metadata::named(name.clone()),
        },
        Some(Location::Parameter(_) | Location::Profile(_)) | None => {
            Metadata::named(provenance.to_string())
        }
    };
    metadata.interpolater(move |_: &Profile, keys: &[&str]| match (&key, keys) {
        (Some(key), [_, rest @ ..]) => [&[key.as_str()], rest].concat().join("."),
        (_, keys) => keys.join("."),
    })
}

/// Adds the steps between the location of a value and its use to a name.
fn with_steps(name: &str, provenance: &Provenance) -> String {
    provenance
        .via()
        .iter()
        .fold(name.to_owned(), |name, via| match via {
            Via::SecretFile(path) => format!("{name} -> {}", path.display()),
            Via::Substituted(variable) => format!("{name} with ${{{variable}}}"),
        })
}
