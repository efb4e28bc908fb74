//! The shutdown of a tracer, which happens once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use hh_text::Diagnostic;

/// The result of a successful [shutdown](crate::HoneyHiveTracer::shutdown): what was still in progress.
///
/// The tracer loses a span that has not ended, and the end of a session that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The number of sessions and spans that had not ended, without the session of the tracer.
    pub open_count: usize,
    /// The names of those that started first, at most 10. Names longer than 64 bytes are truncated, and API keys are
    /// redacted.
    pub open_names: Vec<String>,
}

impl ShutdownReport {
    /// Returns a warning about the sessions and spans that had not ended; `None` if all had ended.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        if self.open_count == 0 {
            return None;
        }
        let names: Vec<_> = self
            .open_names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect();
        let mut names = names.join(", ");
        let more = self.open_count.saturating_sub(self.open_names.len());
        if more > 0 {
            names = format!("{names} and {more} more");
        }
        let (count, what) = match self.open_count {
            1 => (1, "session or span"),
            count => (count, "sessions and spans"),
        };
        let message = format!("the shutdown of the tracer loses {count} open {what}: {names}");
        let hint = "end or drop sessions and spans before the shutdown";
        Some(Diagnostic::new(message).with_hint(hint))
    }
}

/// The shutdown of a tracer.
#[derive(Debug, Default)]
pub(super) struct Shutdown {
    report: OnceLock<ShutdownReport>,
    is_reported: AtomicBool,
}

impl Shutdown {
    /// Starts the shutdown with `close`, which only the first call does.
    pub(super) fn start(&self, close: impl FnOnce() -> ShutdownReport) {
        self.report.get_or_init(close);
    }

    /// Returns whether the shutdown has started.
    pub(super) fn has_started(&self) -> bool {
        self.report.get().is_some()
    }

    /// Returns the sessions and spans that had not ended when the shutdown started.
    pub(super) fn report(&self) -> ShutdownReport {
        self.report.get().cloned().unwrap_or_default()
    }

    /// Returns the warning about open sessions and spans, once.
    pub(super) fn take_warning(&self) -> Option<Diagnostic> {
        let warning = self.report.get()?.warning()?;
        (!self.is_reported.swap(true, Ordering::AcqRel)).then_some(warning)
    }
}
