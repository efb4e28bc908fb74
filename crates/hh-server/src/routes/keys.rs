//! Handles the operations on keys, except changes, rotation and revocation.

use std::ops::RangeInclusive;

use hh_api::types::{
    CreateKey, CreateKeyResponse, CreatedKey, Key, KeyList, KeyRef, KeyState, ListKeys, Principal,
    ProjectNames,
};
use hh_api::{Endpoint, operations};
use hh_auth::{Grant, Projects, mint};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Call;
use crate::app::App;
use crate::auth::Access;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::keys::KeyRecord;
use crate::http::error::ApiError;
use crate::owner_name;
use crate::quote::quote;
use crate::store::{GetKey, InsertKey, InsertOutcome, ListKeys as KeysQuery, NewKey};

pub(super) const MAX_NAME: usize = 100;
pub(super) const MAX_NOTE: usize = 500;

/// The default number of keys on a page.
const DEFAULT_LIMIT: u32 = 100;
const LIMITS: RangeInclusive<u32> = 1..=1000;
/// The maximum size of a page with more than one key, in bytes. Clients limit the size of responses, and a key can have
/// many projects.
const MAX_PAGE: usize = 1024 * 1024;

/// Creates a key. The new key cannot have more permissions than the key of the request.
pub(super) async fn create_key(
    app: &App,
    call: Call,
    input: CreateKey,
) -> Result<CreateKeyResponse, ApiError> {
    let access = &call.access;
    let header = idempotency_key(&call.headers)?;
    let once = header
        .map(|header| digest_idempotent_request::<operations::CreateKey>(&header, "", &input));
    let name = one_line("name", &input.name, MAX_NAME)?;
    let owner = match &input.owner {
        Some(owner) => owner_name(app, "owner", owner)?,
        None => access.record().owner.clone(),
    };
    // The keys of an owner may apply to any project.
    if owner != access.record().owner && access.record().grant.projects != Projects::All {
        return Err(ApiError::forbidden(
            "this key does not apply to all projects, so it can create keys for its own owner only; omit owner",
        ));
    }
    let note = input
        .note
        .as_ref()
        .map(|note| one_line("note", note, MAX_NOTE));
    let grant = Grant {
        level: input.level,
        projects: find_projects(app, access, input.projects)?,
        expires: input.expires_at.map(whole_millis),
    };
    if !access.record().can_grant(&grant) {
        return Err(not_granted(access.record(), &grant));
    }
    let minted = mint(input.level).map_err(|_| ApiError::internal())?;
    let key = NewKey {
        id: minted.id.clone(),
        digest: app.pepper.digest(&minted.key),
        shown: minted.key.redacted(),
        name,
        note: note.transpose()?,
        owner,
        grant,
        created: whole_millis(access.key_time()),
        family: None,
    };
    let described = new_key(app, &key, None);
    let command = InsertKey {
        key,
        idempotency: once,
    };
    let stored = app.store.write(access, command).await?;
    Ok(answer(app, access, stored.value, &minted, described))
}

/// Returns the error for a key that may not grant these rights, because it has fewer rights or stops working earlier.
pub(super) fn not_granted(issuing: &KeyRecord, grant: &Grant) -> ApiError {
    let without_end = Grant {
        expires: None,
        ..issuing.grant.clone()
    };
    let ends = [issuing.grant.expires, issuing.grace_ends];
    match (ends.into_iter().flatten().min(), &issuing.replaced_by) {
        (Some(end), Some(new))
            if issuing.grace_ends == Some(end) && grant.is_within(&without_end) =>
        {
            ApiError::forbidden(format!(
                "the issuing key was replaced by {new} and stops working at {end:.0}, so it cannot create a key that works longer; use {new} instead"
            ))
        }
        (Some(end), _) if grant.is_within(&without_end) => ApiError::forbidden(format!(
            "the issuing key expires at {end:.0}, so it cannot create a key that works longer"
        )),
        _ => ApiError::forbidden(
            "cannot grant more than the issuing key has; reduce the level, projects or expiry",
        ),
    }
}

/// Describes a key that is about to be stored.
pub(super) fn new_key(app: &App, key: &NewKey, replaces: Option<String>) -> Key {
    Key {
        id: key.id.clone(),
        name: key.name.clone(),
        shown: key.shown.clone(),
        level: key.grant.level,
        projects: app.store.project_names(&key.grant.projects),
        owner: Principal::of(&key.owner),
        state: KeyState::Active,
        created_at: key.created,
        expires_at: key.grant.expires,
        note: key.note.clone(),
        last_used_at: None,
        replaced_by: None,
        grace_seconds: None,
        grace_ends_at: None,
        replaces,
    }
}

/// Returns the response for a created key. Only the request that stored the key gets its text.
pub(super) fn answer(
    app: &App,
    access: &Access,
    stored: InsertOutcome,
    minted: &hh_auth::NewApiKey,
    key: Key,
) -> CreateKeyResponse {
    match stored {
        InsertOutcome::Inserted => CreateKeyResponse::Created(CreatedKey {
            secret: minted.key.secret().clone(),
            key,
        }),
        InsertOutcome::Repeated(earlier) => {
            CreateKeyResponse::Repeated(describe(app, access, &earlier))
        }
    }
}

