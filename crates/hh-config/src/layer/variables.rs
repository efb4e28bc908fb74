//! Builds the layer of a source of variables: the environment or a `.env` file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;
use secrecy::SecretString;

use super::{Layer, exposed};
use crate::env::is_blank;
use crate::origin::BaseUrl;
use crate::redact::redacted_path;
use crate::{
    Env, Kind, LoadErrorKind, Location, Problem, Provenance, SETTINGS, SettingName, SettingSpec,
    Source, UNSUPPORTED, Via, names, nearest, secret_file, value,
};

/// A source of variables, each with its location.
pub(super) trait Variables {
    const SOURCE: Source;

    /// Returns the value of a variable, which may be blank, with its location.
    fn find(&self, variable: &str) -> Option<(&OsStr, Location)>;

    fn names(&self) -> impl Iterator<Item = &str>;

    /// Returns the environment that resolves paths.
    fn env(&self) -> &Env;

    /// Returns the value of a variable, unless it is unset or blank.
    fn get(&self, variable: &str) -> Option<(&OsStr, Location)> {
        self.find(variable).filter(|(value, _)| !is_blank(value))
    }
}

impl Layer {
    /// Builds the layer from all known variables, aliases and `NAME_FILE` secrets.
    pub(super) fn of_variables<V: Variables>(variables: &V) -> Self {
        let mut layer = Self::new(V::SOURCE);
        for (setting, declared) in SettingName::all().zip(SETTINGS) {
            layer.read_setting(variables, setting, declared);
        }
        // Both debug variables are equivalent: either enables debug (see `docs/design/decisions.md#p8`), and an invalid
        // value of either is an error.
        layer.prefer(names::DEBUG, |entry| {
            let raw = entry.raw.as_ref().ok();
            raw.and_then(|raw| value::boolean(exposed(raw))) != Some(false)
        });
        layer.warn_two_urls(variables);
        layer.warn_unknown_names(variables);
        layer
    }

    fn read_setting<V: Variables>(
        &mut self,
        variables: &V,
        setting: SettingName,
        declared: &SettingSpec,
    ) {
        for &variable in declared.variables {
            let is_shared = !has_own_prefix(variable);
            let file_variable = declared.secret.then(|| format!("{variable}_FILE"));
            let mut find = |name| {
                let (value, place) = variables.find(name)?;
                if is_blank(value) {
                    self.add_empty(setting, Provenance::new(V::SOURCE, Some(place)));
                    return None;
                }
                Some((value, place))
            };
            let value = find(variable);
            let file = file_variable.as_deref().and_then(find);
            let (raw, provenance) = match (value, file) {
                (None, None) => continue,
                (value, Some((path, place))) => {
                    let file_variable = file_variable.as_deref().unwrap_or_default();
                    let path = match path.to_str() {
                        Some(path) => PathBuf::from(hh_text::without_bom(path)),
                        None => PathBuf::from(path),
                    };
                    let provenance = Provenance::new(V::SOURCE, Some(place));
                    let place = line_of(&provenance);
                    if value.is_some() {
                        let what = Diagnostic::new(format!(
                            "{place}both {variable} and {file_variable} are set"
                        ));
                        let what = what.with_hint("unset one of them");
                        self.problems.push(
                            Problem::new(LoadErrorKind::Conflict, what)
                                .of(setting, provenance.clone()),
                        );
                    }
                    let shown = redacted_path(&path);
                    let env = variables.env();
                    let raw = secret_file::read(env, &env.resolve(&path)).map_err(|what| {
                        let what = of_secret_file(what, &path, variable);
                        Problem::new(LoadErrorKind::Unreadable, what.with_prefix(place))
                    });
                    (raw, provenance.with_via(Via::SecretFile(shown)))
                }
                (Some((value, place)), None) if is_shared && !declared.is_planned() => {
                    // Another program may accept a value that is not UTF-8, so it is not an error here.
                    let raw = SecretString::from(value.to_string_lossy().into_owned());
                    (Ok(raw), Provenance::new(V::SOURCE, Some(place)))
                }
                (Some((value, place)), None) => {
                    let text = value.to_str().map(hh_text::without_bom);
                    let raw = text.map(SecretString::from).ok_or_else(|| {
                        let what =
                            Diagnostic::new(format!("the value of {variable} is not UTF-8 text"));
                        let what = what.with_hint(format!("set {variable} to UTF-8 text"));
                        Problem::new(LoadErrorKind::Invalid, what)
                    });
                    (raw, Provenance::new(V::SOURCE, Some(place)))
                }
            };
            // Other programs use such a variable with other values, which must not stop a command.
            if is_shared && declared.is_planned() {
                let expected = match &raw {
                    Ok(raw) => value::parse_setting(declared, exposed(raw).trim()).err(),
                    Err(_) => Some("expected UTF-8 text".into()),
                };
                if let Some(expected) = expected {
                    let what = format!("{variable} is ignored: {expected}");
                    self.shared_warnings.push(what);
                    continue;
                }
            }
            let raw = raw.map_err(|problem| problem.of(setting, provenance.clone()));
            self.insert(setting, raw, provenance).is_shared = is_shared;
        }
    }

