//! Resolves the options of a server: flags, then `DIR/server.yaml`, then defaults (see `docs/design/decisions.md#v1`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use hh_text::Diagnostic;
use serde::Deserialize;
use serde_json::Value;

use crate::bind::BindValue;
use crate::domain::retention::{DAYS, Retention};
use crate::http::cors::AllowedOrigins;
use crate::owner_name;
use crate::quote::quote;
use crate::start::files::{self, OtherUsers};
use crate::start::{StartError, StartErrorKind};

/// The name of the configuration file in the data directory.
pub(crate) const FILE: &str = "server.yaml";
const DEFAULT_BIND: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8642);
const DEFAULT_ORGANIZATION: &str = "My Organization";
const DEFAULT_ADMIN: &str = "admin@localhost";
const SET_ADMIN: &str = "set it with --admin or in server.yaml";
const FIX_FILE: &str = "use only bind, organization, admin, max_rotations_per_hour, redact_keys, cors_origins, retention_days and project_retention_days, with valid values";
/// The names of the settings in the file.
const SETTINGS: [&str; 8] = [
    "bind",
    "organization",
    "admin",
    "max_rotations_per_hour",
    "redact_keys",
    "cors_origins",
    "retention_days",
    "project_retention_days",
];
const DEFAULT_MAX_ROTATIONS: u32 = 60;
const MAX_ROTATIONS: RangeInclusive<u32> = 1..=3600;
/// The maximum size of `server.yaml`, in bytes: far above any real file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Options for starting a server.
///
/// An option that is not set comes from `server.yaml` in the data directory, or else has its default.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerOptions {
    data_dir: PathBuf,
    bind: Option<SocketAddr>,
    organization: Option<String>,
    admin: Option<String>,
    admin_key_file: Option<PathBuf>,
    threads: Option<NonZero<usize>>,
    new_database: bool,
    access_log: bool,
}

impl ServerOptions {
    /// Creates options for a data directory, which is created if it does not exist.
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            bind: None,
            organization: None,
            admin: None,
            admin_key_file: None,
            threads: None,
            new_database: false,
            access_log: false,
        }
    }

    /// Sets the address to listen on, 127.0.0.1:8642 by default. Port 0 selects a free port. If the system does not
    /// support IPv6, `[::]` means all IPv4 addresses.
    pub fn with_bind(mut self, address: SocketAddr) -> Self {
        self.bind = Some(address);
        self
    }

    /// Sets the name of the organization, one line of 1 to 100 characters. Only the first start uses it.
    pub fn with_organization(mut self, name: impl Into<String>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// Sets the e-mail address of the first admin. Only the first start uses it.
    pub fn with_admin(mut self, email: impl Into<String>) -> Self {
        self.admin = Some(email.into());
        self
    }

    /// Writes the first admin key to a new file with mode 0600 instead of returning it.
    pub fn with_admin_key_file(mut self, path: PathBuf) -> Self {
        self.admin_key_file = Some(path);
        self
    }

    /// Serves connections on `count` separate threads with one runtime each. The caller's runtime then only accepts
    /// connections.
    pub fn with_threads(mut self, count: NonZero<usize>) -> Self {
        self.threads = Some(count);
        self
    }

    /// Logs successful requests too. Failed requests are always logged.
    pub fn with_access_log(mut self, is_on: bool) -> Self {
        self.access_log = is_on;
        self
    }

    /// Allows a start with an empty database in a directory that contained a database before. A database that contains
    /// data is never deleted.
    pub fn with_new_database(mut self, is_allowed: bool) -> Self {
        self.new_database = is_allowed;
        self
    }

    /// Resolves the settings from the options, the file and the defaults.
    pub(crate) fn settings(self) -> Result<ServerSettings, StartError> {
        let file = self.file()?;
        let file_bind = file.bind.as_ref().map(BindValue::address).transpose();
        let file_bind = file_bind.map_err(|error| {
            let path = self.data_dir.join(FILE);
            let shown = path.display();
            let message = format!("invalid server configuration {shown}: invalid bind: {error}");
            StartError::new(StartErrorKind::Damaged, message)
        })?;
        let text = |option: Option<String>, file: Option<String>, default: &str| {
            option.or(file).unwrap_or_else(|| default.to_owned())
        };
        let mut settings = ServerSettings {
            bind: self.bind.or(file_bind).unwrap_or(DEFAULT_BIND),
            organization: text(self.organization, file.organization, DEFAULT_ORGANIZATION),
            admin: text(self.admin, file.admin, DEFAULT_ADMIN),
            data_dir: self.data_dir,
            admin_key_file: self.admin_key_file,
            threads: self.threads,
            max_rotations: file.max_rotations_per_hour.unwrap_or(DEFAULT_MAX_ROTATIONS),
            new_database: self.new_database,
            has_access_log: self.access_log,
            redact_keys: file.redact_keys.unwrap_or(true),
            cors_origins: origins(file.cors_origins)?,
            retention: Retention {
                days: file.retention_days,
                projects: file.project_retention_days,
            },
        };
        let invalid = |message: String, hint: &'static str| {
            let what = Diagnostic::new(message).with_hint(hint);
            StartError::new(StartErrorKind::Invalid, what)
        };
        check("organization", &settings.organization)?;
        settings.admin = owner_name::parse(&settings.admin).ok_or_else(|| {
            let message = format!("invalid admin: expected {}", owner_name::RULE);
            invalid(message, SET_ADMIN)
        })?;
        if !is_email(&settings.admin) {
            let message = "invalid admin: expected an e-mail address".to_owned();
            return Err(invalid(message, SET_ADMIN));
        }
        if !MAX_ROTATIONS.contains(&settings.max_rotations) {
            let message = format!(
                "invalid max_rotations_per_hour in server.yaml: expected {} to {}",
                MAX_ROTATIONS.start(),
                MAX_ROTATIONS.end(),
            );
            return Err(StartError::new(StartErrorKind::Invalid, message));
        }
        check_retention(&settings.retention)?;
        Ok(settings)
    }

    fn file(&self) -> Result<ServerFile, StartError> {
        let path = self.data_dir.join(FILE);
        let fail = |what: Diagnostic| StartError::new(StartErrorKind::Damaged, what);
        let Some(bytes) = files::read(&path, OtherUsers::Read, MAX_FILE_BYTES).map_err(fail)?
        else {
            return Ok(ServerFile::default());
        };
        serde_saphyr::from_slice(&bytes).map_err(|error| {
            let place = error.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            });
            let mut message = format!("invalid server configuration {}{place}", path.display());
            if let Some(name) = unknown_setting(&bytes) {
                message = format!("{message}: unknown setting \"{}\"", quote(&name));
            }
            let what = Diagnostic::new(message);
            fail(what.with_hint(FIX_FILE))
        })
    }
}

