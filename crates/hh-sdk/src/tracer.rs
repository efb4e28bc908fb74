//! The tracer, which records sessions and spans and exports them on a separate thread.

mod block;
mod budget;
mod encode;
mod export;
mod exporter;
mod failure;
mod kind;
mod last_failure;
mod open;
mod pace;
mod queue;
mod record;
mod redact;
mod response;
mod session;
mod shared;
mod shutdown;
mod span;
mod state;
mod watchdog;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use hh_config::names;
use hh_text::Diagnostic;
use hh_transport::Event;
use uuid::Uuid;

pub use exporter::InMemoryExporter;
pub use kind::SpanKind;
pub use session::{Session, SessionBuilder};
pub use shutdown::ShutdownReport;
pub use span::{Span, SpanBuilder};

use crate::options::option_methods;
use crate::resolve::{Sender, resolve};
use crate::{Error, Options, report};
use exporter::{Exporter, HttpExporter, NullExporter};
use last_failure::LastFailure;
use open::OpenItems;
use queue::Queue;
use record::common_attributes;
use redact::Redactor;
use shared::Shared;
use shutdown::Shutdown;

/// A tracer that records the sessions and spans of one project.
///
/// [`HoneyHiveTracer::init`] never uses the network. Recorded telemetry enters a queue with limits for count and
/// memory, and an export thread sends it. The thread starts with the first session or span and has its own runtime, so
/// the tracer works with every async runtime and without one.
///
/// - If the server or the network is unavailable, the telemetry stays at the head of the queue, and the thread retries
///   the export until it succeeds.
/// - If the server rejects a record, or fails on it again and again, the tracer drops the record.
/// - If the queue is full, the tracer drops the oldest spans. [`HoneyHiveTracer::dropped`] counts all lost records.
/// - Telemetry that is still in the queue when the process exits is lost. Call [`HoneyHiveTracer::shutdown`] first: a
///   drop of the tracer does not wait, and reports a warning if telemetry is not sent yet.
/// - A panic on the export thread does not reach the program, unless the program is built with `panic = "abort"`. The
///   tracer drops and counts the telemetry of that export.
///
/// # Examples
/// ```no_run
/// # fn example() -> Result<(), hh_sdk::Error> {
/// use std::time::Duration;
/// use hh_sdk::{HoneyHiveTracer, SpanKind};
///
/// let tracer = HoneyHiveTracer::init("docs")?;
/// let mut span = tracer.span("search", SpanKind::Tool).with_input("query", "why").start();
/// span.set_output("hits", 2);
/// span.end();
/// tracer.shutdown_blocking(Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
pub struct HoneyHiveTracer {
    shared: Arc<Shared>,
    /// The session of spans without another session; it starts with the first of them.
    own_session: Session,
    shutdown: Shutdown,
}

/// A builder of a [`HoneyHiveTracer`].
///
/// Each `with_…` method sets a direct parameter. Direct parameters take precedence over the environment, configuration
/// files and the stored profile.
///
/// # Examples
/// ```
/// # let env = hh_sdk::config::Env::from_pairs::<&str, &str>([]);
/// let tracer = hh_sdk::HoneyHiveTracer::builder()
/// #    .with_env(env)
///     .with_project("docs")
///     .with_session_name("nightly evaluation")
///     .with_test_mode(true)
///     .build()?;
/// # Ok::<(), hh_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TracerBuilder {
    options: Options,
    memory: Option<InMemoryExporter>,
}

impl TracerBuilder {
    option_methods!();

    /// Sets the name of the session of the tracer, which contains the spans of [`HoneyHiveTracer::span`].
    ///
    /// The default is the name of the program.
    pub fn with_session_name(mut self, name: &str) -> Self {
        self.options = self.options.with(names::SESSION_NAME, name);
        self
    }

    /// Stores the telemetry in memory for tests, and opens no connection. The exporter stays empty if the setting
    /// `disable_tracing` is true.
    pub fn with_in_memory_exporter(mut self, exporter: &InMemoryExporter) -> Self {
        self.memory = Some(exporter.clone());
        self
    }