    /// Adds a warning if two variables name different servers (see `docs/design/decisions.md#p7`).
    fn warn_two_urls<V: Variables>(&mut self, variables: &V) {
        let urls: Vec<_> = urls(variables).collect();
        if let [first, rest @ ..] = urls.as_slice()
            && let Some(warning) = rest.iter().find_map(|other| differ(first, other))
        {
            self.warnings.push(warning);
        }
    }

    /// Adds a warning for each unknown variable with a HoneyHive prefix, because a typing error would go unnoticed.
    fn warn_unknown_names<V: Variables>(&mut self, variables: &V) {
        // Most variables belong to other programs.
        let names = || {
            variables
                .names()
                .filter(|name| name.starts_with(['h', 'H']))
        };
        for name in names() {
            // A `.env` file can contain names with dashes and dots.
            let spelled = name.replace(['-', '.'], "_");
            if !has_own_prefix(&spelled) || is_read(name) {
                continue;
            }
            if let Some(known) = UNSUPPORTED.iter().find(|known| known.variable == name) {
                self.unsupported_names.push((name.to_owned(), known.reason));
                continue;
            }
            let declared = SETTINGS.iter().flat_map(|declared| declared.variables);
            // A variable without the prefix, such as `NO_PROXY`, is never meant.
            let declared = declared.filter(|variable| has_own_prefix(variable));
            if let Some(near) = nearest(&spelled, declared.copied()) {
                self.unknown_names.push((name.to_owned(), near));
            }
        }
        for name in names().filter(|name| is_like_key(name) && !is_read(name)) {
            let what = format!("unknown variable {name}; did you mean HH_API_KEY?");
            self.mistakes.push((names::API_KEY, what));
        }
    }
}

/// Returns the problem of a secret file with its variable, the one of `variable` with the suffix `_FILE`.
fn of_secret_file(what: Diagnostic, path: &Path, variable: &str) -> Diagnostic {
    if value::check_name(Kind::Path, &path.to_string_lossy()).is_err() {
        let message = format!("{variable}_FILE contains an API key instead of the path of a file");
        return Diagnostic::new(message).with_hint(format!(
            "set {variable} to the key, or {variable}_FILE to the path of a file that contains it"
        ));
    }
    what.with_prefix(format_args!(
        "{variable}_FILE names {}, which ",
        redacted_path(path).display()
    ))
}

/// Returns whether a variable is probably meant to contain the API key, such as `HONEYHIVE_KEY` or `hh_api_key`.
///
/// Programs of others may use such names, so they are mentioned only if there is no key.
fn is_like_key(variable: &str) -> bool {
    const NAMES: [&str; 9] = [
        "KEY",
        "APIKEY",
        "APIKEYS",
        "TOKEN",
        "APITOKEN",
        "ACCESSTOKEN",
        "AUTHTOKEN",
        "PROJECTKEY",
        "PROJECTAPIKEY",
    ];
    let letters = variable.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.map(|c| c.to_ascii_uppercase()).collect();
    ["HONEYHIVE", "HH"].iter().any(|prefix| {
        let name = letters.strip_prefix(prefix);
        name.is_some_and(|name| NAMES.contains(&name))
    })
}

/// Returns whether a variable is read, for a setting or for the path of a secret file.
pub(super) fn is_read(variable: &str) -> bool {
    let secret = variable
        .strip_suffix("_FILE")
        .and_then(SettingName::of_variable);
    SettingName::of_variable(variable).is_some()
        || secret.is_some_and(|setting| setting.spec().secret)
}

/// Returns whether a variable is read and other programs do not use it.
#[cfg(feature = "files")]
pub(super) fn is_own(variable: &str) -> bool {
    has_own_prefix(variable) && is_read(variable)
}

fn has_own_prefix(variable: &str) -> bool {
    variable.starts_with("HH_") || variable.starts_with("HONEYHIVE_")
}

/// Returns the variables that are set to a base URL, the preferred one first.
pub(super) fn urls<V: Variables>(variables: &V) -> impl Iterator<Item = (&'static str, BaseUrl)> {
    let declared = names::BASE_URL.spec().variables.iter();
    declared.filter_map(|&name| {
        let (value, _) = variables.get(name)?;
        Some((name, BaseUrl::parse(value.to_str()?).ok()?))
    })
}

/// Returns a warning if two variables name different servers.
pub(super) fn differ(
    (winner, url): &(&'static str, BaseUrl),
    (other, other_url): &(&'static str, BaseUrl),
) -> Option<String> {
    (url.origin() != other_url.origin())
        .then(|| format!("{winner} and {other} name different servers; {winner} takes precedence"))
}

/// Returns the location of a variable in a file as the prefix of a message.
fn line_of(provenance: &Provenance) -> String {
    match provenance.location() {
        Some(Location::File { path, line, .. }) => format!("{}:{line}: ", path.display()),
        _ => String::new(),
    }
}