/// Reads the `Idempotency-Key` of a request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<HeaderValue>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let is_key =
        |text: &[u8]| (1..=255).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    is_key(value.as_bytes())
        .then(|| Some(value.clone()))
        .ok_or_else(|| {
            ApiError::invalid("Idempotency-Key must have 1 to 255 visible ASCII characters")
        })
}

/// Digests the `Idempotency-Key` and the decoded request, so that the formatting of its body does not matter.
pub(super) fn digest_idempotent_request<E: Endpoint>(
    header: &HeaderValue,
    id: &str,
    body: &impl Serialize,
) -> IdempotencyKey {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let request = Sha256::new()
        .chain_update(E::OPERATION.route().path)
        .chain_update([0])
        .chain_update(id)
        .chain_update([0])
        .chain_update(body);
    IdempotencyKey {
        name: Sha256::digest(header.as_bytes()).into(),
        request: request.finalize().into(),
    }
}

/// Lists a page of keys.
pub(super) async fn list_keys(app: &App, call: Call, input: ListKeys) -> Result<KeyList, ApiError> {
    let access = &call.access;
    let limit = input.limit.unwrap_or(DEFAULT_LIMIT);
    if !LIMITS.contains(&limit) {
        let message = format!(
            "limit must be between {} and {}",
            LIMITS.start(),
            LIMITS.end()
        );
        return Err(ApiError::invalid(message));
    }
    let after = input.cursor.map(|text| {
        let invalid =
            |_| ApiError::invalid("cursor must be the value of `next` from an earlier page");
        text.parse().map_err(invalid)
    });
    let wanted = KeysQuery {
        // One more key shows whether another page follows.
        limit: limit + 1,
        after: after.transpose()?,
        with_ended: input.ended,
    };
    let found = app.store.read(access, wanted).await?;
    let (mut keys, mut bytes) = (Vec::new(), 0);
    for record in found.iter().take(limit as usize) {
        let key = describe(app, access, record);
        bytes += serde_json::to_vec(&key).map_or(0, |key| key.len());
        if bytes > MAX_PAGE && !keys.is_empty() {
            break;
        }
        keys.push(key);
    }
    let last = (keys.len() < found.len()).then(|| found.get(keys.len().wrapping_sub(1)));
    let next = last.flatten().map(|record| record.key_id.to_string());
    Ok(KeyList { keys, next })
}

/// Returns one key.
pub(super) async fn get_key(app: &App, call: Call, input: KeyRef) -> Result<Key, ApiError> {
    let key = app
        .store
        .read(&call.access, GetKey { id: input.id })
        .await?;
    Ok(describe(app, &call.access, &key))
}

/// Describes a stored key, including a last use that is not stored yet.
pub(super) fn describe(app: &App, access: &Access, key: &KeyRecord) -> Key {
    let projects = app.store.project_names(&key.grant.projects);
    let last_used = app.keys.used.latest(key.key_id, key.last_used);
    key.describe(projects, key.state(access.key_time()), last_used)
}

fn find_projects(app: &App, access: &Access, names: ProjectNames) -> Result<Projects, ApiError> {
    let names = match names {
        ProjectNames::All => return Ok(Projects::All),
        ProjectNames::Only(names) if names.is_empty() => {
            return Err(ApiError::invalid(
                "projects is empty; specify at least one project or use \"all\"",
            ));
        }
        ProjectNames::Only(names) => names,
    };
    let reach = &access.record().grant.projects;
    names
        .iter()
        .map(|name| {
            app.store
                .project_by_name(name)
                .filter(|project| reach.contains(project.id))
                .map(|project| project.id)
                .ok_or_else(|| {
                    ApiError::not_found(format!("project \"{}\" not found", quote(name)))
                })
        })
        .collect::<Result<_, _>>()
        .map(Projects::Only)
}

/// Truncates a time to the stored precision, so that the first response has the same time as later ones.
pub(super) fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Parses the name of an owner and returns its stored spelling. `what` names the member of the request.
pub(super) fn owner_name(app: &App, what: &str, text: &str) -> Result<String, ApiError> {
    let name = owner_name::parse(text).ok_or_else(|| {
        let rule = owner_name::RULE;
        ApiError::invalid(format!("{what} must have {rule}"))
    })?;
    Ok(app.store.stored_owner(name))
}

/// Trims a text and checks that it has 1 to `most` characters on one line. `what` names the member of the request.
pub(super) fn one_line(what: &str, text: &str, most: usize) -> Result<String, ApiError> {
    let text = text.trim();
    let fits = (1..=most).contains(&text.chars().count());
    (fits && !text.contains(char::is_control))
        .then(|| text.to_owned())
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "{what} must have 1 to {most} characters on one line"
            ))
        })
}

#[cfg(test)]
mod tests;
