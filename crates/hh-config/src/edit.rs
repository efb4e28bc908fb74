//! Changes one setting in the text of a configuration file, and preserves comments, order and everything else.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;

use hh_key::ApiKey;
use hh_text::Diagnostic;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::format::{self, Format, Lines, Node, Pair};
use crate::layer::{exposed, is_name_of};
use crate::substitute::{is_secret, substitute_with};
use crate::{
    Env, Kind, LoadError, LoadErrorKind, Placement, Problem, SettingName, Stack, names, value,
};

/// A change of a setting.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "no other change is possible")]
pub enum Edit {
    /// Set the setting to this value, which may contain `${NAME}`.
    Set(SecretString),
    /// Remove the setting.
    Unset,
}

/// Changes one setting in the text of a file and returns the new text. The extension of `path` determines the format.
///
/// The new text is parsed again before it is returned, to verify that only this setting has changed.
///
/// # Errors
/// Returns `Invalid` for a value of the wrong type or out of range, `Conflict` for a setting that is not allowed in
/// files, `Unreadable` for an unknown format, and `Malformed` for a syntax error or a text that cannot be changed in
/// place.
///
/// ```
/// use hh_config::{Edit, edit, names};
///
/// let text = "# team\nproject: docs # changed often\n";
/// let changed = edit("config.yaml".as_ref(), text, names::PROJECT, &Edit::Set("search".into()))?;
/// assert_eq!(changed, "# team\nproject: search # changed often\n");
/// # Ok::<(), hh_config::LoadError>(())
/// ```
pub fn edit(path: &Path, text: &str, name: SettingName, edit: &Edit) -> Result<String, LoadError> {
    if name.spec().place == Placement::OutsideFiles {
        let variable = name.spec().variables[0];
        let wrong = Diagnostic::new(format!("{name} cannot be set in a configuration file"))
            .with_hint(format!("set {variable} instead"));
        return Err(LoadError::new(LoadErrorKind::Conflict, wrong));
    }
    let Some(format) = Format::of(path) else {
        let wrong = Diagnostic::new(format!("{} has an unknown format", path.display()))
            .with_hint("use the extension .yaml, .yml, .json or .toml");
        return Err(LoadError::new(LoadErrorKind::Unreadable, wrong));
    };
    // The byte order mark is preserved.
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        return self::edit(path, rest, name, edit).map(|changed| format!("\u{feff}{changed}"));
    }
    let before = parse(path, format, text)?;
    let at = before
        .iter()
        .position(|pair| is_name_of(&pair.name.value, name));
    let changed = match (edit, at) {
        (Edit::Unset, None) => return Ok(text.to_owned()),
        (Edit::Unset, Some(at)) => without(format, text, &before, at),
        (Edit::Set(wanted), at) => {
            let wanted = exposed(wanted).trim();
            check(name, wanted)?;
            if let Some(other) = at
                .map(|at| &before[at].name)
                .filter(|n| SettingName::find(&n.value).is_none())
            {
                let message = format!(
                    "{}:{}: cannot set {name} because {} is set",
                    path.display(),
                    Lines::new(text).of(other.span.start).0,
                    other.value
                );
                let wrong = Diagnostic::new(message)
                    .with_hint(format!("run `honeyhive config unset {name}` first"));
                return Err(LoadError::new(LoadErrorKind::Conflict, wrong));
            }
            let written = write(format, name.spec().kind, wanted);
            match at {
                Some(at) if format == Format::Yaml => set_yaml(text, &before[at], &written),
                Some(at) => replace(text, &before[at].value.span, &written),
                None => insert(format, text, &before, name.as_str(), &written),
            }
        }
    };
    let is_as_wanted =
        parse(path, format, &changed).is_ok_and(|after| reads_back(&before, &after, name, edit));
    if is_as_wanted {
        // For example, the file now sets both the API key and a command that prints it.
        return match new_problem(path, text, &changed) {
            Some(problem) => Err(problem.into()),
            None => Ok(changed),
        };
    }
    let place = at.map(|at| Lines::new(text).of(before[at].name.span.start));
    let place = place.map(|(line, column)| format!(":{line}:{column}"));
    let message = format!(
        "{}{}: cannot change {name} without reformatting the file",
        path.display(),
        place.unwrap_or_default()
    );
    let wrong = Diagnostic::new(message).with_hint("edit the file manually");
    Err(LoadError::new(LoadErrorKind::Malformed, wrong))
}

/// Returns a problem of the new text that the old text does not have.
fn new_problem(path: &Path, before: &str, after: &str) -> Option<Problem> {
    let problems = |text: &str| Stack::of_text(&Env::default(), path, text).problems_of_places();
    let known = problems(before).len();
    let problems = problems(after);
    if problems.len() > known {
        problems.into_iter().next_back()
    } else {
        None
    }
}

