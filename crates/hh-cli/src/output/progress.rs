//! Shows the progress of long operations on stderr.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time after which progress is shown.
const DELAY: Duration = Duration::from_secs(1);

/// The time between two updates of an operation that is watched.
const INTERVAL: Duration = Duration::from_millis(100);

/// The progress of an operation. It appears after a second, if stderr is a terminal, and disappears when it is dropped.
pub(crate) struct Progress {
    what: &'static str,
    start: Instant,
    is_enabled: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Creates the progress of an operation that processes `what`, a plural noun.
    pub(crate) fn new(what: &'static str, is_enabled: bool) -> Self {
        Self {
            what,
            start: Instant::now(),
            is_enabled,
            bar: None,
        }
    }

    /// Runs `work`. Meanwhile, another thread shows the number that `done` returns.
    pub(crate) fn watch<T>(
        mut self,
        done: impl Fn() -> usize + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        if !self.is_enabled || !io::stderr().is_terminal() {
            return work();
        }
        let (stop, stopped) = mpsc::channel::<()>();
        thread::scope(|scope| {
            // If the system refuses the thread, the work is done without progress.
            let watcher = thread::Builder::new().spawn_scoped(scope, move || {
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(INTERVAL) {
                    self.set(done() as u64, None);
                }
            });
            let result = work();
            drop((stop, watcher));
            result
        })
    }

    /// Shows the number of processed objects, and of all objects if it is known.
    pub(crate) fn set(&mut self, done: u64, total: Option<u64>) {
        if !self.is_enabled || self.start.elapsed() < DELAY {
            return;
        }
        let what = self.what;
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = match total {
                Some(_) => "{wide_bar} {pos}/{len} {msg}",
                None => "{spinner} {pos} {msg}",
            };
            // A template that cannot be parsed is a mistake of this file; the default style is the fallback.
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.with_message(what)
        });
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
