//! Describes where output is printed: the width, and how times are printed.

use std::cell::OnceCell;
use std::io::{self, IsTerminal as _};

use hh_sdk::config::Env;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::termios::tcgetwinsize;

use super::time::Clock;

/// The place where output is printed.
pub(crate) struct Screen {
    /// The width of the terminal or the value of `COLUMNS`, in columns; `None` if lines can have any length.
    width: Option<usize>,
    /// The number of lines of the terminal; `None` if the output is not a terminal.
    height: Option<usize>,
    is_utc: bool,
    /// Created when it is first needed, because it reads the time zone from a file.
    clock: OnceCell<Clock>,
}

impl Screen {
    /// Describes standard output. `is_utc` selects absolute times in UTC.
    pub(crate) fn of_stdout(env: &Env, is_utc: bool) -> Self {
        let stdout = io::stdout();
        let size = stdout
            .is_terminal()
            .then(|| tcgetwinsize(&stdout).map(|size| (size.ws_col, size.ws_row)));
        let (width, height) = match size {
            Some(size) => {
                // Some terminals do not report their size.
                let (width, height) = size.unwrap_or((0, 0));
                let or = |value: u16, default| if value == 0 { default } else { value.into() };
                (Some(or(width, 80)), Some(or(height, 24)))
            }
            None => (None, None),
        };
        let columns = env
            .get("COLUMNS")
            .and_then(|columns| columns.to_str()?.parse().ok());
        Self {
            width: columns.filter(|columns| *columns > 0).or(width),
            height,
            is_utc,
            clock: OnceCell::new(),
        }
    }

    /// Returns the maximum width of a line, in columns.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Returns the number of lines of the terminal; `None` if the output is not a terminal.
    pub(crate) fn height(&self) -> Option<usize> {
        self.height
    }

    /// Returns whether the output is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.height.is_some()
    }

    fn clock(&self) -> &Clock {
        self.clock.get_or_init(|| {
            if self.is_utc {
                Clock::absolute(TimeZone::UTC)
            } else if self.is_terminal() {
                Clock::relative()
            } else {
                Clock::absolute(TimeZone::system())
            }
        })
    }

    /// Formats a time.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        self.clock().time(time)
    }

    /// Formats a time in Unix milliseconds.
    pub(crate) fn millis(&self, millis: f64) -> String {
        self.clock().millis(millis)
    }

    /// Formats an optional time; `never` if it is missing.
    pub(crate) fn time_or(&self, time: Option<Timestamp>, otherwise: &str) -> String {
        time.map_or_else(|| otherwise.to_owned(), |time| self.time(time))
    }
}

#[cfg(test)]
impl Screen {
    /// Returns a screen of this width.
    pub(crate) fn of_width(width: Option<usize>) -> Self {
        Self {
            width,
            height: None,
            is_utc: true,
            clock: OnceCell::new(),
        }
    }
}
