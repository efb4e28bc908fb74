//! Adds a hint to the error of a request. The hint says when to retry and what to check.

use std::time::Duration;

use hh_api::{OpId, Requirement};
use hh_auth::Credential;
use hh_config::Provenance;

use crate::{Error, ErrorKind};

/// The origins of the two hosted servers of HoneyHive. A key for one server is not valid for the other.
const KNOWN_HOSTS: [&str; 2] = [
    "https://api.honeyhive.ai",
    "https://api.dp1.us.honeyhive.ai",
];

/// The hint for status 404. It lists several checks, because hosted HoneyHive also returns 404 for a rejected key or a
/// missing permission (see `docs/design/decisions.md#c4`).
const CHECKS_OF_404: &str = "check whether the requested object exists, whether the key is valid and allows this operation, and whether base_url names the right server";

/// The facts about a request that the client knows.
pub(super) struct Context<'a> {
    /// The credential of the request.
    pub(super) credential: &'a Credential,
    /// The provenance of the base URL.
    pub(super) address: &'a Provenance,
}

impl Context<'_> {
    /// Adds a hint to an error: the time to wait before a retry and what to check, if they are known.
    pub(super) fn explain(&self, op: OpId, error: Error) -> Error {
        let more = match error.kind() {
            ErrorKind::Unauthenticated if error.is_answered() => Some(self.rejected(&error)),
            ErrorKind::PermissionDenied if error.is_answered() => Some(self.denied(op, &error)),
            ErrorKind::NotFound => self.not_found(&error),
            ErrorKind::RateLimited if error.is_answered() => Some(
                "send fewer requests from this program (rate_limit_calls limits them) or from other programs with the same key".to_owned(),
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

    /// Returns the hint for status 401.
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
                "check the key {shown} from {provenance}, which was sent to {origin} ({})",
                self.address
            );
        }
        format!(
            "check the key {shown} from {provenance}: it may be mistyped, truncated, revoked or expired, or for a server other than {origin} ({})",
            self.address
        )
    }

    /// Returns the hint for status 403.
    fn denied(&self, op: OpId, error: &Error) -> String {
        let Credential {
            key, provenance, ..
        } = self.credential;
        let shown = key.redacted();
        if error.names_cause() {
            return format!("check the key {shown} from {provenance}");
        }
        let need = match op.operation().need {
            Requirement::Need(need) | Requirement::Own(need) => {
                format!("lack the {need} permission")
            }
            Requirement::AnyKey | Requirement::Open => "not allow this operation".to_owned(),
        };
        format!(
            "check the key {shown} from {provenance}: it may {need} or may not apply to this project, or the feature may not be enabled for your organization"
        )
    }

    /// Returns the hint for status 404, if the response does not name the cause.
    fn not_found(&self, error: &Error) -> Option<String> {
        if error.names_cause() {
            return None;
        }
        let origin = self.credential.origin.to_string();
        let is_known = KNOWN_HOSTS.contains(&origin.as_str());
        let other = KNOWN_HOSTS.iter().find(|host| **host != origin);
        match other.filter(|_| is_known) {
            Some(other) => Some(format!(
                "{CHECKS_OF_404}; HoneyHive also has a server at {other}"
            )),
            None => Some(CHECKS_OF_404.to_owned()),
        }
    }
}

/// Rounds up to whole seconds, because the server rejects a retry that is too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
