//! Knows how far an attempt has come, so that each stage has a time of its own.
//!
//! reqwest tells nobody when it has connected. A layer around its connector does: the attempt under way leaves its
//! [`Stage`] in a task-local, where the connector, which runs in the same task, finds it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static STAGE: Arc<Stage>;
}

/// How far an attempt has come.
#[derive(Debug)]
pub(super) struct Stage {
    progress: Mutex<Progress>,
    connect_timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Since when it connects.
    Connecting(Instant),
    /// Since when the connection could carry the request.
    Connected(Instant),
}

impl Stage {
    /// Runs `future` with a stage that its connector will move on; a connection that is reused counts from now.
    pub(super) fn scope<F: Future>(
        future: F,
        connect_timeout: Duration,
    ) -> (Arc<Self>, impl Future<Output = F::Output>) {
        let stage = Arc::new(Self {
            progress: Mutex::new(Progress::Connected(Instant::now())),
            connect_timeout,
        });
        (Arc::clone(&stage), STAGE.scope(stage, future))
    }

    /// Returns when the answer must have begun, as far as is known by now.
    pub(super) fn answer_due(&self, within: Duration) -> Instant {
        let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            // The time begins at the latest when connecting must be over. The call may go on with a connection that
            // another call has left meanwhile, and then nobody tells when its own is there.
            Progress::Connecting(since) => since + self.connect_timeout + within,
            Progress::Connected(since) => since + within,
        }
    }

    fn set(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

/// The layer around the connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct StageLayer;

impl<S> Layer<S> for StageLayer {
    type Service = StageService<S>;

    fn layer(&self, inner: S) -> StageService<S> {
        StageService(Arc::new(inner))
    }
}

/// The connector, behind an `Arc`: reqwest clones its own at every step of a call, although most calls never connect.
#[derive(Debug)]
pub(super) struct StageService<S>(Arc<S>);

impl<S> Clone for StageService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, R> Service<R> for StageService<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    /// Each call asks its own clone.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let stage = STAGE.try_with(Arc::clone).ok();
        let mut connector = S::clone(&self.0);
        Box::pin(async move {
            if let Some(stage) = &stage {
                stage.set(Progress::Connecting(Instant::now()));
            }
            poll_fn(|context| connector.poll_ready(context)).await?;
            let connected = connector.call(request).await;
            if let Some(stage) = &stage {
                stage.set(Progress::Connected(Instant::now()));
            }
            connected
        })
    }
}
