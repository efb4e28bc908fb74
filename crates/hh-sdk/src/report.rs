//! What the client and the tracer report: warnings, the start-up summary, debug lines. Each is an event of `tracing` with
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

/// Receives one line without a line ending.
type LineFunction = dyn Fn(&str) + Send + Sync;

/// Reports lines to `tracing` and to a function of the program; without both to stderr.
#[derive(Clone, Default)]
pub(crate) struct Reporter(Option<Arc<LineFunction>>);

impl Reporter {
    pub(crate) fn new(function: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(function)))
    }

    pub(crate) fn warn(&self, line: &str) {
        let mut is_received = false;
        emit_always(|| {
            is_received = has_subscriber();
            tracing::warn!(target: "honeyhive", "{}", one_line(line));
        });
        self.write(&format!("warning: {line}"), is_received);
    }

    fn info(&self, line: &str) {
        tracing::info!(target: "honeyhive", "{}", one_line(line));
        self.write(line, has_subscriber());
    }

    /// The export thread emits no debug events, as there is one for each attempt.
    fn debug(&self, line: &str) {
        if !is_quiet() {
            tracing::debug!(target: "honeyhive", "{}", one_line(line));
        }
        self.write(&format!("debug: {line}"), has_subscriber());
    }

    fn write(&self, line: &str, is_received: bool) {
        match &self.0 {
            Some(function) => function(line),
            None if is_received => {}
            // Nothing depends on these lines, so a closed stderr is no failure.
            None => drop(writeln!(std::io::stderr(), "honeyhive: {}", one_line(line))),
        }
    }
}

/// Returns whether events of this thread go anywhere.
fn has_subscriber() -> bool {
    !tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>)
}

/// Tells what is unusual, and if `verbose` is on what is in effect; a key that a program has still to print is not known.
pub(crate) fn report_start(
    reporter: &Reporter,
    settings: &Settings,
    stack: &Stack,
    credential: Option<&Credential>,
) {
    // At every start, whatever the log level (docs/design/decisions.md#x3).
    if !settings.verify_ssl.value {
        reporter.warn(&format!(
            "certificates are not checked (verify_ssl from {}): whoever sits between here and {} can read the API key",
            settings.verify_ssl.provenance, settings.base_url.value
        ));
    }
    if shows(settings, "warning") {
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
            || "the key that a program prints".to_owned(),
            |found| format!("{} from {}", found.key.redacted(), found.provenance),
        );
        reporter.info(&format!(
            "version {}, {} with {key}",
            env!("CARGO_PKG_VERSION"),
            settings.base_url.value,
        ));
    }
}

/// The levels of lines, least severe first (see `docs/design/decisions.md#p8`); `warn` is another name of `warning`.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warning", "error", "critical"];

/// Whether lines of a level are wanted; the switch `debug` wants them all.
fn shows(settings: &Settings, level: &str) -> bool {
    settings.debug.value || is_shown(&settings.log_level.value, level)
}

/// Whether a log level shows lines of another; one that is none shows all.
pub(crate) fn is_shown(wanted: &str, level: &str) -> bool {
    let rank = |wanted: &str| LEVELS.iter().position(|level| *level == wanted);
    let wanted = if wanted == "warn" { "warning" } else { wanted };
    rank(wanted) <= rank(level)
}

/// Whether debug lines are wanted.
pub(crate) fn shows_debug(settings: &Settings) -> bool {
    shows(settings, "debug")
}

/// Tells of one attempt or delay: no header, no query, no body.
pub(crate) fn event(reporter: &Reporter, event: &Event) {
    match event {
        Event::Attempt(record) => attempt(reporter, record),
        Event::Wait { delay, asked } => {
            let why = if *asked {
                "as asked"
            } else {
                "before the next attempt"
            };
            reporter.debug(&format!("waiting {} ms {why}", delay.as_millis()));
        }
        _ => {}
    }
}

/// Tells of one attempt: no header, no query, no body.
fn attempt(reporter: &Reporter, record: &AttemptRecord) {
    let attempt = record.attempt();
    let outcome = match (attempt.status(), attempt.error()) {
        (Some(status), _) => status.to_string(),
        (None, Some(kind)) => format!("{kind:?}"),
        (None, None) => "no answer".to_owned(),
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
