//! Knows how far an attempt has come, so that each stage has a time of its own.
//!
//! reqwest tells nobody when it has connected. A layer around its connector does: the attempt under way leaves its
//! [`Stage`] in a task-local, where the connector, which runs in the same task, finds it.

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
pub(super) struct Stage(Mutex<Progress>);

#[derive(Clone, Copy, Debug)]
enum Progress {
    Connecting,
    /// Since when the connection could carry the request.
    Connected(Instant),
}

impl Stage {
    /// Runs `future` with a stage that its connector will move on; a connection that is reused counts from now.
    pub(super) fn scope<F: Future>(future: F) -> (Arc<Self>, impl Future<Output = F::Output>) {
        let stage = Arc::new(Self(Mutex::new(Progress::Connected(Instant::now()))));
        (Arc::clone(&stage), STAGE.scope(stage, future))
    }

    /// Returns when the answer must have begun, as far as is known by now.
    pub(super) fn answer_due(&self, within: Duration) -> Instant {
        let progress = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            // The time has not even begun.
            Progress::Connecting => Instant::now() + within,
            Progress::Connected(since) => since + within,
        }
    }

    fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

/// The layer around the connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct StageLayer;

impl<S> Layer<S> for StageLayer {
    type Service = StageService<S>;

    fn layer(&self, inner: S) -> StageService<S> {
        StageService(inner)
    }
}

#[derive(Clone, Debug)]
pub(super) struct StageService<S>(S);

impl<S, R> Service<R> for StageService<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let stage = STAGE.try_with(Arc::clone).ok();
        let connecting = self.0.call(request);
        Box::pin(async move {
            if let Some(stage) = &stage {
                stage.set(Progress::Connecting);
            }
            let connected = connecting.await;
            if let Some(stage) = &stage {
                stage.set(Progress::Connected(Instant::now()));
            }
            connected
        })
    }
}