    /// Loads the settings, resolves the API key and creates the tracer; sends nothing and starts no thread.
    ///
    /// # Errors
    /// - `Config`: a setting, a file or the credential store cannot be used.
    /// - `MissingKey`: no API key is set. Test mode, the in-memory exporter and the setting `disable_tracing` need
    ///   none.
    /// - `MalformedKey`: the API key has an invalid format.
    pub fn build(self) -> Result<HoneyHiveTracer, Error> {
        let resolved = resolve(&self.options)?;
        let settings = &resolved.settings;
        let is_disabled = resolved.stack.is_enabled(names::DISABLE_TRACING);
        let (exporter, redactor): (Box<dyn Exporter>, _) = match self.memory {
            Some(memory) if !is_disabled => {
                resolved.check_test_key()?;
                (Box::new(memory), Redactor::fixed(resolved.keys()))
            }
            None if !is_disabled && !settings.test_mode.value => {
                let failure = LastFailure::of_server(settings.base_url.value.as_str());
                let attempts = failure.clone();
                let observer = move |event: &Event| {
                    if let Event::Attempt(attempt) = event
                        && let Some(message) = attempt.error_message()
                    {
                        attempts.set(message);
                    }
                };
                let sender = Sender::observed(&self.options, &resolved, Arc::new(observer))?;
                report::report_shared_variables(
                    &self.options.reporter(),
                    settings,
                    &resolved.stack,
                );
                let redactor = Redactor::of(sender.clone());
                (Box::new(HttpExporter::new(sender, failure)), redactor)
            }
            Some(_) | None => {
                resolved.check_test_key()?;
                (Box::new(NullExporter), Redactor::fixed(Vec::new()))
            }
        };
        let project = settings.project.as_ref().map(|p| p.value.clone());
        let source = settings.source.value.clone();
        let shared = Arc::new(Shared {
            attributes: common_attributes(&redactor, &source, project.as_deref()),
            project,
            source,
            redactor,
            open: OpenItems::default(),
            queue: Queue::new(exporter, settings, self.options.reporter()),
        });
        let name = match &settings.session_name {
            Some(name) => name.value.clone(),
            None => program_name(),
        };
        Ok(HoneyHiveTracer {
            own_session: SessionBuilder::new(Arc::clone(&shared), &name).unstarted(),
            shutdown: Shutdown::default(),
            shared,
        })
    }
}

