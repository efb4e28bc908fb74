//! Defines the exit codes (see `docs/design/decisions.md#c1`).

use std::process::ExitCode;

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Success.
    Ok = 0,
    /// Any failure without its own code.
    Other = 1,
    /// An invalid command line.
    Usage = 2,
    /// A missing key, a malformed key, or a key that the server rejected.
    Auth = 3,
    /// A failure of the network, TLS or the server, a timeout, or a response of 404 or 429.
    Network = 4,
    /// Invalid, unreadable or untrusted configuration or data.
    Config = 5,
    /// Missing permissions of the key.
    Permission = 6,
    /// The user interrupted a prompt or a command.
    Interrupted = 130,
    /// The reader of the output closed the pipe.
    BrokenPipe = 141,
}

impl Exit {
    /// Returns the name of the code in JSON errors.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Auth => "auth",
            Self::Network => "network",
            Self::Config => "config",
            Self::Permission => "permission",
            Self::Interrupted => "interrupted",
            Self::BrokenPipe => "broken_pipe",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
