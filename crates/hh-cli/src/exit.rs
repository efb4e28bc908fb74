//! The exit codes, in one place (see `docs/design/decisions.md#c1`).

use std::process::ExitCode;

/// What the program tells the one that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It worked.
    Ok = 0,
    /// It failed in a way that has no code of its own.
    Other = 1,
    /// The command line is wrong.
    Usage = 2,
    /// No key, a malformed key, or one that the server refused.
    Auth = 3,
    /// Network, TLS, timeout, 404, 429 or a failure of the server.
    Network = 4,
    /// Configuration or data is invalid, unreadable or untrusted.
    Config = 5,
    /// The key may not do this.
    Permission = 6,
    /// Whoever read the output has gone.
    BrokenPipe = 141,
}

impl Exit {
    /// Returns the word for it in errors that programs read.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Auth => "auth",
            Self::Network => "network",
            Self::Config => "config",
            Self::Permission => "permission",
            Self::BrokenPipe => "broken_pipe",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