fn parse(path: &Path, format: Format, text: &str) -> Result<Vec<Pair>, LoadError> {
    format::parse(format, text).map_err(|error| {
        let place = error.at.map(|at| Lines::new(text).of(at));
        let place = place.map(|(line, column)| format!(":{line}:{column}"));
        let place = place.unwrap_or_default();
        let what = error.diagnostic(format_args!("{}{place}", path.display()));
        LoadError::new(LoadErrorKind::Malformed, what)
    })
}

/// The settings that are API keys.
const KEYS: [SettingName; 4] = [
    names::API_KEY,
    names::INGESTION_API_KEY,
    names::DATA_PLANE_API_KEY,
    names::CONTROL_PLANE_API_KEY,
];

/// Returns the problem of a value that should be an API key, as the client reports it.
fn check_key(name: SettingName, text: &str) -> Option<Diagnostic> {
    let is_key = KEYS.contains(&name) && !text.is_empty();
    let error = is_key.then(|| ApiKey::parse(text).err()).flatten()?;
    Some(Diagnostic::new(format!("the value {error}")).with_hint(error.hint()))
}

/// Validates a value. If the value contains variables, only the syntax of the substitutions is validated.
fn check(name: SettingName, wanted: &str) -> Result<(), LoadError> {
    let some = OsStr::new("x");
    let what = match substitute_with(wanted, |_| Some(some)) {
        Err(error) => Some(error.diagnostic()),
        Ok(done) if done.variables.is_empty() => {
            let text = done.text.trim();
            let invalid = value::parse_setting(name.spec(), text).err();
            invalid.or_else(|| check_key(name, text))
        }
        Ok(done) => done
            .variables
            .iter()
            .find(|variable| is_secret(variable) && !name.spec().secret)
            .map(|variable| {
                Diagnostic::new(format!("variable {variable} contains a secret"))
                    .with_hint("use another variable")
            }),
    };
    let what = what.or_else(|| {
        wanted
            .is_empty()
            .then(|| Diagnostic::new("the value is empty").with_hint("unset the setting instead"))
    });
    match what {
        None => Ok(()),
        Some(what) => {
            let wrong = what.with_prefix(format_args!("invalid value for {name}: "));
            Err(LoadError::new(LoadErrorKind::Invalid, wrong))
        }
    }
}

/// Returns a value in the syntax of a format. Strings are quoted as in JSON, which YAML and TOML accept too.
fn write(format: Format, kind: Kind, wanted: &str) -> String {
    let quoted = || serde_json::to_string(wanted).unwrap_or_default();
    match kind {
        Kind::Boolean => value::boolean(wanted).map_or_else(quoted, |flag| flag.to_string()),
        Kind::Seconds(..) | Kind::Number(..) | Kind::Count(..) => {
            let is_number = serde_json::from_str::<serde_json::Number>(wanted).is_ok();
            if is_number {
                wanted.to_owned()
            } else {
                quoted()
            }
        }
        Kind::List | Kind::Hosts | Kind::HostPatterns => {
            if let Ok(value::Value::List(list)) = value::parse(kind, wanted) {
                serde_json::to_string(&list).unwrap_or_default()
            } else {
                quoted()
            }
        }
        Kind::Text
        | Kind::Name
        | Kind::Project
        | Kind::Url
        | Kind::Proxy
        | Kind::Path
        | Kind::Choice(_)
            if format == Format::Yaml && is_plain(wanted) =>
        {
            wanted.to_owned()
        }
        Kind::Text
        | Kind::Name
        | Kind::Project
        | Kind::Url
        | Kind::Proxy
        | Kind::Path
        | Kind::Choice(_)
        | Kind::Map => quoted(),
    }
}

/// Returns whether YAML reads an unquoted text as the same string.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.replace("://", "/").chars().all(is_inner)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn replace(text: &str, span: &Range<usize>, with: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    format!("{before}{with}{after}")
}

fn insert(format: Format, text: &str, pairs: &[Pair], name: &str, written: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    match format {
        Format::Yaml => {
            let gap = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                end
            };
            format!("{text}{gap}{name}: {written}{end}")
        }
        Format::Json => match pairs.last() {
            Some(last) => {
                let line = format!(",{end}  \"{name}\": {written}");
                replace(text, &(last.value.span.end..last.value.span.end), &line)
            }
            None => format!("{{{end}  \"{name}\": {written}{end}}}{end}"),
        },
        Format::Toml => {
            // A setting after a table header would belong to that table.
            let header = line_starts(text)
                .find(|at| text[*at..].trim_start_matches([' ', '\t']).starts_with('['));
            let at = header.unwrap_or(text.len());
            let gap = if at == 0 || text[..at].ends_with('\n') {
                ""
            } else {
                end
            };
            let after = if header.is_some() { end } else { "" };
            replace(
                text,
                &(at..at),
                &format!("{gap}{name} = {written}{end}{after}"),
            )
        }
    }
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1))
}

