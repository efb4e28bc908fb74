//! The one place where a request becomes an access: key, level and projects are checked here and nowhere else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hh_api::types::KeyState;
use hh_api::{Requirement, Route};
use hh_auth::{ApiKey, Checksum, Decision, DenyReason, Need, ProjectId, checksum, decide};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::app::App;
use crate::error::ApiError;
use crate::failures::Peer;
use crate::keys::{KeyRecord, Lookup};
use crate::quote::quote;
use crate::store::Store;

/// Projects that an error names.
const MAX_LISTED: usize = 10;

const UNKNOWN_KEY: &str = "this server does not know the API key";

/// A request whose key was checked for its operation. Only [`authorize`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    record: Arc<KeyRecord>,
    need: Option<Need>,
    now: Timestamp,
    key_time: Timestamp,
}

/// An access to one project. Only [`Access::project`] makes one.
#[derive(Debug)]
pub(crate) struct InProject {
    id: ProjectId,
    /// The project's public id.
    public: String,
    /// The number of the key.
    key: i64,
    /// The rotation family of the key.
    family: i64,
}

impl InProject {
    pub(crate) fn key(&self) -> i64 {
        self.key
    }

    pub(crate) fn family(&self) -> i64 {
        self.family
    }

    pub(crate) fn id(&self) -> ProjectId {
        self.id
    }

    pub(crate) fn number(&self) -> i64 {
        self.id.number()
    }

    pub(crate) fn public(&self) -> &str {
        &self.public
    }
}

/// Checks that the key of a request meets the requirement of an operation.
pub(crate) async fn authorize(
    app: &Arc<App>,
    requirement: Requirement,
    route: &Route,
    parts: &Parts,
) -> Result<Access, ApiError> {
    let key_time = app.clock.key_time();
    let record = authenticate(app, &parts.headers, key_time).await;
    let record = record.map_err(|error| count(app, parts, error))?;
    let need = match requirement {
        Requirement::Open | Requirement::AnyKey => None,
        Requirement::Need(need) => Some(need),
        Requirement::Own(need) => {
            let id = route.path_value(parts.uri.path(), "id");
            let is_own = id.is_some_and(|id| is_own(&record, &id));
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
        Decision::Deny(_) => return Err(ApiError::ended(&record, key_time)),
    }
    let access = Access {
        record,
        need,
        now: app.clock.now(),
        key_time,
    };
    begin_grace(app, &access).await?;
    if app
        .keys
        .used
        .note(access.record.key_id, &access.record.last_use, key_time)
    {
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
    let record = &access.record;
    if record.begins_grace.load(Ordering::Acquire) {
        app.store.begin_grace(access).await?;
        record.begins_grace.store(false, Ordering::Release);
    }
    Ok(())
}

/// Writes when keys were last used.
pub(crate) async fn flush_uses(app: Arc<App>) {
    let uses = app.keys.used.to_save();
    let written = app.store.save_uses(uses.clone()).await;
    // What was not written stays for the next time.
    let uses = if written.is_ok() { uses } else { Vec::new() };
    app.keys.used.flushed(&uses);
}

/// A key that was refused, as far as it may be a guess.
enum Refused {
    /// It is none of ours.
    Guess,
    /// There is none, or it was ours: no guess.
    Other(ApiError),
}

impl<E: Into<ApiError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Answers a guess, and from an address with too many of them says that instead.
fn count(app: &App, parts: &Parts, refused: Refused) -> ApiError {
    let peer = parts.extensions.get::<Peer>().copied().unwrap_or_default();
    match refused {
        Refused::Other(error) => error,
        Refused::Guess => match app.failures.count(peer, Instant::now()) {
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
) -> Result<Arc<KeyRecord>, Refused> {
    let header = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| ApiError::no_key("no API key; send it as Authorization: Bearer hh_…"))?;
    let key = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKey::parse(key).ok())
        .ok_or(Refused::Guess)?;
    // A wrong checksum is a typo or a guess: no look-up for it. Keys of other lengths are not ours at all.
    if checksum(&key) != Checksum::Right {
        return Err(Refused::Guess);
    }
    let digest = app.pepper.digest(&key);
    let record = match app.keys.look_up(&digest) {
        Lookup::Found(record) => record,
        Lookup::Unknown => return Err(Refused::Guess),
        Lookup::Missing { epoch } => {
            let record = app.store.key_by_digest(digest).await?;
            let record = Arc::new(record.ok_or(Refused::Guess)?);
            app.keys.keep(epoch, &record);
            record
        }
    };
    if record.state(now) == KeyState::Active {
        return Ok(record);
    }
    if let Some(state) = record.to_close(app.clock.certain()) {
        // The key is refused in any case; what was not written is tried again with the next request.
        drop(app.store.close_key(&record, state).await);
    }
    Err(ApiError::ended(&record, now).into())
}

impl Access {
    pub(crate) fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// Returns when the request arrived, by the system's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the time by which keys are judged, see [`Clock::key_time`](crate::clock::Clock::key_time).
    pub(crate) fn key_time(&self) -> Timestamp {
        self.key_time
    }

    /// Finds the project of a request (decisions K6).
    ///
    /// A key with one project means that one; otherwise an absent or empty name means `default`. A project that
    /// does not exist and one that the key does not apply to are the same answer.
    pub(crate) fn project(&self, store: &Store, name: Option<&str>) -> Result<InProject, ApiError> {
        let only = match &self.record.grant.projects {
            hh_auth::Projects::Only(list) if list.len() == 1 => {
                list.first().and_then(|id| store.project_by_id(*id))
            }
            hh_auth::Projects::All | hh_auth::Projects::Only(_) | _ => None,
        };
        let name = name.filter(|name| !name.is_empty());
        let project = match (name, only) {
            (None, Some(only)) => Some(only),
            (name, _) => store.project_by_name(name.unwrap_or("default")),
        };
        project
            .filter(|project| {
                decide(
                    &self.record.grant,
                    self.need,
                    Some(project.id),
                    self.key_time,
                ) == Decision::Allow
            })
            .map(|project| InProject {
                id: project.id,
                public: project.public.clone(),
                key: self.record.key_id,
                family: self.record.family,
            })
            .ok_or_else(|| {
                let names = match store.project_names(&self.record.grant.projects) {
                    hh_api::types::ProjectNames::All => "every project".to_owned(),
                    hh_api::types::ProjectNames::Only(names) => list(&names),
                };
                ApiError::not_found(format!(
                    "there is no project \"{}\" that this key applies to; it applies to: {names}",
                    quote(name.unwrap_or("default")),
                ))
            })
    }
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
