//! Named configuration files and `.env` files. Discovery, substitution and trust are not here.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroizing;

use super::Layer;
use crate::{Kind, LoadError, LoadErrorKind, Location, Provenance, SettingName, Source, declared};

/// Settings files are small; this bound keeps devices and mistakes out.
const MAX_BYTES: u64 = 1024 * 1024;

impl Layer {
    /// Reads a configuration file that the caller named; the format follows from its extension.
    pub(crate) fn file(path: &Path, source: Source) -> Result<Self, LoadError> {
        let text = read(path)?;
        let table = parse(path, &text)?;
        let mut layer = Self::new(source);
        for (key, value) in table {
            let name = SettingName::find(&key).ok_or_else(|| unknown(path, &key))?;
            let provenance = Provenance::new(source, Some(Location::File(path.to_owned())));
            if name.declared().outside_files {
                return Err(LoadError::new(
                    LoadErrorKind::Conflict,
                    format!(
                        "{}: {name} works as {} or as a flag only; remove it from the file",
                        path.display(),
                        name.declared().variables[0],
                    ),
                )
                .of(name, provenance));
            }
            let raw = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(flag) => flag.to_string(),
                // `1.10` and `007` have lost what made them names when they come as numbers.
                Value::Number(_) if !is_numeric(name.declared().kind) => {
                    return Err(LoadError::new(
                        LoadErrorKind::Invalid,
                        format!(
                            "{}: {name} is text, but a number stands there; write it in quotes",
                            path.display()
                        ),
                    )
                    .of(name, provenance));
                }
                Value::Number(number) => number.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(LoadError::new(
                        LoadErrorKind::Invalid,
                        format!("{}: {name} must be a single value", path.display()),
                    )
                    .of(name, provenance));
                }
            };
            if raw.contains("${") || raw.contains("$<") {
                return Err(LoadError::new(
                    LoadErrorKind::Invalid,
                    format!(
                        "{}: {name} holds a substitution, which this version does not support; write the value or use the variable {}",
                        path.display(),
                        name.declared().variables[0],
                    ),
                )
                .of(name, provenance));
            }
            if layer.get(name).is_some() {
                return Err(LoadError::new(
                    LoadErrorKind::Conflict,
                    format!(
                        "{}: {name} is set twice, by two of its names; remove one",
                        path.display()
                    ),
                )
                .of(name, provenance));
            }
            if !raw.trim().is_empty() {
                layer.insert(name, SecretString::from(raw), provenance);
            }
        }
        Ok(layer)
    }
}

/// Returns the overlay of `path` for an environment: `honeyhive.yaml` and `prod` make `honeyhive.prod.yaml`.
pub(crate) fn overlay_path(path: &Path, environment: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{environment}.{extension}"))
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, LoadError> {
    let fail = |what: &str| {
        LoadError::new(
            LoadErrorKind::Unreadable,
            format!("{} {what}", path.display()),
        )
    };
    let metadata =
        std::fs::metadata(path).map_err(|error| fail(&format!("cannot be read ({error})")))?;
    if !metadata.is_file() {
        return Err(fail("is not a regular file"));
    }
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)
        .map_err(|error| fail(&format!("cannot be read ({error})")))?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|_| fail("is not UTF-8 text"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(fail("is larger than 1 MiB"));
    }
    Ok(text)
}

/// Parsers echo source lines, which may hold a key: only their position is passed on.
fn parse(path: &Path, text: &str) -> Result<serde_json::Map<String, Value>, LoadError> {
    let malformed = |place: String| {
        LoadError::new(
            LoadErrorKind::Malformed,
            format!(
                "{} is not a flat table of settings in its format{place}",
                path.display()
            ),
        )
    };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => serde_saphyr::from_str(text).map_err(|error| {
            malformed(error.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            }))
        }),
        Some("json") => serde_json::from_str(text).map_err(|error| {
            malformed(format!(
                " (line {}, column {})",
                error.line(),
                error.column()
            ))
        }),
        Some("toml") => toml::from_str(text).map_err(|error| {
            malformed(error.span().map_or_else(String::new, |span| {
                let line = text[..span.start.min(text.len())].lines().count().max(1);
                format!(" (line {line})")
            }))
        }),
        _ => Err(LoadError::new(
            LoadErrorKind::Unreadable,
            format!(
                "{} has no known format; its name must end in .yaml, .yml, .json or .toml",
                path.display()
            ),
        )),
    }
}

fn is_numeric(kind: Kind) -> bool {
    match kind {
        Kind::Boolean | Kind::Seconds(..) | Kind::Count(..) => true,
        Kind::Text | Kind::Url | Kind::Path | Kind::Choice(_) => false,
    }
}

fn unknown(path: &Path, key: &str) -> LoadError {
    // A mistyped line may hold the key itself, so only names that look like names are repeated.
    let plain = !key.starts_with("hh_")
        && key.len() <= 40
        && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let shown = if plain { key } else { "(not shown)" };
    let near = declared::DECLARED
        .iter()
        .map(|declared| declared.name.as_str())
        .filter(|name| near(name, key))
        .map(|name| format!("; did you mean {name}?"))
        .next()
        .unwrap_or_default();
    LoadError::new(
        LoadErrorKind::Conflict,
        format!("{}: {shown} is not a setting{near}", path.display()),
    )
}

/// Tells whether two names differ by at most two edits.
fn near(left: &str, right: &str) -> bool {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()] <= 2
}
