//! Creates the routes from the operation table, and handles what all requests have in common: request ids, header
//! checks, logging and panics.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, on};
use hh_api::{BodyKind, Method, OpId, Route};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::request_log::RequestLog;
use crate::otlp::Encoding;
use crate::panics;
use crate::routes::{self, Handler, KeyId};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Creates the routes of every operation.
#[expect(
    clippy::disallowed_methods,
    reason = "this loop creates the routes from the operation table; no other code adds routes"
)]
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for op in OpId::ALL {
        let handler = routes::handler(op);
        for route in op.operation().routes {
            let method = match route.method {
                Method::Get => MethodFilter::GET,
                Method::Post => MethodFilter::POST,
                Method::Put => MethodFilter::PUT,
                Method::Patch => MethodFilter::PATCH,
                Method::Delete => MethodFilter::DELETE,
            };
            let (app, handler) = (Arc::clone(app), handler.clone());
            let serve = move |request| serve(Arc::clone(&app), handler.clone(), route, request);
            router = router.route(route.path, on(method, serve.clone()));
            // Exporters whose endpoint ends with a slash send it too.
            if route.body == BodyKind::Otlp {
                router = router.route(&format!("{}/", route.path), on(method, serve));
            }
        }
    }
    let (none, wrong) = (Arc::clone(app), Arc::clone(app));
    router
        .fallback(move |request: Request<Body>| async move {
            let error = ApiError::not_found("path not found");
            refuse(&none, &request, error)
        })
        .method_not_allowed_fallback(move |request: Request<Body>| async move {
            if let Some(response) = wrong.cors_origins.preflight(&request) {
                return response;
            }
            let message = "method not allowed";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let error = ApiError::new(status, "METHOD_NOT_ALLOWED", message);
            refuse(&wrong, &request, error)
        })
}

/// Logs a request that matches no route, and returns the error response.
fn refuse(app: &App, request: &Request<Body>, error: ApiError) -> Response<Body> {
    let error = check_headers(request.headers()).err().unwrap_or(error);
    let request_id = app.request_ids.next();
    let logged = RequestLog {
        request_id: &request_id,
        method: request.method(),
        path: None,
    };
    logged.failed(&error);
    let mut response = error.into_response(&request_id);
    set_request_id(&mut response, &request_id);
    let cors = app.cors_origins.for_request(request.headers());
    cors.apply(&mut response);
    response
}

/// Rejects a request with more than one `Host` or `Authorization` header. A proxy in front of the server may have used
/// one of them, and the server another one.
fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    for name in [AUTHORIZATION, HOST] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let message = format!("the request has more than one {name} header; send only one");
            return Err(ApiError::invalid(message));
        }
    }
    Ok(())
}

fn set_request_id(response: &mut Response<Body>, request_id: &str) {
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// Handles one request. A panic becomes a response with status 500 instead of a closed connection.
async fn serve(
    app: Arc<App>,
    handler: Handler,
    route: &'static Route,
    request: Request<Body>,
) -> Response<Body> {
    let request_id = app.request_ids.next();
    let method = request.method().clone();
    let logged = RequestLog {
        request_id: &request_id,
        method: &method,
        path: Some(route.path),
    };
    let started = app.has_access_log.then(Instant::now);
    let cors = app.cors_origins.for_request(request.headers());
    let error_encoding = match route.body {
        BodyKind::Otlp => Encoding::of_error(request.headers()),
        BodyKind::None | BodyKind::Json | BodyKind::Optional => Encoding::Json,
    };
    let response = panics::catch_async(async {
        check_headers(request.headers())?;
        handler.handle(app, route, request).await
    });
    let response = match response.await {
        Ok(result) => result,
        Err(cause) => Err(ApiError::internal().with_cause(cause)),
    };
    let mut response = match response {
        Ok(response) => {
            if let Some(started) = started {
                let key = response.extensions().get::<KeyId>();
                let key = key.map(|id| id.0.as_str());
                logged.succeeded(response.status().as_u16(), key, started.elapsed());
            }
            response
        }
        Err(error) => {
            logged.failed(&error);
            match error_encoding {
                Encoding::Protobuf => error.into_protobuf_response(&request_id),
                Encoding::Json => error.into_response(&request_id),
            }
        }
    };
    set_request_id(&mut response, &request_id);
    cors.apply(&mut response);
    response
}

#[cfg(test)]
mod tests;
