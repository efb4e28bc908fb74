//! The one place where a request becomes an access: key, level and projects are checked here and nowhere else.

use std::sync::Arc;

use hh_api::{Access as Required, OpId};
use hh_auth::{ApiKey, Checksum, Decision, DenyReason, Need, ProjectId, checksum, decide};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::app::App;
use crate::error::ApiError;
use crate::keys::{KeyRecord, Lookup};
use crate::store::Store;

/// A request whose key was checked for its operation. Only [`authorize`] makes one.
#[derive(Debug)]
pub(crate) struct Access {
    record: Arc<KeyRecord>,
    need: Option<Need>,
    now: Timestamp,
}

/// An access to one project. Only [`Access::project`] makes one.
#[derive(Debug)]
pub(crate) struct InProject {
    id: ProjectId,
    /// The project's public id.
    public: String,
}

impl InProject {
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

/// Checks the key of a request for an operation; `None` for the open ones.
pub(crate) async fn authorize(
    app: &App,
    op: OpId,
    headers: &HeaderMap,
) -> Result<Option<Access>, ApiError> {
    let need = match op.operation().access {
        Required::Open => return Ok(None),
        Required::AnyKey => None,
        Required::Need(need) => Some(need),
    };
    let record = authenticate(app, headers).await?;
    let now = Timestamp::now();
    match decide(&record.grant, need, None, now) {
        Decision::Allow => Ok(Some(Access { record, need, now })),
        Decision::Deny(DenyReason::MissingNeed(need)) => Err(ApiError::forbidden(format!(
            "this key's level is {}, which does not include {need}; use a key that does",
            record.grant.level,
        ))),
        Decision::Deny(_) => Err(not_valid()),
    }
}

async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Arc<KeyRecord>, ApiError> {
    let header = headers.get(AUTHORIZATION).ok_or_else(|| {
        ApiError::unauthenticated("no API key; send it as Authorization: Bearer hh_…")
    })?;
    let key = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKey::parse(key).ok())
        .ok_or_else(not_valid)?;
    // A wrong checksum is a typo or a guess: no look-up for it. Keys of other lengths are not ours at all.
    if checksum(&key) != Checksum::Right {
        return Err(not_valid());
    }
    let digest = app.pepper.digest(&key);
    let record = match app.keys.look_up(&digest) {
        Lookup::Found(record) => record,
        Lookup::Missing { epoch } => {
            let record = app.store.key_by_digest(digest).await?;
            let record = Arc::new(record.ok_or_else(not_valid)?);
            app.keys.keep(digest, epoch, &record);
            record
        }
    };
    if record.revoked.load(std::sync::atomic::Ordering::Acquire) {
        return Err(not_valid());
    }
    Ok(record)
}

/// One answer for unknown, malformed, revoked and expired keys: a guess learns nothing.
fn not_valid() -> ApiError {
    ApiError::unauthenticated("the API key is not valid here: unknown, revoked or expired")
}

impl Access {
    pub(crate) fn record(&self) -> &KeyRecord {
        &self.record
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
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
                decide(&self.record.grant, self.need, Some(project.id), self.now) == Decision::Allow
            })
            .map(|project| InProject {
                id: project.id,
                public: project.public.clone(),
            })
            .ok_or_else(|| {
                let names = match store.project_names(&self.record.grant.projects) {
                    hh_api::types::ProjectNames::All => "every project".to_owned(),
                    hh_api::types::ProjectNames::Only(names) => names.join(", "),
                };
                ApiError::not_found(format!(
                    "there is no project \"{}\" that this key applies to; it applies to: {names}",
                    name.unwrap_or("default"),
                ))
            })
    }
}