fn without(format: Format, text: &str, pairs: &[Pair], at: usize) -> String {
    let (start, end) = (pairs[at].name.span.start, pairs[at].value.span.end);
    if format == Format::Json {
        let span = match (at.checked_sub(1), pairs.get(at + 1)) {
            // The comma after the value is removed too, or else the comma before it.
            (_, Some(next)) => start..next.name.span.start,
            (Some(previous), None) => pairs[previous].value.span.end..end,
            (None, None) => start..end,
        };
        return replace(text, &span, "");
    }
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = match format {
        Format::Yaml => end_of_yaml(text, &pairs[at]),
        Format::Json | Format::Toml => end,
    };
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    replace(text, &(line..end), "")
}

fn set_yaml(text: &str, pair: &Pair, written: &str) -> String {
    let is_written_null = matches!(pair.value.value, Node::Null)
        && matches!(text.get(pair.value.span.clone()), Some("~" | "null"));
    if is_written_null || is_in_line(text, pair) {
        return replace(text, &pair.value.span, written);
    }
    let name = pair.name.span.end;
    let colon = text[name..].find(':').map_or(name, |at| name + at + 1);
    let end = if let Node::Null = pair.value.value {
        // A comment may follow, which is preserved.
        colon
    } else {
        end_of_yaml(text, pair).max(colon)
    };
    replace(text, &(colon..end), &format!(" {written}"))
}

/// Returns whether a value is a scalar on the line of its name. For other values, the parser reports only the start.
fn is_in_line(text: &str, pair: &Pair) -> bool {
    let is_scalar = matches!(
        pair.value.value,
        Node::Boolean(_) | Node::Number(_) | Node::Text(_)
    );
    let up_to_end = text.get(pair.name.span.end..pair.value.span.end);
    is_scalar && up_to_end.is_some_and(|part| !part.trim_end().contains('\n'))
}

/// Returns the end of a value: the end of the last line below its name that is indented or is an element of its list.
fn end_of_yaml(text: &str, pair: &Pair) -> usize {
    let name = pair.name.span.end;
    let mut end = text[name..].find('\n').map_or(text.len(), |at| name + at);
    if is_in_line(text, pair) {
        return end;
    }
    let mut at = end;
    for line in text[end..].split_inclusive('\n').skip(1) {
        at += 1;
        let content = line.trim();
        let is_below = line.starts_with([' ', '\t', '-', ']', '}']);
        if !content.is_empty() && !is_below {
            break;
        }
        if !content.is_empty() {
            end = at + line.trim_end().len();
        }
        at += line.len() - 1;
    }
    end
}

/// Returns whether only this setting has changed, and has the requested value.
fn reads_back(before: &[Pair], after: &[Pair], name: SettingName, edit: &Edit) -> bool {
    let others = |pairs: &[Pair]| {
        let others = pairs
            .iter()
            .filter(|pair| !is_name_of(&pair.name.value, name));
        others
            .map(|pair| (pair.name.value.clone(), plain(&pair.value.value)))
            .collect::<Vec<_>>()
    };
    let mut found = after
        .iter()
        .filter(|pair| is_name_of(&pair.name.value, name));
    let is_wanted = match (edit, found.next(), found.next()) {
        (Edit::Unset, None, None) => true,
        (Edit::Set(wanted), Some(pair), None) => {
            let kind = name.spec().kind;
            let (wanted, found) = (exposed(wanted).trim(), plain(&pair.value.value));
            *found == wanted || value::parse(kind, wanted).ok() == value::parse(kind, &found).ok()
        }
        _ => false,
    };
    is_wanted && others(before) == others(after)
}

/// Returns a value as text, for comparison.
fn plain(node: &Node) -> Zeroizing<String> {
    let joined = |parts: Vec<String>| format!("[{}]", parts.join(","));
    Zeroizing::new(match node {
        Node::Null => "null".to_owned(),
        Node::Boolean(flag) => flag.to_string(),
        Node::Number(number) => number.clone(),
        Node::Text(text) => return text.clone(),
        Node::List(list) => joined(
            list.iter()
                .map(|element| serde_json::to_string(&*plain(&element.value)).unwrap_or_default())
                .collect(),
        ),
        Node::Table(pairs) => joined(
            pairs
                .iter()
                .map(|pair| format!("{:?}:{}", pair.name.value, *plain(&pair.value.value)))
                .collect(),
        ),
        Node::Other => "other".to_owned(),
    })
}
