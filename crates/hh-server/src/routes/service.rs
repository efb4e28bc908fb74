//! Handles the operations that describe the server and the key of a request.

use axum::body::Body;
use hh_api::types::{Empty, HealthStatus, Whoami};
use http::HeaderValue;
use http::Response;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{Call, Rendered};
use crate::app::App;
use crate::http::error::ApiError;

/// Returns the status and the version of the server.
#[expect(clippy::unused_async, reason = "handlers are asynchronous")]
pub(super) async fn health(_: &App, (): (), _: Empty) -> Result<Rendered<HealthStatus>, ApiError> {
    Ok(Rendered::value(&HealthStatus {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

/// Returns the OpenAPI document.
#[expect(clippy::unused_async, reason = "handlers are asynchronous")]
pub(super) async fn openapi(_: &App, (): (), _: Empty) -> Result<Rendered<Value>, ApiError> {
    let mut response = Response::new(Body::from(crate::OPENAPI));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(Rendered::response(response))
}

/// Returns the key of the request and the principal that it acts for.
#[expect(clippy::unused_async, reason = "handlers are asynchronous")]
pub(super) async fn whoami(app: &App, call: Call, _: Empty) -> Result<Whoami, ApiError> {
    let access = &call.access;
    let projects = app.store.project_names(&access.record().grant.projects);
    let key = access.describe(projects);
    Ok(Whoami {
        principal: key.owner.clone(),
        organization: app.store.catalog().meta().organization,
        permissions: key.level.title().to_owned(),
        key,
    })
}
