//! Shows the progress of long operations on stderr.
//!
//! The library indicatif calls a mathematical function of the system. Loading that library takes about 0.07 ms of each
//! start, a sixth of the time of a program that only prints a word.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use super::width::cut;

/// The time after which progress is shown.
const DELAY: Duration = Duration::from_secs(1);

/// The minimum time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// Moves to the beginning of the line and erases it.
const CLEAR: &str = "\r\u{1b}[2K";
/// The length of the bar, in columns.
const BAR: usize = 24;

/// The progress of an operation. It appears after a second, if stderr is a terminal, and disappears when it is dropped.
pub(crate) struct Progress {
    what: &'static str,
    start: Instant,
    is_enabled: bool,
    /// The time of the last update; `None` if nothing is shown.
    shown: Option<Instant>,
}

impl Progress {
    /// Creates the progress of an operation that processes `what`, a plural noun.
    pub(crate) fn new(what: &'static str, is_enabled: bool) -> Self {
        Self {
            what,
            start: Instant::now(),
            is_enabled,
            shown: None,
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
        let is_recent = |shown: Instant| shown.elapsed() < INTERVAL;
        if !self.is_enabled || self.start.elapsed() < DELAY || self.shown.is_some_and(is_recent) {
            return;
        }
        let mut stderr = io::stderr();
        if !stderr.is_terminal() {
            self.is_enabled = false;
            return;
        }
        let line = line(self.what, done, total);
        let width = tcgetwinsize(&stderr).map_or(0, |size| size.ws_col);
        let width = if width == 0 { 80 } else { usize::from(width) };
        // Progress that cannot be shown must not stop the operation.
        write!(stderr, "{CLEAR}{}", cut(&line, width - 1)).ok();
        self.shown = Some(Instant::now());
    }
}

/// Returns the text that shows the number of processed objects.
fn line(what: &str, done: u64, total: Option<u64>) -> String {
    let Some(total) = total else {
        return format!("{done} {what}");
    };
    let all = BAR as u64;
    let filled = done.min(total).saturating_mul(all) / total.max(1);
    let filled = usize::try_from(filled).unwrap_or(BAR);
    let bar = ["=".repeat(filled), " ".repeat(BAR - filled)].concat();
    format!("[{bar}] {done}/{total} {what}")
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            write!(io::stderr(), "{CLEAR}").ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_line_shows_the_part_that_is_done() {
        let lines = [
            line("files", 1234, None),
            line("events", 0, Some(10)),
            line("events", 5, Some(10)),
            line("events", 10, Some(10)),
            // More events can arrive in the meantime.
            line("events", 12, Some(10)),
            line("events", 0, Some(0)),
            line("events", u64::MAX / 64, Some(u64::MAX / 32)),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        1234 files
        [                        ] 0/10 events
        [============            ] 5/10 events
        [========================] 10/10 events
        [========================] 12/10 events
        [                        ] 0/0 events
        [===========             ] 288230376151711743/576460752303423487 events
        ");
    }
}
