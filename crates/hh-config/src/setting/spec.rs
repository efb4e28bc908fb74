//! Types that describe a setting: its name, type, range and use.

use std::fmt;

/// The flat name of a configuration value, one of the [`SETTINGS`](crate::SETTINGS) ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(pub(super) u8);

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
pub enum Placement {
    /// As parameter, variable and in files.
    Anywhere,
    /// As parameter or variable, never in a file.
    OutsideFiles,
}

/// Whether a project file that nobody trusted may set it (see `docs/design/decisions.md#x2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectFilePolicy {
    /// It may.
    Allowed,
    /// It may name a host of HoneyHive over https, and no other.
    OnlyHosted,
    /// It may switch it on, not off.
    OnlyTrue,
    /// It may not.
    Denied,
}

/// What acts on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consumer {
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

impl Consumer {
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

/// One entry of the table of settings.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SettingSpec {
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
    pub place: Placement,
    /// Whether a project file that nobody trusted may set it.
    pub project_file: ProjectFilePolicy,
    /// What acts on it.
    pub acts_on: Consumer,
    /// One line for people.
    pub doc: &'static str,
    pub(crate) protection: Option<Protection>,
}

impl SettingSpec {
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        acts_on: Consumer,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            variables: &[],
            kind,
            default: None,
            secret: false,
            place: Placement::Anywhere,
            project_file: ProjectFilePolicy::Allowed,
            acts_on,
            doc,
            protection: None,
        }
    }

    /// A setting that nothing acts on yet.
    pub(super) const fn planned(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::new(name, kind, Consumer::Nothing, doc)
    }

    /// Returns whether nothing acts on the setting yet.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.acts_on == Consumer::Nothing
    }

    pub(super) const fn protection(mut self, protection: Protection) -> Self {
        self.protection = Some(protection);
        self
    }

    pub(super) const fn variables(mut self, variables: &'static [&'static str]) -> Self {
        self.variables = variables;
        self
    }

    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn outside_files(mut self) -> Self {
        self.place = Placement::OutsideFiles;
        self
    }

    pub(super) const fn project_file(mut self, project_file: ProjectFilePolicy) -> Self {
        self.project_file = project_file;
        self
    }
}

/// A documented variable that nothing here will act on, and why.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnsupportedVariable {
    /// The variable.
    pub variable: &'static str,
    /// Why nothing acts on it, after "because".
    pub reason: &'static str,
}
