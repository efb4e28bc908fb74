//! Reports warnings, the start-up summary and debug lines of the client and the tracer, also as `tracing` events with
//! the target `honeyhive`.

use std::io::Write as _;
use std::sync::Arc;

use hh_config::{Settings, Stack};
use hh_transport::{AttemptRecord, Event};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use hh_auth::Credential;
use hh_text::one_line;

use crate::quiet::{emit_always, is_quiet};

/// The severity of a reported line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// A problem that does not stop the operation.
    Warning,
    /// The start-up summary of the setting `verbose`.
    Info,
    /// A detail of one request.
    Debug,
}

impl Severity {
    /// Returns what precedes a line of this severity in text output: `warning: `, `debug: ` or nothing.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Warning => "warning: ",
            Self::Info => "",
            Self::Debug => "debug: ",
        }
    }
}

/// A function that receives the severity and one line without a line ending.
type LineFunction = dyn Fn(Severity, &str) + Send + Sync;

/// Reports lines to `tracing` and to a function of the program, or to standard error if the program has neither.
#[derive(Clone, Default)]
pub(crate) struct Reporter(Option<Arc<LineFunction>>);

impl Reporter {
    /// Creates a reporter that calls this function.
    pub(crate) fn new(function: impl Fn(Severity, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(function)))
    }

    /// Reports a warning.
    pub(crate) fn warn(&self, line: &str) {
        let mut is_received = false;
        emit_always(|| {
            is_received = has_subscriber();
            tracing::warn!(target: "honeyhive", "{}", one_line(line));
        });
        self.write(Severity::Warning, line, is_received);
    }

    /// Returns the reporter if the log level includes warnings.
    pub(crate) fn for_warnings(self, settings: &Settings) -> Option<Self> {
        shows(settings, "warning").then_some(self)
    }

    /// Reports a line of the level `info`.
    fn info(&self, line: &str) {
        tracing::info!(target: "honeyhive", "{}", one_line(line));
        self.write(Severity::Info, line, has_subscriber());
    }

    /// Reports a debug line. The export thread emits no event for it, because each attempt reports one.
    fn debug(&self, line: &str) {
        if !is_quiet() {
            tracing::debug!(target: "honeyhive", "{}", one_line(line));
        }
        self.write(Severity::Debug, line, has_subscriber());
    }

    /// Passes a line to the function, or writes it to standard error if no subscriber received it.
    fn write(&self, severity: Severity, line: &str, is_received: bool) {
        match &self.0 {
            Some(function) => function(severity, line),
            None if is_received => {}
            // A closed standard error is not a failure: nothing depends on these lines.
            None => {
                let (prefix, line) = (severity.prefix(), one_line(line));
                drop(writeln!(std::io::stderr(), "honeyhive: {prefix}{line}"));
            }
        }
    }
}

/// Returns whether a subscriber receives events of this thread.
fn has_subscriber() -> bool {
    !tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>)
}

/// Reports warnings about the settings and, with the setting `verbose`, the server and the key in use.
///
/// `credential` is `None` while the key of a `credential_command` is unknown.
pub(crate) fn report_start(
    reporter: &Reporter,
    settings: &Settings,
    stack: &Stack,
    credential: Option<&Credential>,
) {
    // This is reported at every start and at every log level (see `docs/design/decisions.md#x3`).
    if !settings.verify_ssl.value {
        reporter.warn(&format!(
            "TLS certificates are not verified (verify_ssl from {}): an attacker between this machine and {} can read the API key",
            settings.verify_ssl.provenance, settings.base_url.value
        ));
    }
    if let Some(provenance) = settings.insecure_http() {
        reporter.warn(&format!(
            "requests to {} are not encrypted (insecure_http_hosts from {provenance}): anyone on the network can read the API key and all data",
            settings.base_url.value
        ));
    }
    if shows_warnings(settings) {
        for warning in stack.warnings() {
            reporter.warn(&warning);
        }
        if let Some(Credential {
            key, provenance, ..
        }) = credential
            && let Some(warning) = key.warning()
        {
            reporter.warn(&format!("the API key from {provenance} {warning}"));
        }
    }
    if settings.verbose.value && shows(settings, "info") {
        let key = credential.map_or_else(
            || "the key of credential_command".to_owned(),
            |found| format!("{} from {}", found.key.redacted(), found.provenance),
        );
        reporter.info(&format!(
            "version {}, {} with {key}",
            env!("CARGO_PKG_VERSION"),
            settings.base_url.value,
        ));
    }
}

/// Reports warnings about variables of other programs that a tracer would use.
pub(crate) fn report_shared_variables(reporter: &Reporter, settings: &Settings, stack: &Stack) {
    if shows_warnings(settings) {
        for warning in stack.tracer_warnings() {
            reporter.warn(&warning);
        }
    }
}

/// The log levels, least severe first (see `docs/design/decisions.md#p8`); `warn` is an alias of `warning`.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warning", "error", "critical"];

/// Returns whether lines of a level are reported; the setting `debug` reports all.
fn shows(settings: &Settings, level: &str) -> bool {
    settings.debug.value || is_shown(&settings.log_level.value, level)
}

/// Returns whether the log level `wanted` includes lines of `level`; an unknown log level includes all.
pub(crate) fn is_shown(wanted: &str, level: &str) -> bool {
    let rank = |wanted: &str| LEVELS.iter().position(|level| *level == wanted);
    let wanted = if wanted == "warn" { "warning" } else { wanted };
    rank(wanted) <= rank(level)
}

/// Returns whether warnings are reported.
pub(crate) fn shows_warnings(settings: &Settings) -> bool {
    shows(settings, "warning")
}

/// Returns whether debug lines are reported.
pub(crate) fn shows_debug(settings: &Settings) -> bool {
    shows(settings, "debug")
}

/// Reports an attempt or a delay, without headers, query and body.
pub(crate) fn event(reporter: &Reporter, event: &Event) {
    match event {
        Event::Attempt(record) => attempt(reporter, record),
        Event::Wait { delay, asked } => {
            let why = if *asked {
                "as requested by the server or the rate limit"
            } else {
                "before the next attempt"
            };
            reporter.debug(&format!("waiting {} ms {why}", delay.as_millis()));
        }
        _ => {}
    }
}

/// Reports an attempt, without headers, query and body.
fn attempt(reporter: &Reporter, record: &AttemptRecord) {
    let attempt = record.attempt();
    let outcome = match (attempt.status(), attempt.error()) {
        (Some(status), _) => status.to_string(),
        (None, Some(kind)) => format!("{kind:?}"),
        (None, None) => "no response".to_owned(),
    };
    reporter.debug(&format!(
        "{} {}{} attempt {}: {outcome} in {} ms",
        record.method(),
        record.host(),
        record.path(),
        attempt.number(),
        attempt.elapsed().as_millis()
    ));
}
