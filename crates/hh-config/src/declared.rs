//! What a declared setting is; the settings themselves are in `declared/table.rs` and `declared/planned.rs`.

mod planned;
mod table;

use std::fmt;

use crate::value::{self, Value};

pub use table::{DECLARED, UNSUPPORTED, names};

/// The flat name of a configuration value, one of the [`DECLARED`] ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(u8);

impl SettingName {
    /// Finds a declared setting by its name or alias.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|setting| {
            let declared = setting.declared();
            declared.name == name || declared.aliases.contains(&name)
        })
    }

    /// Finds the declared setting that a variable belongs to.
    #[must_use]
    pub fn of_variable(variable: &str) -> Option<Self> {
        Self::all().find(|setting| setting.declared().variables.contains(&variable))
    }

    /// Returns every declared setting, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        // The table is far shorter than 256 entries.
        (0..=u8::MAX).take(DECLARED.len()).map(Self)
    }

    /// Returns the name as it stands in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.declared().name
    }

    /// Returns the entry of the table.
    #[must_use]
    pub fn declared(self) -> &'static Declared {
        &DECLARED[usize::from(self.0)]
    }
}

impl fmt::Debug for SettingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SettingName({})", self.as_str())
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The type and range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A project name: 1 to 100 characters, none of `/ \ ? # &` and no control character.
    Project,
    /// An `http` or `https` URL without a user name, query or fragment.
    Url,
    /// The URL of a proxy, which may hold a user name and password; shown without them.
    Proxy,
    /// A file path.
    Path,
    /// true/1/yes/on/enabled or false/0/no/off/disabled, in any case.
    Boolean,
    /// Seconds with fractions, inclusive bounds.
    Seconds(f64, f64),
    /// A number with fractions, inclusive bounds.
    Number(f64, f64),
    /// A whole number, inclusive bounds.
    Count(u64, u64),
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// Several texts: a list in files, in variables separated by commas or a JSON array.
    List,
    /// Texts by name: a table in files, in variables a JSON object.
    Map,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => formatter.write_str("text"),
            Self::Project => formatter.write_str("project name, 1 to 100 characters"),
            Self::Url => formatter.write_str("URL"),
            Self::Proxy => formatter.write_str("URL of a proxy"),
            Self::Path => formatter.write_str("path"),
            Self::Boolean => formatter.write_str("boolean"),
            Self::Seconds(low, high) => write!(formatter, "seconds, {low} to {high}"),
            Self::Number(low, high) => write!(formatter, "number, {low} to {high}"),
            Self::Count(low, high) => write!(formatter, "whole number, {low} to {high}"),
            Self::Choice(words) => formatter.write_str(&words.join(", ")),
            Self::List => formatter.write_str("list of texts"),
            Self::Map => formatter.write_str("table of texts"),
        }
    }
}

/// Where a setting may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// As parameter, variable and in files.
    Anywhere,
    /// As parameter or variable, never in a file.
    OutsideFiles,
}

/// Whether a project file that nobody trusted may set it (decisions X2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectFile {
    /// It may.
    May,
    /// It may name a host of HoneyHive over https, and no other.
    OnlyHosted,
    /// It may switch it on, not off.
    OnlyTrue,
    /// It may not.
    MayNot,
}

/// What acts on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActsOn {
    /// Loading itself.
    Loading,
    /// Every request, of the client, the tracer and the command line.
    Requests,
    /// The tracer.
    Tracer,
    /// The command line.
    CommandLine,
    /// The server, whatever a client's settings say.
    Server,
    /// Nothing yet: setting it makes a warning.
    Nothing,
}

impl ActsOn {
    /// Returns the words that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Requests => "requests",
            Self::Tracer => "tracer",
            Self::CommandLine => "command line",
            Self::Server => "the server",
            Self::Nothing => "nothing yet",
        }
    }
}

/// The values of a planned setting that ask for protection of data. They are errors, since data would be sent as if the
/// setting was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// `true`.
    On,
    /// `false`.
    Off,
    /// A list that is not empty and not the default.
    NotEmpty,
}

impl Protection {
    /// Returns whether a value asks for protection.
    pub(crate) fn is_asked_by(self, value: &Value, default: Option<&str>) -> bool {
        match (self, value) {
            (Self::On, Value::Boolean(is_on)) => *is_on,
            (Self::Off, Value::Boolean(is_on)) => !is_on,
            (Self::NotEmpty, Value::List(list)) => {
                let default = default.and_then(|text| value::parse(Kind::List, text).ok());
                !list.is_empty() && default.as_ref() != Some(value)
            }
            (_, _) => false,
        }
    }
}

/// One entry of the table of settings.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Declared {
    /// The flat name.
    pub name: &'static str,
    /// Other names in files.
    pub aliases: &'static [&'static str],
    /// Its variables, the preferred one first.
    pub variables: &'static [&'static str],
    /// Type and range.
    pub kind: Kind,
    /// The default, as text.
    pub default: Option<&'static str>,
    /// Whether the value is a secret.
    pub secret: bool,
    /// Where it may stand.
    pub place: Place,
    /// Whether a project file that nobody trusted may set it.
    pub project_file: ProjectFile,
    /// What acts on it.
    pub acts_on: ActsOn,
    /// One line for people.
    pub doc: &'static str,
    pub(crate) protection: Option<Protection>,
}

impl Declared {
    const fn new(name: &'static str, kind: Kind, acts_on: ActsOn, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            variables: &[],
            kind,
            default: None,
            secret: false,
            place: Place::Anywhere,
            project_file: ProjectFile::May,
            acts_on,
            doc,
            protection: None,
        }
    }

    /// A setting that nothing acts on yet.
    const fn planned(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::new(name, kind, ActsOn::Nothing, doc)
    }

    /// Returns whether nothing acts on the setting yet.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.acts_on == ActsOn::Nothing
    }

    /// Parses a value; the error says what was expected, not what was found.
    pub(crate) fn parse(&self, text: &str) -> Result<Value, String> {
        let value = value::parse(self.kind, text)?;
        match self.protection {
            Some(protection) if protection.is_asked_by(&value, self.default) => Err(
                "is not supported yet, so data would be sent without this protection; remove it"
                    .to_owned(),
            ),
            Some(_) | None => Ok(value),
        }
    }

    const fn variables(mut self, variables: &'static [&'static str]) -> Self {
        self.variables = variables;
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn outside_files(mut self) -> Self {
        self.place = Place::OutsideFiles;
        self
    }

    const fn protection(mut self, protection: Protection) -> Self {
        self.protection = Some(protection);
        self
    }

    const fn project_file(mut self, project_file: ProjectFile) -> Self {
        self.project_file = project_file;
        self
    }
}

/// A documented variable that nothing here will act on, and why.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unsupported {
    /// The variable.
    pub variable: &'static str,
    /// Why nothing acts on it, after "because".
    pub reason: &'static str,
}
