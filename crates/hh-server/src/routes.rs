//! Handlers: parse, call the store, render. No SQL, no check of keys.

mod events;
mod keys;
mod owners;
mod projects;
mod rotation;
mod traces;

use axum::body::Body;
use hh_api::OpId;
use hh_api::types::Whoami;
use http::{Request, Response, Uri};
use serde::de::DeserializeOwned;

pub(crate) use events::{export_events, start_session, update_event};
pub(crate) use keys::{create_key, get_key, list_keys};
pub(crate) use owners::{create_owner, disable_owner, list_owners};
pub(crate) use projects::{create_project, list_projects};
pub(crate) use rotation::{revoke_key, rotate_key};
pub(crate) use traces::export_traces;

use crate::access::Access;
use crate::app::App;
use crate::body::{Held, Reservation};
use crate::error::{ApiError, json};
use crate::quote::quote;
use crate::{body, shape};

/// Answers an operation that needs no key; health is the only one.
pub(crate) fn open(op: OpId) -> Response<Body> {
    debug_assert_eq!(op, OpId::Health);
    json(&serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Tells who the key acts for.
pub(crate) fn whoami(app: &App, access: &Access) -> Response<Body> {
    let record = access.record();
    let projects = app.store.project_names(&record.grant.projects);
    let key = record.describe(projects, access.key_time());
    json(&Whoami {
        principal: key.owner.clone(),
        organization: app.store.catalog().meta().organization,
        permissions: key.level.title().to_owned(),
        key,
    })
}

/// The levels of nesting that a body may have. What is stored comes back two levels deeper in a list of events, and
/// JSON parsers stop at 128.
const MAX_DEPTH: usize = 100;

/// Bodies above this take longer to read than other connections of the same thread should wait.
const SMALL: usize = 64 * 1024;

/// Does work on another thread if it is large.
async fn aside<T: Send + 'static>(
    app: &App,
    is_large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    if !is_large {
        return Ok(work());
    }
    app.large_work.run(work).await
}

/// Reads a JSON body; its share of the budget comes with it.
async fn read_json<T: DeserializeOwned + Send + 'static>(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<(T, Reservation), ApiError> {
    let (parts, body) = request.into_parts();
    let held = body::read(app, access, &parts.headers, body).await?;
    aside(app, held.bytes.len() > SMALL, || parse(held)).await?
}

/// Reads a JSON body that may be left away.
async fn read_json_or_default<T: DeserializeOwned + Default + Send + 'static>(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<(T, Reservation), ApiError> {
    let (parts, body) = request.into_parts();
    let held = body::read(app, access, &parts.headers, body).await?;
    if held.bytes.is_empty() {
        return Ok((T::default(), held.reservation));
    }
    aside(app, held.bytes.len() > SMALL, || parse(held)).await?
}

fn parse<T: DeserializeOwned>(mut held: Held) -> Result<(T, Reservation), ApiError> {
    let shape = shape::json(&held.bytes);
    if shape.depth > MAX_DEPTH {
        return Err(ApiError::invalid(format!(
            "the body is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    held.reserve_values(shape)?;
    let value = serde_json::from_slice(&held.bytes).map_err(|error| {
        // What serde says quotes values of the body; the names of members and its place are enough.
        let what = if error.is_data() {
            data_error(&error.to_string())
        } else {
            "is not JSON".to_owned()
        };
        ApiError::invalid(format!(
            "the body {what} (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    Ok((value, held.reservation))
}

/// Keeps of a serde message what names members and never values.
fn data_error(message: &str) -> String {
    let safe = ["missing field", "projects must be", "level must be"];
    if let Some(unknown) = message.strip_prefix("unknown field `") {
        // The name is the client's; what is expected instead is ours and comes last.
        let (name, expected) = unknown.rsplit_once("`, ").unwrap_or((unknown, ""));
        let expected = expected.split(" at line ").next().unwrap_or_default();
        let text = format!("unknown field \"{}\", {expected}", quote(name));
        format!(
            "is not what this operation takes: {}",
            text.replace('`', "\"")
        )
    } else if safe.iter().any(|start| message.starts_with(start)) {
        let text = message.split(" at line ").next().unwrap_or(message);
        format!(
            "is not what this operation takes: {}",
            text.replace('`', "\"")
        )
    } else {
        "is not what this operation takes: a member has the wrong type".to_owned()
    }
}

/// Reads the segment of the path where the operation has its `{id}`; empty if it has none.
pub(crate) fn id_of(op: OpId, uri: &Uri) -> &str {
    let mut pattern = op.operation().path.split('/');
    let at = pattern.position(|segment| segment == "{id}");
    at.and_then(|at| uri.path().split('/').nth(at))
        .unwrap_or_default()
}

/// Reads one parameter of the query, decoded.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| percent_decode(value))
    })
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let value = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|digits| crate::hex::decode(digits)?.pop());
                match value {
                    Some(value) => {
                        bytes.push(value);
                        rest = after;
                    }
                    None => bytes.push(b'%'),
                }
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
