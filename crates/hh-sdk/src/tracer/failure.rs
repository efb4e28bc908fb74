//! Decides from a failed request whether its telemetry is sent again.

use hh_transport::TransportErrorKind;

use crate::{Error, ErrorKind};

/// The classes of failed exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server or the network is unavailable. The export is retried until it succeeds.
    Unavailable,
    /// The server failed, possibly because of this telemetry. The export is retried a limited number of times.
    Suspect,
    /// The request is too large. It is split and sent again.
    TooLarge,
    /// The API key was rejected or is missing. The export is retried after a pause.
    Rejected,
    /// A retry would fail too. The telemetry is lost.
    Final,
}

impl Failure {
    /// Returns the class of an error; `is_update` is true for a change of a session.
    pub(super) fn of(error: &Error, is_update: bool) -> Self {
        let Some(sent) = error.sent() else {
            return Self::before_sending(error.kind());
        };
        if let Some(status) = sent.status() {
            return Self::of_status(status.as_u16(), is_update);
        }
        match sent.kind() {
            TransportErrorKind::Unreachable
            | TransportErrorKind::Proxy
            | TransportErrorKind::Tls
            | TransportErrorKind::RateLimited => Self::Unavailable,
            TransportErrorKind::Timeout | TransportErrorKind::Interrupted => {
                if sent.is_certainly_unsent() {
                    Self::Unavailable
                } else {
                    Self::Suspect
                }
            }
            // The response may come from a login page or a proxy instead of the server.
            TransportErrorKind::InvalidResponse => Self::Suspect,
            TransportErrorKind::Unauthenticated => Self::Rejected,
            TransportErrorKind::Insecure
            | TransportErrorKind::InvalidRequest
            | TransportErrorKind::PermissionDenied
            | TransportErrorKind::NotFound
            | TransportErrorKind::Conflict
            | TransportErrorKind::Rejected
            | TransportErrorKind::Unavailable
            | TransportErrorKind::Other
            | _ => Self::Final,
        }
    }

    /// Returns the class of a status.
    fn of_status(status: u16, is_update: bool) -> Self {
        match status {
            429 | 502..=504 | 520..=524 | 529 => Self::Unavailable,
            // A redirect may come from a login page instead of the server.
            300..=399 | 408 | 425 | 500..=599 => Self::Suspect,
            413 => Self::TooLarge,
            // The session may not exist or may belong to another key, which a retry does not change. A retry would
            // block the rest of the queue.
            403 | 404 if is_update => Self::Final,
            401 | 403 | 404 => Self::Rejected,
            _ => Self::Final,
        }
    }

    /// Returns the class of an error before the request was sent.
    fn before_sending(kind: ErrorKind) -> Self {
        match kind {
            // The key was not available in time.
            ErrorKind::Timeout => Self::Unavailable,
            // The response to an export was not OTLP.
            ErrorKind::Unavailable => Self::Suspect,
            ErrorKind::Unauthenticated
            | ErrorKind::PermissionDenied
            | ErrorKind::MissingKey
            | ErrorKind::MalformedKey
            | ErrorKind::Config => Self::Rejected,
            ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Invalid
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Unreachable
            | ErrorKind::Proxy
            | ErrorKind::Tls
            | ErrorKind::TestMode
            | ErrorKind::Dropped
            | ErrorKind::Other => Self::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_succeed_later_is_sent_again() {
        let expected = [
            (
                Failure::Unavailable,
                &[429, 502, 503, 504, 520, 521, 522, 523, 524, 529][..],
            ),
            (
                Failure::Suspect,
                &[
                    300, 301, 302, 307, 308, 408, 425, 500, 501, 505, 507, 525, 526, 599,
                ],
            ),
            (Failure::TooLarge, &[413]),
            (Failure::Rejected, &[401, 403, 404]),
            (Failure::Final, &[400, 402, 405, 409, 410, 415, 422, 431]),
        ];
        for (failure, statuses) in expected {
            for status in statuses {
                assert_eq!(Failure::of_status(*status, false), failure, "{status}");
            }
        }
        let of_update = [401, 403, 404].map(|status| Failure::of_status(status, true));
        assert_eq!(
            of_update,
            [Failure::Rejected, Failure::Final, Failure::Final]
        );
    }
}
