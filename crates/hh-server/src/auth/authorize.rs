//! Authorizes requests. Key, level and projects are checked here and nowhere else.

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
use crate::store::{
    BeginGrace, CloseKey, DeleteExpired, DeletedRows, KeyByDigest, ProjectEntry, RetentionRule,
    SaveUses, Store, StoreError,
};

/// The maximum number of projects that an error lists.
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

/// Returns whether a key is the one in the path, or replaces that one.
///
/// Such a key may rotate and revoke the key in the path without being an admin key. A rotation grants nothing new,
/// because the server copies level, projects, owner and expiry, and both keys belong to the same owner. A thief can
/// create a second key in this way, but cannot hide it: the stolen key names its replacement, also in the response that
/// revokes it; disabling the owner revokes both keys; and the rightful holder gets a 401 that names the new key.
fn is_own(record: &KeyRecord, id: &str) -> bool {
    record.id == id || record.replaces.as_deref() == Some(id)
}

/// Starts the grace period of the replaced key at the first accepted request with the new key.
///
/// The start is stored on disk before the request continues. A response to the new key therefore proves that the old
/// key will stop working, even after a crash. If the start cannot be stored, the old key works until the new one is
/// used again, which is less harmful than a key that stops working too early.
async fn begin_grace(app: &App, access: &Access) -> Result<(), ApiError> {
    if access.principal().begins_grace() {
        app.store.write(access, BeginGrace).await?;
        access.principal().grace_has_begun();
    }
    Ok(())
}

/// Writes the times of the last uses of keys to the database.
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
    // Uses that were not written remain for the next flush.
    let uses = if written.is_ok() { uses } else { Vec::new() };
    app.keys.used.flushed(&uses);
}

/// Deletes the expired events and sessions of a project.
pub(crate) async fn delete_expired(
    app: &App,
    rule: RetentionRule,
) -> Result<DeletedRows, StoreError> {
    let delete = DeleteExpired { rule };
    app.store.write(&ServerAccess::new(), delete).await
}

/// A key that was rejected, and whether it may be a guess.
enum RejectedKey {
    /// The server has never issued this key.
    Guess,
    /// The request has no key, or the server has issued the key, so that it is not a guess.
    Other(ApiError),
}

impl<E: Into<ApiError>> From<E> for RejectedKey {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Returns the error for a rejected key, and counts guesses. An address with too many guesses gets another error.
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

/// Returns whether a request presents a key. RFC 6750 defines a different challenge for requests without a key.
fn is_bearer(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let scheme = value.and_then(|value| value.split(|byte| *byte == b' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

/// Finds the key of a request and checks that it works.
///
/// Every key that this server has never issued gets the same response by the same code path. The index in memory uses a
/// digest that clients cannot control, so the response time does not depend on the number of correct characters of a
/// guess. The database is read for existing keys only. Only a request with a complete key learns why the key no longer
/// works.
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
    // A wrong checksum is a typo or a guess, so the key is not looked up. This server issues no keys of other lengths.
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
        // The key is rejected in any case. If the write fails, the next request repeats it.
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

/// Finds the key with a digest. A key that does not exist causes no read of the database.
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
/// An absent or empty name means the only project of a key with one project, and `default` for any other key. A project
/// that does not exist and one that the key does not apply to get the same response.
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
    allow(store, access, project, name.unwrap_or("default"))
}

/// Finds the project with an id, or without an id the project with a name, like [`authorize_project`].
pub(crate) fn authorize_named(
    store: &Store,
    access: &Access,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<ProjectAccess, ApiError> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => allow(store, access, store.project_by_public_id(id), id),
        None => authorize_project(store, access, name),
    }
}

/// Returns the access to a project that was found by `text`.
fn allow(
    store: &Store,
    access: &Access,
    project: Option<Arc<ProjectEntry>>,
    text: &str,
) -> Result<ProjectAccess, ApiError> {
    let record = access.record();
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
                "project \"{}\" not found; this key applies to: {names}",
                quote(text),
            ))
        })
}

/// Lists the first projects and the number of the others.
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
