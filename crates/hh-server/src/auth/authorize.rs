//! The one place where a request becomes an access: key, level and projects are checked here and nowhere else.

use std::sync::Arc;
use std::time::Instant;

use hh_api::types::{KeyState, ProjectNames};
use hh_api::{Requirement, Route};
use hh_auth::{ApiKey, Checksum, Decision, DenyReason, KeyDigest, Projects, checksum, decide};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::access::{Access, Principal, ProjectAccess, ServerAccess};
use super::failure_limiter::Peer;
use super::key_cache::Lookup;
use crate::app::App;
use crate::domain::keys::KeyRecord;
use crate::http::error::ApiError;
use crate::quote::quote;
use crate::store::{BeginGrace, CloseKey, KeyByDigest, SaveUses, Store, StoreError};

/// Projects that an error names.
const MAX_LISTED: usize = 10;

const UNKNOWN_KEY: &str = "this server does not know the API key";

/// Checks that the key of a request meets the requirement of an operation.
pub(crate) async fn authorize(
    app: &Arc<App>,
    requirement: Requirement,
    route: &Route,
    parts: &Parts,
) -> Result<Access, ApiError> {
    let key_time = app.clock.key_time();
    let principal = authenticate(app, &parts.headers, key_time).await;
    let principal = principal.map_err(|error| count(app, parts, error))?;
    let record = principal.record();
    let need = match requirement {
        Requirement::Open | Requirement::AnyKey => None,
        Requirement::Need(need) => Some(need),
        Requirement::Own(need) => {
            let id = route.path_value(parts.uri.path(), "id");
            let is_own = id.is_some_and(|id| is_own(record, &id));
            (!is_own).then_some(need)
        }
    };
    match decide(&record.grant, need, None, key_time) {
        Decision::Allow => {}
        Decision::Deny(DenyReason::MissingNeed(need)) => {
            return Err(ApiError::forbidden(format!(
                "this key's level is {}, which does not include {need}; use a key that does",
                record.grant.level,
            )));
        }
        Decision::Deny(_) => return Err(ApiError::ended(record, principal.state(key_time))),
    }
    let access = Access::new(principal, need, app.clock.now(), key_time);
    begin_grace(app, &access).await?;
    let principal = access.principal();
    let (key_id, last_use) = (principal.record().key_id, principal.last_use());
    if app.keys.used.note(key_id, last_use, key_time) {
        tokio::spawn(flush_uses(Arc::clone(app)));
    }
    Ok(access)
}

/// Tells whether a key is the one of the path, or takes its place.
///
/// Such a key may rotate and revoke without being an admin's: a rotation gives nothing that the key does not give (same
/// level, projects, owner and end, set by the server), and the two keys are one party's. Whoever stole a key can make
/// a second one so, but cannot hide it: the stolen key shows what took its place, in the answer that revokes it too,
/// its owner stops working as a whole when disabled, and the rightful holder is told by a 401 that names the new key.
fn is_own(record: &KeyRecord, id: &str) -> bool {
    record.id == id || record.replaces.as_deref() == Some(id)
}

/// The first accepted request with a new key begins the grace of the one it replaces, on disk before it goes on.
///
/// So an answer to the new key is proof that the old one will end, whatever crashes afterwards. Until then the old one
/// works on: of the two ways to be wrong, an old key that lives until its successor is tried again is the harmless one.
async fn begin_grace(app: &App, access: &Access) -> Result<(), ApiError> {
    if access.principal().begins_grace() {
        app.store.write(access, BeginGrace).await?;
        access.principal().grace_has_begun();
    }
    Ok(())
}

/// Writes when keys were last used.
pub(crate) async fn flush_uses(app: Arc<App>) {
    let uses = app.keys.used.to_save();
    let save = SaveUses {
        uses: uses.clone(),
        pepper_check: app.store.pepper_check().to_owned(),
    };
    let written = match save.uses.as_slice() {
        [] => Ok(()),
        _ => app.store.write(&ServerAccess::new(), save).await,
    };
    // What was not written stays for the next time.
    let uses = if written.is_ok() { uses } else { Vec::new() };
    app.keys.used.flushed(&uses);
}

/// A key that was refused, as far as it may be a guess.
enum RejectedKey {
    /// It is none of ours.
    Guess,
    /// There is none, or it was ours: no guess.
    Other(ApiError),
}

