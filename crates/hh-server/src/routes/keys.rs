use axum::body::Body;
use hh_api::types::{CreateKey, CreatedKey, KeyList, KeyState, ProjectNames};
use hh_auth::{Grant, Projects, mint};
use http::{Request, Response};
use jiff::Timestamp;

use super::read_json;
use crate::access::Access;
use crate::app::App;
use crate::error::{ApiError, json};
use crate::keys::KeyRecord;
use crate::store::NewKey;

const MAX_NAME: usize = 100;

/// Mints a key that can do nothing that its issuer cannot.
pub(crate) async fn create_key(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (wanted, _hold) = read_json::<CreateKey>(app, request).await?;
    let name = one_line("name", &wanted.name)?;
    let owner = match &wanted.owner {
        Some(owner) => one_line("owner", owner)?,
        None => access.record().owner.clone(),
    };
    if wanted.expires_at.is_some_and(|end| end <= access.now()) {
        return Err(ApiError::invalid("expires_at is in the past"));
    }
    let grant = Grant {
        level: wanted.level,
        projects: find_projects(app, access, wanted.projects)?,
        expires: wanted.expires_at.map(whole_millis),
    };
    if !grant.is_within(&access.record().grant) {
        return Err(ApiError::forbidden(
            "a key cannot give what its issuer does not have: narrow its level, projects or expiry",
        ));
    }
    let minted = mint(wanted.level).map_err(|_| ApiError::internal())?;
    let key = NewKey {
        id: minted.id,
        digest: app.pepper.digest(&minted.key),
        shown: minted.key.shown(),
        name,
        owner,
        grant,
        created: whole_millis(access.now()),
    };
    let answer = CreatedKey {
        secret: minted.key.secret().clone(),
        key: hh_api::types::Key {
            id: key.id.clone(),
            name: key.name.clone(),
            shown: key.shown.clone(),
            level: key.grant.level,
            projects: app.store.project_names(&key.grant.projects),
            owner: hh_api::types::Principal::of(&key.owner),
            state: KeyState::Active,
            created_at: key.created,
            expires_at: key.grant.expires,
        },
    };
    app.store.insert_key(access, key).await?;
    Ok(json(&answer))
}

pub(crate) async fn list_keys(app: &App, access: &Access) -> Result<Response<Body>, ApiError> {
    let keys = app.store.list_keys(access).await?;
    let keys = keys.iter().map(|key| describe(app, access, key)).collect();
    Ok(json(&KeyList { keys }))
}

pub(crate) async fn get_key(
    app: &App,
    access: &Access,
    id: &str,
) -> Result<Response<Body>, ApiError> {
    let key = app.store.get_key(access, id).await?;
    Ok(json(&describe(app, access, &key)))
}

/// Revokes a key; when the answer is out, no request with it succeeds any more.
pub(crate) async fn revoke_key(
    app: &App,
    access: &Access,
    id: &str,
) -> Result<Response<Body>, ApiError> {
    let key = app.store.get_key(access, id).await?;
    let digest = app.store.revoke_key(access, &key).await?;
    app.keys.revoke(&digest);
    key.revoked
        .store(true, std::sync::atomic::Ordering::Release);
    Ok(json(&describe(app, access, &key)))
}

fn describe(app: &App, access: &Access, key: &KeyRecord) -> hh_api::types::Key {
    let projects = app.store.project_names(&key.grant.projects);
    key.describe(projects, access.now())
}

fn find_projects(app: &App, access: &Access, names: ProjectNames) -> Result<Projects, ApiError> {
    let names = match names {
        ProjectNames::All => return Ok(Projects::All),
        ProjectNames::Only(names) if names.is_empty() => {
            return Err(ApiError::invalid(
                "projects is empty, so the key would be of no use; name one or write \"all\"",
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
                .ok_or_else(|| ApiError::not_found(format!("there is no project \"{name}\"")))
        })
        .collect::<Result<_, _>>()
        .map(Projects::Only)
}

/// Cuts a time to what is stored of it, so that the first answer says what later ones do.
fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

fn one_line(what: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let fits = (1..=MAX_NAME).contains(&text.chars().count());
    (fits && !text.contains(char::is_control))
        .then(|| text.to_owned())
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "{what} must have 1 to {MAX_NAME} characters on one line"
            ))
        })
}
