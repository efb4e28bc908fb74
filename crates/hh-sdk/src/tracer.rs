//! The tracer: sessions and spans, exported by a thread of its own.

mod block;
mod budget;
mod encode;
mod export;
mod exporter;
mod failure;
mod pace;
mod queue;
mod record;
mod redact;
mod response;
mod session;
mod shared;
mod span;
mod state;
mod watchdog;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use hh_config::names;
use uuid::Uuid;

pub use exporter::InMemoryExporter;
pub use session::{Session, SessionBuilder};
pub use span::{Span, SpanBuilder};

use crate::options::option_methods;
use crate::resolve::{Sender, resolve};
use crate::{Error, EventKind, Options};
use exporter::{Exporter, HttpExporter, NullExporter};
use queue::Queue;
use record::common_attributes;
use redact::Redactor;
use shared::Shared;

/// Traces sessions and spans of one project. [`HoneyHiveTracer::init`] never touches the network.
///
/// Telemetry waits in a queue that is bounded in number and memory, and is sent by a thread that starts with the first
/// session or span. What fails stays at the head of the queue and is sent again until it arrives; the oldest spans are
/// dropped and counted when the queue is full. What still waits when the process ends is lost: call
/// [`HoneyHiveTracer::shutdown`].
///
/// No panic on that thread reaches the program, unless it is built with `panic = "abort"`: what was being sent then is
/// dropped and counted.
pub struct HoneyHiveTracer {
    shared: Arc<Shared>,
    /// The session of spans that name no other; started with the first of them.
    own_session: Session,
}

/// Builds a [`HoneyHiveTracer`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TracerBuilder {
    options: Options,
    memory: Option<InMemoryExporter>,
}

impl TracerBuilder {
    option_methods!();

    /// Names the session that spans without another one belong to.
    pub fn with_session_name(mut self, name: &str) -> Self {
        self.options = self.options.with(names::SESSION_NAME, name);
        self
    }

    /// Keeps everything in memory, for tests to look at, and opens no connection. Nothing is kept if tracing is disabled.
    pub fn with_in_memory_exporter(mut self, exporter: &InMemoryExporter) -> Self {
        self.memory = Some(exporter.clone());
        self
    }

    /// Loads settings and finds the key; nothing is sent and no thread is started.
    ///
    /// # Errors
    /// `Config`, `MissingKey`, `MalformedKey`. No key is needed in test mode, with an exporter in memory, or with the setting
    /// `disable_tracing`.
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
                let sender = Sender::new(&self.options, &resolved)?;
                let redactor = Redactor::of(sender.clone());
                (Box::new(HttpExporter::new(sender)), redactor)
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
            queue: Queue::new(exporter, settings),
        });
        let name = match &settings.session_name {
            Some(name) => name.value.clone(),
            None => program_name(),
        };
        Ok(HoneyHiveTracer {
            own_session: SessionBuilder::new(Arc::clone(&shared), &name).unstarted(),
            shared,
        })
    }
}

fn program_name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_deref().and_then(std::path::Path::file_stem);
    stem.map_or_else(
        || "session".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

impl HoneyHiveTracer {
    /// Makes a tracer of a project from the environment and the stored credential. Never touches the network.
    ///
    /// # Errors
    /// As [`TracerBuilder::build`].
    pub fn init(project: &str) -> Result<Self, Error> {
        Self::builder().with_project(project).build()
    }

    /// Starts building a tracer.
    pub fn builder() -> TracerBuilder {
        TracerBuilder::default()
    }

    /// Returns the id of the tracer's own session.
    #[must_use]
    pub fn session_id(&self) -> Uuid {
        self.own_session.id()
    }

    /// Starts building a session of its own.
    pub fn session(&self, name: &str) -> SessionBuilder {
        SessionBuilder::new(Arc::clone(&self.shared), name)
    }

    /// Starts building a span in the tracer's own session.
    pub fn span(&self, name: &str, kind: EventKind) -> SpanBuilder {
        self.own_session.span(name, kind)
    }

    /// Returns how many spans, and starts and ends of sessions, were lost so far: the queue was full, the server refused
    /// them, or the tracer was shut down before they arrived.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.queue.dropped()
    }

    /// Waits until all that was recorded before is at the server, through failures that are tried again. Works on every
    /// runtime.
    ///
    /// # Errors
    /// `Timeout` when it takes longer, and it is still being sent; `Unauthenticated` when there is no key that works now;
    /// `Dropped` when something was lost that no flush has told of.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.queue.flush(timeout).await
    }

    /// As [`HoneyHiveTracer::flush`], blocking the thread.
    ///
    /// # Errors
    /// As [`HoneyHiveTracer::flush`].
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.queue.flush_blocking(timeout)
    }

    /// Flushes and stops the tracer; spans that end later are lost, and so is what has not arrived in time.
    ///
    /// # Errors
    /// `Dropped` when something was lost that no flush has told of.
    pub async fn shutdown(self, timeout: Duration) -> Result<(), Error> {
        self.close(Some(timeout));
        self.shared.queue.flush(timeout).await
    }

    /// As [`HoneyHiveTracer::shutdown`], blocking the thread.
    ///
    /// # Errors
    /// As [`HoneyHiveTracer::shutdown`].
    pub fn shutdown_blocking(self, timeout: Duration) -> Result<(), Error> {
        self.close(Some(timeout));
        self.shared.queue.flush_blocking(timeout)
    }
}

impl HoneyHiveTracer {
    /// Ends the own session and takes no more; its end must be queued before.
    fn close(&self, timeout: Option<Duration>) {
        self.own_session.finish();
        self.shared.queue.close(timeout);
    }
}

impl Drop for HoneyHiveTracer {
    fn drop(&mut self) {
        // The thread sends what waits and ends; nobody waits for it here.
        self.close(None);
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
