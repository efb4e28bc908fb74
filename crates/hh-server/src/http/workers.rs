//! Runs work that would block the thread of a connection on a few other threads.
//!
//! There are few, because the allocator keeps memory that was used for a large body for the thread that used it, and
//! because decoding needs several times the memory of a body.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};

use tokio::sync::oneshot;

use crate::http::error::ApiError;
use crate::panics;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run jobs in the order of their arrival. They stop when the pool is dropped.
pub(crate) struct Workers {
    jobs: mpsc::Sender<Job>,
}

impl Workers {
    /// Starts a number of threads with a name.
    pub(crate) fn start(name: &str, threads: usize) -> io::Result<Self> {
        let (jobs, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    let next = || {
                        let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                        receiver.recv()
                    };
                    while let Ok(job) = next() {
                        job();
                    }
                })?;
        }
        Ok(Self { jobs })
    }

    /// Runs work on one of the threads.
    ///
    /// # Errors
    /// Returns 500 if the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, done) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A client that has disconnected does not need the result.
            drop(sender.send(panics::catch(work)));
        });
        // The threads live as long as the pool.
        drop(self.jobs.send(job));
        match done.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(cause)) => Err(ApiError::internal().with_cause(cause)),
            Err(_) => Err(ApiError::internal().with_cause("the worker thread stopped")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_the_next_one_runs() {
        let workers = Workers::start("test", 1).unwrap();
        let panics = workers.run(|| assert_eq!(1, 2)).await;
        assert!(panics.is_err());
        assert_eq!(workers.run(|| 3).await.unwrap(), 3);
    }
}
