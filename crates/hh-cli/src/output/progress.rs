//! Shows the progress of long operations on stderr.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time after which progress is shown.
const DELAY: Duration = Duration::from_secs(1);

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