/// Returns the first unknown name in a file.
fn unknown_setting(file: &[u8]) -> Option<String> {
    let names: BTreeMap<String, Value> = serde_saphyr::from_slice(file).ok()?;
    names
        .into_keys()
        .find(|name| !SETTINGS.contains(&name.as_str()))
}

/// Checks the numbers of days. The error does not contain the rejected number.
fn check_retention(retention: &Retention) -> Result<(), StartError> {
    let mut projects = retention.projects.values();
    let setting = if retention.days.is_some_and(|days| !DAYS.contains(&days)) {
        "retention_days"
    } else if projects.any(|days| !DAYS.contains(days)) {
        "project_retention_days"
    } else {
        return Ok(());
    };
    let message = format!(
        "invalid {setting} in server.yaml: expected {} to {} days",
        DAYS.start(),
        DAYS.end(),
    );
    Err(StartError::new(StartErrorKind::Invalid, message))
}

/// Parses the origins of web pages. The error does not contain the rejected text.
fn origins(origins: Vec<String>) -> Result<AllowedOrigins, StartError> {
    AllowedOrigins::parse(origins).map_err(|number| {
        let message =
            format!("invalid cors_origins in server.yaml: item {number} is not an origin");
        let hint =
            "use exact origins such as https://app.example.com, without a path or a wildcard";
        StartError::new(
            StartErrorKind::Invalid,
            Diagnostic::new(message).with_hint(hint),
        )
    })
}

/// Checks a name that will be printed on terminals. The error does not contain the rejected text.
fn check(what: &str, text: &str) -> Result<(), StartError> {
    let fits = (1..=100).contains(&text.chars().count());
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if fits && !text.contains(breaks) {
        return Ok(());
    }
    Err(StartError::new(
        StartErrorKind::Invalid,
        Diagnostic::new(format!(
            "invalid {what}: expected 1 to 100 characters on one line"
        ))
        .with_hint(format!("set it with --{what} or in server.yaml")),
    ))
}

/// Returns whether a text has the form of an e-mail address. Whether the address exists is not checked.
fn is_email(text: &str) -> bool {
    let sides = text.split_once('@');
    sides.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// The resolved settings of a server.
pub(crate) struct ServerSettings {
    pub(crate) data_dir: PathBuf,
    pub(crate) bind: SocketAddr,
    pub(crate) organization: String,
    pub(crate) admin: String,
    pub(crate) admin_key_file: Option<PathBuf>,
    pub(crate) threads: Option<NonZero<usize>>,
    /// The maximum number of rotations of one key family per hour.
    pub(crate) max_rotations: u32,
    pub(crate) new_database: bool,
    pub(crate) has_access_log: bool,
    /// Whether API keys are removed from spans.
    pub(crate) redact_keys: bool,
    /// The origins of web pages that may use the server.
    pub(crate) cors_origins: AllowedOrigins,
    /// How long events are kept.
    pub(crate) retention: Retention,
}

/// The content of `server.yaml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerFile {
    bind: Option<BindValue>,
    organization: Option<String>,
    admin: Option<String>,
    max_rotations_per_hour: Option<u32>,
    redact_keys: Option<bool>,
    #[serde(default)]
    cors_origins: Vec<String>,
    retention_days: Option<u32>,
    #[serde(default)]
    project_retention_days: BTreeMap<String, u32>,
}
