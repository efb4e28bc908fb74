//! Threads that serve connections, each with its own runtime, so that activity on one thread does not wake another.

use std::future::Future;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// The maximum number of threads for work that would block a serving thread. The memory limit of request bodies also
/// limits the work that waits for them.
const BLOCKING: usize = 32;

/// The threads that serve connections. If the list is empty, the caller's runtime serves them.
#[derive(Default)]
pub(crate) struct Threads(Vec<ServingThread>);

struct ServingThread {
    runtime: Handle,
    /// Each connection holds a clone, so that the number of clones is the load.
    load: Arc<()>,
    /// The thread stops when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Threads {
    /// Starts `count` threads.
    pub(crate) fn start(count: NonZero<usize>) -> io::Result<Self> {
        let threads = (0..count.get()).map(ServingThread::start);
        threads.collect::<io::Result<_>>().map(Self)
    }

    /// Serves a connection on the thread with the fewest connections. The handle aborts it.
    pub(crate) fn spawn(
        &self,
        connection: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let free = self.0.iter().min_by_key(|it| Arc::strong_count(&it.load));
        let Some(thread) = free else {
            return tokio::spawn(connection).abort_handle();
        };
        let load = Arc::clone(&thread.load);
        let task = thread.runtime.spawn(async move {
            connection.await;
            drop(load);
        });
        task.abort_handle()
    }
}

impl ServingThread {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(BLOCKING)
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new()
            .name(format!("serve-{number}"))
            .spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(Self {
            runtime: handle,
            load: Arc::default(),
            _stop: stop,
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn each_thread_has_as_many_connections_as_the_others() {
        let threads = Threads::start(NonZero::new(3).unwrap()).unwrap();
        let (sender, mut names) = mpsc::unbounded_channel();
        for _ in 0..6 {
            let sender = sender.clone();
            threads.spawn(async move {
                let name = thread::current().name().unwrap().to_owned();
                sender.send(name).unwrap();
                std::future::pending::<()>().await;
            });
        }
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(names.recv().await.unwrap());
        }
        seen.sort();
        let twice = ["serve-0", "serve-1", "serve-2"].map(|name| [name; 2]);
        assert_eq!(seen, twice.as_flattened());
    }

    #[tokio::test]
    async fn a_connection_ends_with_the_threads() {
        let threads = Threads::start(NonZero::<usize>::MIN).unwrap();
        let (held, ended) = oneshot::channel::<()>();
        threads.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(threads);
        assert!(ended.await.is_err());
    }
}
