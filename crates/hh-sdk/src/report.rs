//! What the client and the tracer tell people: warnings, the start-up summary, debug lines.

use std::io::Write as _;
use std::sync::Arc;

use hh_config::{Settings, Stack};
use hh_transport::{AttemptRecord, Event};

use hh_auth::Credential;
use hh_text::one_line;

/// Takes one line without a line ending.
pub(crate) type Reporter = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes lines to stderr; nothing depends on them, so a closed one is no failure.
pub(crate) fn to_stderr() -> Reporter {
    Arc::new(|line| drop(writeln!(std::io::stderr(), "honeyhive: {}", one_line(line))))
}

/// Tells what is unusual, and if `verbose` is on what is in effect; a key that a program has still to print is not known.
pub(crate) fn start_up(
    reporter: &Reporter,
    settings: &Settings,
    stack: &Stack,
    credential: Option<&Credential>,
) {
    // At every start, whatever the log level (decisions X3).
    if !settings.verify_ssl.value {
        reporter(&format!(
            "warning: certificates are not checked (verify_ssl from {}): whoever sits between here and {} can read the API key",
            settings.verify_ssl.provenance, settings.base_url.value
        ));
    }
    if shows(settings, "warning") {
        for warning in stack.warnings() {
            reporter(&format!("warning: {warning}"));
        }
        if let Some(Credential {
            key, provenance, ..
        }) = credential
            && let Some(warning) = key.warning()
        {
            reporter(&format!("warning: the API key from {provenance} {warning}"));
        }
    }
    if settings.verbose.value && shows(settings, "info") {
        let key = credential.map_or_else(
            || "the key that a program prints".to_owned(),
            |found| format!("{} from {}", found.key.shown(), found.provenance),
        );
        reporter(&format!(
            "version {}, {} with {key}",
            env!("CARGO_PKG_VERSION"),
            settings.base_url.value,
        ));
    }
}

/// The levels of lines, least severe first (decisions P8); `warn` is another name of `warning`.
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
            reporter(&format!("debug: waiting {} ms {why}", delay.as_millis()));
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
    reporter(&format!(
        "debug: {} {}{} attempt {}: {outcome} in {} ms",
        record.method(),
        record.host(),
        record.path(),
        attempt.number(),
        attempt.elapsed().as_millis()
    ));
}
