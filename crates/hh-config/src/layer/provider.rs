//! Builds the layer of a figment provider, with the metadata of figment as provenance.

use std::collections::BTreeMap;

use figment::value::{Num, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};
use hh_text::{Diagnostic, one_line};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::named::{Named, redacted, unknown};
use super::policy::denied;
use super::{Layer, exposed, is_blank};
use crate::problems::Problems;
use crate::redact::{redact_keys, redacted_path};
use crate::{
    Kind, LoadErrorKind, Location, Placement, Problem, Provenance, SettingName, Source, names,
};

impl Layer {
    /// Builds the layer of a figment provider. The selected profile of the provider overrides its default profile, as in
    /// figment.
    pub(crate) fn of_provider(source: Source, provider: impl Provider) -> Self {
        let figment = Figment::from(provider);
        let mut layer = Self::new(source);
        // Providers of these sources are usually files in the working directory.
        layer.is_project_file = matches!(source, Source::Project | Source::Overlay);
        let mut reader = Reader {
            figment: &figment,
            layer,
            problems: Problems::default(),
        };
        match keys(&figment) {
            Ok(keys) => reader.keys(keys),
            Err(failures) => failures
                .into_iter()
                .for_each(|failure| reader.problems.push(failure)),
        }
        reader.layer.problems = reader
            .problems
            .into_list(format_args!("provider ({source})"));
        reader.layer
    }
}

/// Returns the keys of the profiles in effect, each with the tag of its value, or the failures of the provider.
fn keys(figment: &Figment) -> Result<BTreeMap<String, Tag>, Vec<Problem>> {
    let mut data = figment.data().map_err(|error| {
        // `find_value` adds the metadata to the error, and `data` does not.
        let error = figment.find_value("").err().unwrap_or(error);
        error
            .into_iter()
            .map(|error| failure(&error))
            .collect::<Vec<_>>()
    })?;
    let profiles = [Profile::Default, figment.profile().clone(), Profile::Global];
    let values = profiles
        .iter()
        .filter_map(|profile| data.remove(profile))
        .flatten();
    Ok(values.map(|(key, value)| (key, value.tag())).collect())
}

/// Describes the failure of a provider. The text of the error is not part of the message, because it may contain a line
/// of a file with a secret.
fn failure(error: &figment::Error) -> Problem {
    let name = error.metadata.as_ref().map_or_else(
        || "a provider".to_owned(),
        |metadata| match file(metadata) {
            Some(file) => format!("{} {}", name(metadata), file.display()),
            None => name(metadata),
        },
    );
    let position = if let figment::error::Kind::Message(text) = &error.kind {
        after(text, "line ").zip(after(text, "column "))
    } else {
        None
    };
    let (kind, place) = match position {
        Some((line, column)) => (
            LoadErrorKind::Malformed,
            format!(" (line {line}, column {column})"),
        ),
        None => (LoadErrorKind::Unreadable, String::new()),
    };
    let what = Diagnostic::new(format!("cannot read {name}{place}")).with_hint(
        "to see the cause, extract the provider with figment directly; its error can contain secrets",
    );
    Problem::new(kind, what)
}

/// Returns the number after a word.
fn after(text: &str, word: &str) -> Option<usize> {
    let (_, rest) = text.split_once(word)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn printable(text: &str) -> String {
    redact_keys(&one_line(text), |_| "hh_***".to_owned())
}

/// Returns the name of a provider, and its source if that is not a file.
fn name(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(source) if source.file_path().is_none() => {
            // The source can be an address with a password or a token.
            let source = source.to_string();
            let source = source.split('?').next().unwrap_or_default();
            let source = crate::value::redacted(Kind::Url, source);
            printable(&format!("{} {source}", metadata.name))
        }
        Some(_) | None => printable(&metadata.name),
    }
}

fn file(metadata: &Metadata) -> Option<std::path::PathBuf> {
    metadata.source.as_ref()?.file_path().map(redacted_path)
}

struct Reader<'a> {
    figment: &'a Figment,
    layer: Layer,
    problems: Problems,
}

