//! Defines the specification of a setting: its name, type, range and use.

use std::fmt;

/// The name of a setting in [`SETTINGS`](crate::SETTINGS).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(pub(super) u8);

/// The type and range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Any string.
    Text,
    /// A name: any string that contains no API key.
    Name,
    /// A project name: 1 to 100 characters, without `/ \ ? # &` and control characters.
    Project,
    /// An `http` or `https` URL without a user name, query or fragment.
    Url,
    /// The URL of a proxy, which may contain a user name and password; both are redacted.
    Proxy,
    /// A file path.
    Path,
    /// `true`, `1`, `yes`, `on` or `enabled`, or `false`, `0`, `no`, `off` or `disabled`, in any case.
    Boolean,
    /// Seconds with fractions, with inclusive bounds.
    Seconds(f64, f64),
    /// A number with fractions, with inclusive bounds.
    Number(f64, f64),
    /// A whole number, with inclusive bounds.
    Count(u64, u64),
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A list of strings. It is a list in files. In variables, it is strings separated by commas, or a JSON array.
    List,
    /// A list of exact host names and IP addresses, without ports and wildcards, in the form of a [list](Self::List).
    Hosts,
    /// A list of hosts, domains and networks, in the form of `NO_PROXY`: in variables, white space and semicolons also
    /// separate entries. The part that uses the list decides which entries it understands.
    HostPatterns,
    /// A map of strings. It is a table in files and a JSON object in variables.
    Map,
}

impl Kind {
    /// Returns whether a value is a list in files.
    #[cfg(any(feature = "files", feature = "figment"))]
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Hosts | Self::HostPatterns)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Name => formatter.write_str("string"),
            Self::Project => formatter.write_str("project name, 1 to 100 characters"),
            Self::Url => formatter.write_str("URL"),
            Self::Proxy => formatter.write_str("proxy URL"),
            Self::Path => formatter.write_str("path"),
            Self::Boolean => formatter.write_str("boolean"),
            Self::Seconds(low, high) => write!(formatter, "seconds, {low} to {high}"),
            Self::Number(low, high) => write!(formatter, "number, {low} to {high}"),
            Self::Count(low, high) => write!(formatter, "whole number, {low} to {high}"),
            Self::Choice(words) => formatter.write_str(&words.join(", ")),
            Self::List => formatter.write_str("list of strings"),
            Self::Hosts => formatter.write_str("list of host names"),
            Self::HostPatterns => formatter.write_str("list of hosts and networks"),
            Self::Map => formatter.write_str("table of strings"),
        }
    }
}

/// The sources that can contain a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// Parameters, variables and files.
    Anywhere,
    /// Parameters, variables, a file that the caller names, and the user's file. Other files cannot contain the setting,
    /// not even a trusted project file.
    OwnFiles,
    /// Parameters and variables, but not files.
    OutsideFiles,
}

/// The rule for a setting in an untrusted project file (see `docs/design/decisions.md#x2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectFilePolicy {
    /// The file can set the setting.
    Allowed,
    /// The file can set the setting only to an HTTPS URL with a host of HoneyHive.
    OnlyHosted,
    /// The file can set the setting to true, but not to false.
    OnlyTrue,
    /// The file cannot set the setting.
    Denied,
}

/// The part of HoneyHive that uses a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consumer {
    /// The loading of settings.
    Loading,
    /// All requests of the client, the tracer and the command line.
    Requests,
    /// The tracer.
    Tracer,
    /// The command line.
    CommandLine,
    /// The server, which ignores the settings of clients.
    Server,
    /// No part uses the setting yet. If it is set, there is a warning.
    Nothing,
}

impl Consumer {
    /// Returns the text for users.
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

/// The values of a planned setting that request protection of data.
///
/// They are errors, because data would be sent without the protection.
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
    /// The name of the setting.
    pub name: &'static str,
    /// The other names of the setting in files.
    pub aliases: &'static [&'static str],
    /// The environment variables that set the setting, the preferred one first.
    pub variables: &'static [&'static str],
    /// The type and range.
    pub kind: Kind,
    /// The default value as text, if there is one.
    pub default: Option<&'static str>,
    /// Whether the value is a secret.
    pub secret: bool,
    /// The sources that can contain the setting.
    pub place: Placement,
    /// The rule for the setting in an untrusted project file.
    pub project_file: ProjectFilePolicy,
    /// The part of HoneyHive that uses the setting.
    pub acts_on: Consumer,
    /// The description for users, one line.
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

    /// Creates the specification of a setting that is not implemented yet.
    pub(super) const fn planned(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::new(name, kind, Consumer::Nothing, doc)
    }

    /// Returns whether the setting is not implemented yet.
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

    pub(super) const fn own_files(mut self) -> Self {
        self.place = Placement::OwnFiles;
        self.project_file = ProjectFilePolicy::Denied;
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

/// A documented variable that has no effect, with the reason.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnsupportedVariable {
    /// The name of the variable.
    pub variable: &'static str,
    /// The reason why the variable has no effect, as a clause.
    pub reason: &'static str,
}
