//! The table of settings: names, variables, types, ranges and defaults, each stated once.

use std::fmt;

/// The flat name of a configuration value, one of the [`DECLARED`] ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(&'static str);

impl SettingName {
    /// Finds a declared setting by its name or alias.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        DECLARED
            .iter()
            .find(|declared| declared.name.0 == name || declared.aliases.contains(&name))
            .map(|declared| declared.name)
    }

    /// Returns the name as it stands in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Returns the entry of the table.
    #[must_use]
    pub fn declared(self) -> &'static Declared {
        DECLARED
            .iter()
            .find(|declared| declared.name == self)
            .unwrap_or(&DECLARED[0])
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// The type and range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// An `http` or `https` URL.
    Url,
    /// A file path.
    Path,
    /// true/1/yes/on/enabled or false/0/no/off/disabled, in any case.
    Boolean,
    /// Seconds with fractions, inclusive bounds.
    Seconds(f64, f64),
    /// A whole number, inclusive bounds.
    Count(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One entry of the table of settings.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Declared {
    /// The flat name.
    pub name: SettingName,
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
    /// Whether it works as variable or flag only, never in a file.
    pub outside_files: bool,
    /// One line for people.
    pub doc: &'static str,
}

/// The base URL when nothing sets one (`base_url`).
const DEFAULT_BASE_URL: &str = "https://api.honeyhive.ai";

/// The names of the declared settings.
pub mod names {
    use super::SettingName;

    /// The API key.
    pub const API_KEY: SettingName = SettingName("api_key");
    /// The base URL of the API.
    pub const BASE_URL: SettingName = SettingName("base_url");
    /// The project.
    pub const PROJECT: SettingName = SettingName("project");
    /// The label of the deployment.
    pub const SOURCE: SettingName = SettingName("source");
    /// The name of the tracer's own session.
    pub const SESSION_NAME: SettingName = SettingName("session_name");
    /// No data leaves the process.
    pub const TEST_MODE: SettingName = SettingName("test_mode");
    /// Debug lines on stderr.
    pub const DEBUG: SettingName = SettingName("debug");
    /// A start-up summary on stderr.
    pub const VERBOSE: SettingName = SettingName("verbose");
    /// Warnings about keys are errors.
    pub const STRICT: SettingName = SettingName("strict");
    /// Seconds for one call.
    pub const TIMEOUT: SettingName = SettingName("timeout");
    /// Repeats after a failed attempt.
    pub const MAX_RETRIES: SettingName = SettingName("max_retries");
    /// Spans per export.
    pub const BATCH_SIZE: SettingName = SettingName("batch_size");
    /// Seconds between exports.
    pub const FLUSH_INTERVAL: SettingName = SettingName("flush_interval");
    /// Spans that wait for export.
    pub const MAX_QUEUE_SIZE: SettingName = SettingName("max_queue_size");
    /// The form of the command line's output.
    pub const OUTPUT_FORMAT: SettingName = SettingName("output_format");
    /// The profile of the credential store.
    pub const PROFILE: SettingName = SettingName("profile");
    /// The environment whose overlay is laid over the named file.
    pub const ENVIRONMENT: SettingName = SettingName("environment");
    /// The named configuration file.
    pub const CONFIG_FILE: SettingName = SettingName("config_file");
    /// The named `.env` file.
    pub const ENV_FILE: SettingName = SettingName("env_file");
}

const fn setting(
    name: SettingName,
    variables: &'static [&'static str],
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Declared {
    Declared {
        name,
        aliases: &[],
        variables,
        kind,
        default,
        secret: false,
        outside_files: false,
        doc,
    }
}

/// Every setting that something acts on.
pub static DECLARED: &[Declared] = &[
    Declared {
        secret: true,
        ..setting(
            names::API_KEY,
            &["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"],
            Kind::Text,
            None,
            "API key, or the path of a file that holds it in HH_API_KEY_FILE",
        )
    },
    setting(
        names::BASE_URL,
        &[
            "HH_BASE_URL",
            "HH_DATA_PLANE_URL",
            "HH_API_URL",
            "HONEYHIVE_SERVER_URL",
            "HH_SERVER_URL",
        ],
        Kind::Url,
        Some(DEFAULT_BASE_URL),
        "base URL of the API",
    ),
    Declared {
        aliases: &["default_project"],
        ..setting(
            names::PROJECT,
            &["HH_PROJECT"],
            Kind::Text,
            None,
            "project name",
        )
    },
    setting(
        names::SOURCE,
        &["HH_SOURCE"],
        Kind::Text,
        Some("dev"),
        "label of the deployment that traces",
    ),
    setting(
        names::SESSION_NAME,
        &["HH_SESSION_NAME"],
        Kind::Text,
        None,
        "name of the session that a tracer starts by itself",
    ),
    setting(
        names::TEST_MODE,
        &["HH_TEST_MODE"],
        Kind::Boolean,
        Some("false"),
        "open no connection at all",
    ),
    setting(
        names::DEBUG,
        &["HH_DEBUG", "HH_DEBUG_MODE"],
        Kind::Boolean,
        Some("false"),
        "debug lines on stderr",
    ),
    setting(
        names::VERBOSE,
        &["HH_VERBOSE"],
        Kind::Boolean,
        Some("false"),
        "a start-up summary on stderr",
    ),
    setting(
        names::STRICT,
        &["HH_STRICT"],
        Kind::Boolean,
        Some("false"),
        "treat warnings about the API key as errors",
    ),
    setting(
        names::TIMEOUT,
        &["HH_TIMEOUT", "HH_API_TIMEOUT"],
        Kind::Seconds(1.0, 300.0),
        Some("30"),
        "seconds that one call may take, retries included",
    ),
    setting(
        names::MAX_RETRIES,
        &["HH_MAX_RETRIES"],
        Kind::Count(0, 10),
        Some("3"),
        "how often a failed attempt is repeated",
    ),
    setting(
        names::BATCH_SIZE,
        &["HH_BATCH_SIZE"],
        Kind::Count(1, 1000),
        Some("100"),
        "spans in one export",
    ),
    setting(
        names::FLUSH_INTERVAL,
        &["HH_FLUSH_INTERVAL"],
        Kind::Seconds(1.0, 300.0),
        Some("5"),
        "seconds after which waiting spans are exported",
    ),
    setting(
        names::MAX_QUEUE_SIZE,
        &["HH_MAX_QUEUE_SIZE"],
        Kind::Count(100, 2_000_000),
        Some("8192"),
        "spans that wait for export; the oldest are dropped beyond it",
    ),
    setting(
        names::OUTPUT_FORMAT,
        &["HH_OUTPUT_FORMAT"],
        Kind::Choice(&["table", "json"]),
        Some("table"),
        "form of the command line's output",
    ),
    Declared {
        outside_files: true,
        ..setting(
            names::PROFILE,
            &["HH_PROFILE"],
            Kind::Text,
            None,
            "profile of the credential store; the current one unless set",
        )
    },
    Declared {
        outside_files: true,
        ..setting(
            names::ENVIRONMENT,
            &["HH_ENVIRONMENT"],
            Kind::Text,
            None,
            "environment whose overlay NAME.ENVIRONMENT.EXT is laid over the named file",
        )
    },
    Declared {
        outside_files: true,
        ..setting(
            names::CONFIG_FILE,
            &["HH_CONFIG_FILE"],
            Kind::Path,
            None,
            "configuration file: YAML, JSON or TOML",
        )
    },
    Declared {
        outside_files: true,
        ..setting(
            names::ENV_FILE,
            &["HH_ENV_FILE"],
            Kind::Path,
            None,
            "file of variables; the real environment wins over it",
        )
    },
];
