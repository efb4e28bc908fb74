//! The routes: a loop over the operation table, and the wrapper that every request passes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, on};
use futures_util::FutureExt as _;
use hh_api::{Method, OpId};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::access::authorize;
use crate::app::App;
use crate::error::ApiError;
use crate::{response_budget, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Builds the routes of every operation.
#[expect(
    clippy::disallowed_methods,
    reason = "the one loop that makes routes out of the operation table"
)]
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for op in OpId::ALL {
        let operation = op.operation();
        let method = match operation.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Delete => MethodFilter::DELETE,
        };
        let app = Arc::clone(app);
        let handler = move |request| serve(Arc::clone(&app), op, request);
        router = router.route(operation.path, on(method, handler));
    }
    let (none, wrong) = (Arc::clone(app), Arc::clone(app));
    router
        .fallback(move |request: Request<Body>| async move {
            let error = ApiError::not_found("there is no such path on this server");
            refuse(&none, &request, error)
        })
        .method_not_allowed_fallback(move |request: Request<Body>| async move {
            let message = "this path does not take this method";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let error = ApiError::new(status, "METHOD_NOT_ALLOWED", message);
            refuse(&wrong, &request, error)
        })
}

/// Answers a request that is none of the operations.
fn refuse(app: &App, request: &Request<Body>, error: ApiError) -> Response<Body> {
    let error = check_headers(request.headers()).err().unwrap_or(error);
    let request_id = app.request_ids.next();
    let mut response = error.into_response(&request_id);
    name(&mut response, &request_id);
    response
}

/// Rejects a request that names its host or its key twice: a proxy may have read the other one.
fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    for name in [AUTHORIZATION, HOST] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let message = format!("the request has more than one {name} header; send one");
            return Err(ApiError::invalid(message));
        }
    }
    Ok(())
}

fn name(response: &mut Response<Body>, request_id: &str) {
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// Checks, handles and renders one request; a panic in it is an answer 500, not a lost connection.
async fn serve(app: Arc<App>, op: OpId, request: Request<Body>) -> Response<Body> {
    let request_id = app.request_ids.next();
    let handled = AssertUnwindSafe(handle(&app, op, request)).catch_unwind();
    let mut response = match handled.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(&request_id),
        Err(_) => ApiError::internal().into_response(&request_id),
    };
    name(&mut response, &request_id);
    response
}

async fn handle(
    app: &Arc<App>,
    op: OpId,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    check_headers(request.headers())?;
    let (parts, body) = request.into_parts();
    let access = authorize(app, op, &parts).await?;
    let id = routes::id_of(op, &parts.uri).to_owned();
    let request = Request::from_parts(parts, body);
    let Some(access) = access else {
        return Ok(routes::open(op));
    };
    let response = match op {
        OpId::Health => Ok(routes::open(op)),
        OpId::Whoami => Ok(routes::whoami(app, &access)),
        OpId::CreateKey => routes::create_key(app, &access, request).await,
        OpId::ListKeys => routes::list_keys(app, &access, request.uri()).await,
        OpId::GetKey => routes::get_key(app, &access, &id).await,
        OpId::RevokeKey => routes::revoke_key(app, &access, &id).await,
        OpId::RotateKey => routes::rotate_key(app, &access, &id, request).await,
        OpId::CreateOwner => routes::create_owner(app, &access, request).await,
        OpId::ListOwners => routes::list_owners(app, &access).await,
        OpId::DisableOwner => routes::disable_owner(app, &access, &id).await,
        OpId::CreateProject => routes::create_project(app, &access, request).await,
        OpId::ListProjects => Ok(routes::list_projects(app, &access, request.uri())),
        OpId::StartSession => routes::start_session(app, &access, request).await,
        OpId::ExportTraces => routes::export_traces(app, &access, request).await,
        OpId::ExportEvents => routes::export_events(app, &access, request).await,
        OpId::UpdateEvent => routes::update_event(app, &access, request).await,
    };
    response_budget::count(app, &access, response?).await
}