impl Reader<'_> {
    fn keys(&mut self, keys: BTreeMap<String, Tag>) {
        let mut seen = BTreeMap::new();
        for (key, tag) in keys {
            let provenance = self.provenance(&key, tag);
            let Some(named) = Named::find(&key) else {
                self.unknown(&key, provenance);
                continue;
            };
            let setting = named.setting();
            let checked = match (named, seen.insert(setting, key.clone())) {
                (Named::SecretFile(_), _) => Err((
                    LoadErrorKind::Conflict,
                    Diagnostic::new(format!("{key} cannot be set in a provider"))
                        .with_hint(format!("read the file, and set {setting}")),
                )),
                (Named::Setting(_), Some(first)) => Err((
                    LoadErrorKind::Conflict,
                    Diagnostic::new(format!("{first} and {key} are both set"))
                        .with_hint("remove one"),
                )),
                (Named::Setting(_), None) => self.setting(setting, &key, &provenance),
            };
            if let Err((kind, what)) = checked {
                self.problem(kind, what, setting, &provenance);
            }
        }
        self.check_single_key();
    }

    fn unknown(&mut self, key: &str, provenance: Provenance) {
        let mut what = unknown(key, "");
        if key == "environments" {
            what = what.with_hint("select a profile of figment instead");
        } else if what.hint().is_none() {
            what = what
                .with_hint("pass only settings of HoneyHive, for example with `Figment::focus`");
        }
        let what = what.with_prefix(format_args!("{}: ", provenance.place()));
        self.problems
            .push(Problem::new(LoadErrorKind::Conflict, what).at(provenance));
    }

    /// Adds the entry of a setting, unless its value is blank.
    fn setting(
        &mut self,
        setting: SettingName,
        key: &str,
        provenance: &Provenance,
    ) -> Result<(), (LoadErrorKind, Diagnostic)> {
        let source = self.layer.source;
        let declared = setting.spec();
        if declared.place == Placement::OutsideFiles && source < Source::DotEnv {
            let what = Diagnostic::new(format!(
                "{setting} cannot be set in a provider with the source \"{source}\""
            ))
            .with_hint(format!(
                "remove it and set {} instead",
                declared.variables[0]
            ));
            return Err((LoadErrorKind::Conflict, what));
        }
        let is_own = matches!(source, Source::User | Source::Named) || source >= Source::DotEnv;
        if declared.place == Placement::OwnFiles && !is_own {
            let what = Diagnostic::new(format!(
                "a provider with the source \"{source}\" cannot set {setting}"
            ))
            .with_hint(format!("set {} instead", declared.variables[0]));
            return Err((LoadErrorKind::Untrusted, what));
        }
        let invalid = |what: Diagnostic| {
            let what = what.with_prefix(format_args!("invalid value for {setting}: "));
            (LoadErrorKind::Invalid, what)
        };
        // A name of a setting contains no dot, which would separate a path.
        let Ok(value) = self.figment.find_value(key) else {
            return Ok(());
        };
        let Some(text) = raw(declared.kind, value).map_err(invalid)? else {
            return Ok(());
        };
        if is_blank(&text) {
            return Ok(());
        }
        if self.layer.is_project_file
            && let Some(what) = denied(setting, exposed(&text))
        {
            let what = Diagnostic::new(format!(
                "a provider with the source \"{source}\" cannot {what}"
            ))
            .with_hint(
                "add the provider with another source, such as `Source::Named`, if it is trusted",
            );
            return Err((LoadErrorKind::Untrusted, what));
        }
        self.layer.insert(setting, Ok(text), provenance.clone());
        Ok(())
    }

    /// Reports a problem if a provider sets both an API key and `credential_command` (see `docs/design/decisions.md#p1`).
    fn check_single_key(&mut self) {
        if let (Some(key), Some(_)) = (
            self.layer.get(names::API_KEY),
            self.layer.get(names::CREDENTIAL_COMMAND),
        ) {
            let provenance = key.provenance.clone();
            let what = Diagnostic::new("api_key and credential_command are both set");
            let what = what.with_hint("remove one");
            self.problem(LoadErrorKind::Conflict, what, names::API_KEY, &provenance);
        }
    }

    fn provenance(&self, key: &str, tag: Tag) -> Provenance {
        let profile = tag.profile();
        let profile = profile.as_ref().unwrap_or(self.figment.profile());
        let metadata = self.figment.get_metadata(tag);
        // The form of the provider may contain more than the key.
        let is_plain = redacted(key) == key;
        let shown = metadata.filter(|_| is_plain).map_or_else(
            || redacted(key).to_owned(),
            |metadata| printable(&metadata.interpolate(profile, &[key])),
        );
        let location = Location::Provider {
            key: shown,
            name: metadata.map_or_else(|| "a provider".to_owned(), name),
            file: metadata.and_then(file),
        };
        Provenance::new(self.layer.source, Some(location))
    }

    fn problem(
        &mut self,
        kind: LoadErrorKind,
        what: Diagnostic,
        setting: SettingName,
        provenance: &Provenance,
    ) {
        let what = what.with_prefix(format_args!("{}: ", provenance.place()));
        self.problems
            .push(Problem::new(kind, what).of(setting, provenance.clone()));
    }
}