/// Returns the file name of the program, without its extension.
fn program_name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_deref().and_then(std::path::Path::file_stem);
    stem.map_or_else(
        || "session".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

impl HoneyHiveTracer {
    /// Creates a tracer of a project from the environment, the configuration files and the stored profile.
    ///
    /// The function never uses the network.
    ///
    /// # Errors
    /// The errors of [`TracerBuilder::build`].
    pub fn init(project: &str) -> Result<Self, Error> {
        Self::builder().with_project(project).build()
    }

    /// Returns a builder without options.
    pub fn builder() -> TracerBuilder {
        TracerBuilder::default()
    }

    /// Returns the id of the session of the tracer, which contains the spans of [`HoneyHiveTracer::span`].
    #[must_use]
    pub fn session_id(&self) -> Uuid {
        self.own_session.id()
    }

    /// Returns a builder of a new session.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(tracer: hh_sdk::HoneyHiveTracer) {
    /// let session = tracer.session("answer a question").with_user_property("plan", "free").start();
    /// session.set_metric("score", 0.9);
    /// session.end();
    /// # }
    /// ```
    pub fn session(&self, name: &str) -> SessionBuilder {
        SessionBuilder::new(Arc::clone(&self.shared), name)
    }

    /// Returns a builder of a span in the session of the tracer. That session starts with its first span.
    pub fn span(&self, name: &str, kind: SpanKind) -> SpanBuilder {
        self.own_session.span(name, kind)
    }

    /// Returns the number of lost records: spans, and starts and ends of sessions.
    ///
    /// The tracer loses a record if the queue is full, if the server rejects the record, or if a shutdown ends before
    /// the record arrives.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.queue.dropped()
    }

    /// Waits until the server has everything that was recorded before this call. The wait includes retries.
    ///
    /// The future works on every async runtime.
    ///
    /// # Errors
    /// - `Timeout`: `timeout` passed. The tracer continues to send.
    /// - `Unauthenticated`: the server rejected the API key, or no key is available. The tracer retries in one minute.
    /// - `Dropped`: records were lost, and no earlier flush reported their loss.
    /// - `Other`: the export thread cannot be started.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.queue.flush(timeout).await
    }

    /// Does the same as [`HoneyHiveTracer::flush`], and blocks the current thread.
    ///
    /// # Errors
    /// The errors of [`HoneyHiveTracer::flush`].
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.queue.flush_blocking(timeout)
    }

    /// Ends the session of the tracer, sends everything that was recorded, and stops the tracer.
    ///
    /// The tracer drops records that have not arrived when `timeout` has passed, and spans that end after this call.
    /// The result and a warning name the sessions and spans that have not ended.
    ///
    /// Every thread that has a reference to the tracer, for example in an [`Arc`], can shut it down. A second call does
    /// nothing and returns the same result. If the first shutdown is still in progress, the second call waits for it,
    /// at most for its own `timeout`, and then fails with `Timeout`.
    ///
    /// # Errors
    /// - `Dropped`: records were lost, and no earlier flush reported their loss. The message contains their number, the
    ///   size of the records that were not sent, and the error of the last attempt to send them.
    /// - `Timeout`: the export thread does not respond.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(tracer: hh_sdk::HoneyHiveTracer) -> Result<(), hh_sdk::Error> {
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// let tracer = Arc::new(tracer);
    /// let report = tracer.shutdown(Duration::from_secs(5)).await?;
    /// assert_eq!(report.open_count, 0, "{:?}", report.open_names);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, Error> {
        self.start_shutdown(timeout);
        let finished = self.shared.queue.finish(timeout).await;
        self.complete_shutdown(finished)
    }

    /// Does the same as [`HoneyHiveTracer::shutdown`], and blocks the current thread.
    ///
    /// # Errors
    /// The errors of [`HoneyHiveTracer::shutdown`].
    pub fn shutdown_blocking(&self, timeout: Duration) -> Result<ShutdownReport, Error> {
        self.start_shutdown(timeout);
        let finished = self.shared.queue.finish_blocking(timeout);
        self.complete_shutdown(finished)
    }
}

impl HoneyHiveTracer {
    /// Starts the shutdown, unless it has started.
    fn start_shutdown(&self, timeout: Duration) {
        self.shutdown.start(|| {
            self.close(Some(timeout));
            self.shared.open.report()
        });
    }

    /// Returns the result of the shutdown, and reports a warning about open sessions and spans.
    fn complete_shutdown(&self, finished: Result<(), Error>) -> Result<ShutdownReport, Error> {
        if let Some(warning) = self.shutdown.take_warning() {
            self.shared.queue.warn(&warning);
        }
        finished.map(|()| self.shutdown.report())
    }

    /// Ends the session of the tracer and closes the queue, in this order: a closed queue rejects the end of the
    /// session.
    fn close(&self, timeout: Option<Duration>) {
        self.own_session.finish();
        self.shared.queue.close(timeout);
    }
}

impl Drop for HoneyHiveTracer {
    fn drop(&mut self) {
        if self.shutdown.has_started() {
            return;
        }
        // The export thread sends the rest of the queue and exits. A drop does not wait for it.
        self.close(None);
        let (count, bytes) = self.shared.queue.unsent();
        if count > 0 {
            let message = format!(
                "the tracer was dropped without a shutdown: {count} records ({bytes} bytes) of sessions and spans are not sent yet and are lost if the process exits"
            );
            let hint = "call `shutdown` or `shutdown_blocking` before the process exits";
            self.shared
                .queue
                .warn(&Diagnostic::new(message).with_hint(hint));
        }
    }
}

impl std::fmt::Debug for HoneyHiveTracer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("HoneyHiveTracer")
            .field("project", &self.shared.project)
            .field("session_id", &self.session_id())
            .finish_non_exhaustive()
    }
}