impl<E: Into<ApiError>> From<E> for RejectedKey {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Answers a guess, and from an address with too many of them says that instead.
fn count(app: &App, parts: &Parts, refused: RejectedKey) -> ApiError {
    let peer = parts.extensions.get::<Peer>().copied().unwrap_or_default();
    match refused {
        RejectedKey::Other(error) => error,
        RejectedKey::Guess => match app.failures.count(peer, Instant::now()) {
            Ok(()) if is_bearer(&parts.headers) => ApiError::bad_key(UNKNOWN_KEY),
            Ok(()) => ApiError::no_key(UNKNOWN_KEY),
            Err(wait) => ApiError::too_many_failures(wait),
        },
    }
}

/// Returns whether a request presents a key, whatever it is. RFC 6750 has another challenge for requests that do not.
fn is_bearer(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let scheme = value.and_then(|value| value.split(|byte| *byte == b' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

/// Finds the key of a request and checks that it works.
///
/// A key that this server never issued gets one answer by one path: the index in memory is on a digest that nobody can
/// steer, so how much of a guess is right changes nothing, and the database is read for keys that exist alone. Only who
/// has a whole key is told why it ended.
async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Arc<Principal>, RejectedKey> {
    let header = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| ApiError::no_key("no API key; send it as Authorization: Bearer hh_…"))?;
    let key = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKey::parse(key).ok())
        .ok_or(RejectedKey::Guess)?;
    // A wrong checksum is a typo or a guess: no look-up for it. Keys of other lengths are not ours at all.
    if checksum(&key) != Checksum::Valid {
        return Err(RejectedKey::Guess);
    }
    let digest = app.pepper.digest(&key);
    let principal = find_principal(app, digest)
        .await?
        .ok_or(RejectedKey::Guess)?;
    if principal.state(now) == KeyState::Active {
        return Ok(principal);
    }
    if let Some(state) = principal.to_close(app.clock.certain()) {
        // The key is refused in any case; what was not written is tried again with the next request.
        let KeyRecord { key_id, digest, .. } = *principal.record();
        let close = CloseKey {
            key_id,
            digest,
            state,
        };
        drop(app.store.write(&ServerAccess::new(), close).await);
    }
    Err(ApiError::ended(principal.record(), principal.state(now)).into())
}

/// Finds the key of a digest; keys that do not exist are found missing without a read of the database.
pub(crate) async fn find_principal(
    app: &App,
    digest: KeyDigest,
) -> Result<Option<Arc<Principal>>, StoreError> {
    let epoch = match app.keys.look_up(&digest) {
        Lookup::Found(principal) => return Ok(Some(principal)),
        Lookup::Unknown => return Ok(None),
        Lookup::Missing { epoch } => epoch,
    };
    let record = app
        .store
        .read(&ServerAccess::new(), KeyByDigest(digest))
        .await?;
    let principal = record.map(|record| Arc::new(Principal::new(record)));
    if let Some(principal) = &principal {
        app.keys.insert(epoch, principal);
    }
    Ok(principal)
}

/// Finds the project of a request (see `docs/design/decisions.md#k6`).
///
/// A key with one project means that one; otherwise an absent or empty name means `default`. A project that
/// does not exist and one that the key does not apply to get the same response.
pub(crate) fn authorize_project(
    store: &Store,
    access: &Access,
    name: Option<&str>,
) -> Result<ProjectAccess, ApiError> {
    let record = access.record();
    let only = match &record.grant.projects {
        Projects::Only(list) if list.len() == 1 => {
            list.first().and_then(|id| store.project_by_id(*id))
        }
        Projects::All | Projects::Only(_) | _ => None,
    };
    let name = name.filter(|name| !name.is_empty());
    let project = match (name, only) {
        (None, Some(only)) => Some(only),
        (name, _) => store.project_by_name(name.unwrap_or("default")),
    };
    let is_allowed = |id| {
        let decision = decide(&record.grant, access.need(), Some(id), access.key_time());
        decision == Decision::Allow
    };
    project
        .filter(|project| is_allowed(project.id))
        .map(|project| ProjectAccess::new(project.id, &project.public, record))
        .ok_or_else(|| {
            let names = match store.project_names(&record.grant.projects) {
                ProjectNames::All => "every project".to_owned(),
                ProjectNames::Only(names) => list(&names),
            };
            ApiError::not_found(format!(
                "there is no project \"{}\" that this key applies to; it applies to: {names}",
                quote(name.unwrap_or("default")),
            ))
        })
}

/// Names the first of many projects.
fn list(names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| quote(name))
        .collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