/// Returns a value as the raw text of a setting, or `None` if it is empty. The rules are those of configuration files.
///
/// # Errors
/// The expected form of the value. The error never contains the value.
fn raw(kind: Kind, value: Value) -> Result<Option<SecretString>, Diagnostic> {
    let is_numeric = matches!(
        kind,
        Kind::Boolean | Kind::Seconds(..) | Kind::Number(..) | Kind::Count(..)
    );
    // Serializing strings cannot fail.
    let json = |json: Result<String, serde_json::Error>| Some(json.unwrap_or_default().into());
    match value {
        Value::Empty(..) => Ok(None),
        Value::String(_, text) => Ok(Some(text.into())),
        Value::Char(_, character) => Ok(Some(character.to_string().into())),
        Value::Bool(_, flag) if is_numeric => Ok(Some(flag.to_string().into())),
        Value::Num(_, number) if is_numeric => Ok(Some(digits(number).into())),
        Value::Array(_, list) if kind.is_list() => {
            let list = list.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
            Ok(json(serde_json::to_string(
                &list.iter().map(|text| text.as_str()).collect::<Vec<_>>(),
            )))
        }
        Value::Dict(_, map) if kind == Kind::Map => {
            let map = map
                .into_iter()
                .map(|(name, value)| Ok((name, text(value)?)))
                .collect::<Result<Vec<_>, Diagnostic>>()?;
            let map = map.iter().map(|(name, text)| (name, text.as_str()));
            Ok(json(serde_json::to_string(
                &map.collect::<BTreeMap<_, _>>(),
            )))
        }
        // A name such as `1.10` or `007` that figment parsed as a number has already lost a digit.
        Value::Num(..) => {
            Err(Diagnostic::new("expected a string, found a number").with_hint("quote the value"))
        }
        Value::Bool(..) => {
            Err(Diagnostic::new("expected a string, found a boolean").with_hint("quote the value"))
        }
        Value::Array(..) | Value::Dict(..) if kind.is_list() => {
            Err("expected a list of strings".into())
        }
        Value::Array(..) | Value::Dict(..) if kind == Kind::Map => {
            Err("expected a table of strings".into())
        }
        Value::Array(..) | Value::Dict(..) => Err("expected a single value".into()),
    }
}

/// Returns the text of an element.
fn text(value: Value) -> Result<Zeroizing<String>, Diagnostic> {
    if let Value::String(_, text) = value {
        return Ok(Zeroizing::new(text));
    }
    Err(Diagnostic::new("expected only strings as elements").with_hint("quote each element"))
}

fn digits(number: Num) -> String {
    match (number.to_u128(), number.to_i128(), number.to_f64()) {
        (Some(number), ..) => number.to_string(),
        (_, Some(number), _) => number.to_string(),
        // `{:?}` keeps the fraction of 2.0, so that it is not a whole number.
        (.., Some(number)) => format!("{number:?}"),
        (None, None, None) => String::new(),
    }
}
