//! Defines the sources of values, in order of precedence.

use std::fmt;

/// The source of a value. The variants are in order of precedence: later ones override earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The built-in default.
    Default,
    /// The profile that `honeyhive auth login` stored.
    Stored,
    /// The system-wide configuration file.
    System,
    /// The user's configuration file.
    User,
    /// The project file in the working directory.
    Project,
    /// A configuration file that the caller named.
    Named,
    /// The overlay of an environment, which overrides the project file or the named file.
    Overlay,
    /// A `.env` file that the caller named.
    DotEnv,
    /// An environment variable.
    Env,
    /// A parameter in code or an option of the command line.
    Direct,
}

impl Source {
    /// Returns the name of the source in messages and JSON output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Stored => "stored",
            Self::System => "system file",
            Self::User => "user file",
            Self::Project => "project file",
            Self::Named => "named file",
            Self::Overlay => "overlay file",
            Self::DotEnv => "env file",
            Self::Env => "environment",
            Self::Direct => "parameter",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
