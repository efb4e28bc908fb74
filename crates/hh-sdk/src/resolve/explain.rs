//! What an error of a request means to whoever sees it: likely causes, the most likely first, and when to come back.

use std::time::Duration;

use hh_api::{OpId, Requirement};
use hh_auth::Credential;
use hh_config::Provenance;

use crate::{Error, ErrorKind};

/// The hosts of HoneyHive itself: a key of one is unknown to the other.
const KNOWN_HOSTS: [&str; 2] = [
    "https://api.honeyhive.ai",
    "https://api.dp1.us.honeyhive.ai",
];

/// The causes of a 404 where the server keeps to itself which it is (see `docs/design/decisions.md#c4`).
const CAUSES_OF_404: &str = "likely causes: it does not exist, or the key lacks the permission, or the key was rejected, or this is another server than you mean";

/// What is known on this side about a request.
pub(super) struct Context<'a> {
    pub(super) credential: &'a Credential,
    /// Where the address of the server came from.
    pub(super) address: &'a Provenance,
}

impl Context<'_> {
    /// Adds to an error what its kind means here.
    pub(super) fn explain(&self, op: OpId, error: Error) -> Error {
        let more = match error.kind() {
            ErrorKind::Unauthenticated if error.is_answered() => Some(self.rejected(&error)),
            ErrorKind::PermissionDenied if error.is_answered() => Some(self.denied(op, &error)),
            ErrorKind::NotFound => self.not_found(&error),
            ErrorKind::RateLimited if error.is_answered() => Some(
                "likely causes: this program sends too many requests (rate_limit_calls holds them back), or others with the same key do".to_owned(),
            ),
            ErrorKind::Config
            | ErrorKind::MissingKey
            | ErrorKind::MalformedKey
            | ErrorKind::Unauthenticated
            | ErrorKind::PermissionDenied
            | ErrorKind::Conflict
            | ErrorKind::Invalid
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Unreachable
            | ErrorKind::Proxy
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Unavailable
            | ErrorKind::TestMode
            | ErrorKind::Dropped
            | ErrorKind::Other => None,
        };
        let wait = error.retry_after().map(whole_seconds);
        let wait = wait.map(|seconds| format!("try again in {seconds} s"));
        match (wait, more) {
            (Some(wait), Some(more)) => error.with_hint(format!("{wait}; {more}")),
            (Some(hint), None) | (None, Some(hint)) => error.with_hint(hint),
            (None, None) => error,
        }
    }

    fn rejected(&self, error: &Error) -> String {
        let Credential {
            key,
            origin,
            provenance,
            ..
        } = self.credential;
        let shown = key.redacted();
        if error.names_cause() {
            return format!(
                "the key is {shown} from {provenance}, sent to {origin} ({})",
                self.address
            );
        }
        format!(
            "likely causes: the key {shown} from {provenance} is mistyped or cut off, was revoked, has expired, or is for another server than {origin} ({})",
            self.address
        )
    }

    fn denied(&self, op: OpId, error: &Error) -> String {
        let Credential {
            key, provenance, ..
        } = self.credential;
        let shown = key.redacted();
        if error.names_cause() {
            return format!("the key is {shown} from {provenance}");
        }
        let need = match op.operation().need {
            Requirement::Need(need) | Requirement::Own(need) => format!("does not allow {need}"),
            Requirement::AnyKey | Requirement::Open => "does not allow this".to_owned(),
        };
        format!(
            "likely causes: the key {shown} from {provenance} {need}, it is not for this project, or your organization does not have the feature"
        )
    }

    fn not_found(&self, error: &Error) -> Option<String> {
        if error.names_cause() {
            return None;
        }
        let origin = self.credential.origin.to_string();
        let is_known = KNOWN_HOSTS.contains(&origin.as_str());
        let other = KNOWN_HOSTS.iter().find(|host| **host != origin);
        match other.filter(|_| is_known) {
            Some(other) => Some(format!(
                "{CAUSES_OF_404}: HoneyHive also answers at {other}"
            )),
            None => Some(CAUSES_OF_404.to_owned()),
        }
    }
}

/// Rounds up: too early would be refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
