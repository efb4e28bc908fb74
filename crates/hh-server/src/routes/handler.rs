//! Connects a route to its handler: checks the key, decodes the request and counts the memory of the response.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hh_api::{Batch, BatchInput, Endpoint, Requirement, Route};
use hh_auth::Need;
use http::{Request, Response};
use serde::Serialize;

use super::call::Call;
use super::request::{self, Reading};
use crate::app::App;
use crate::auth::{Access, authorize};
use crate::http::error::{ApiError, json, json_bytes};
use crate::http::response_budget;

/// The output of an operation as a response that is already rendered.
pub(crate) struct Rendered<T> {
    response: Response<Body>,
    output: PhantomData<fn() -> T>,
}

impl<T: Serialize> Rendered<T> {
    pub(super) fn value(output: &T) -> Self {
        Self::response(json(output))
    }

    pub(super) fn json(bytes: Vec<u8>) -> Self {
        Self::response(json_bytes(bytes))
    }

    pub(super) fn response(response: Response<Body>) -> Self {
        Self {
            response,
            output: PhantomData,
        }
    }
}

/// The id of the key that sent a request, for the request log.
#[derive(Clone)]
pub(crate) struct KeyId(pub(crate) String);

type HandlerResult = Result<Response<Body>, ApiError>;
type HandlerFn = dyn Fn(Arc<App>, &'static Route, Request<Body>) -> BoxFuture<'static, HandlerResult>
    + Send
    + Sync;

/// The handler of one operation.
#[derive(Clone)]
pub(crate) struct Handler(Arc<HandlerFn>);

impl Handler {
    /// Returns a handler for an operation that requires no key.
    pub(crate) fn open<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint,
        F: Fn(Arc<App>, (), E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        const { assert!(matches!(E::OPERATION.need, Requirement::Open)) };
        Self(Arc::new(move |app, route, request| {
            async move {
                let input = request::decode_members::<E::Input>(route, request.uri())?;
                Ok(run(app, (), input).await?.response)
            }
            .boxed()
        }))
    }

    /// Returns a handler whose output is rendered as JSON.
    pub(super) fn json<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<E::Output, ApiError>> + Send + 'static,
    {
        Self::guarded::<E, _, _, _>(run, |output| json(&output))
    }

    /// Returns a handler that renders its output itself.
    pub(super) fn rendered<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        Self::guarded::<E, _, _, _>(run, |output| output.response)
    }

    /// Returns a handler that checks the key first.
    fn guarded<E, F, Fut, T>(run: F, render: fn(T) -> Response<Body>) -> Self
    where
        E: Endpoint,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<T, ApiError>> + Send + 'static,
        T: 'static,
    {
        const { assert!(!matches!(E::OPERATION.need, Requirement::Open)) };
        Self(Arc::new(move |app, route, request| {
            async move {
                let (parts, body) = request.into_parts();
                let access = authorize(&app, E::OPERATION.need, route, &parts).await?;
                let handled = async {
                    let reading = const { reading_of(E::OPERATION.need) };
                    let (call, input) = request::read::<E::Input>(
                        &app,
                        access.clone(),
                        (route, reading),
                        parts,
                        body,
                    )
                    .await?;
                    let output = run(Arc::clone(&app), call, input).await?;
                    response_budget::count(&app, &access, render(output)).await
                };
                finish(&app, &access, handled.await)
            }
            .boxed()
        }))
    }

    /// Returns a handler of a batch, whose items are decoded one by one. It renders its output itself.
    pub(super) fn batch<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint,
        E::Input: BatchInput,
        <E::Input as BatchInput>::Item: Send,
        F: Fn(Arc<App>, Call, Batch<E::Input>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        const { assert!(matches!(E::OPERATION.need, Requirement::Need(Need::Ingest))) };
        Self(Arc::new(move |app, route, request| {
            async move {
                let (parts, body) = request.into_parts();
                let access = authorize(&app, E::OPERATION.need, route, &parts).await?;
                let handled = async {
                    let (call, batch) =
                        request::read_batch(&app, access.clone(), route, parts, body).await?;
                    let output = run(Arc::clone(&app), call, batch).await?;
                    response_budget::count(&app, &access, output.response).await
                };
                finish(&app, &access, handled.await)
            }
            .boxed()
        }))
    }

    /// Handles one request.
    pub(crate) fn handle(
        &self,
        app: Arc<App>,
        route: &'static Route,
        request: Request<Body>,
    ) -> BoxFuture<'static, HandlerResult> {
        (self.0)(app, route, request)
    }
}

/// Returns how the body of an operation is decoded. Operations that create data accept unusual values.
const fn reading_of(need: Requirement) -> Reading {
    if matches!(need, Requirement::Need(Need::Ingest)) {
        Reading::Tolerant
    } else {
        Reading::Strict
    }
}

/// Adds the key to an error, or to the response for the request log.
fn finish(app: &App, access: &Access, handled: HandlerResult) -> HandlerResult {
    let mut response = handled.map_err(|error| error.with_key(&access.record().id))?;
    if app.has_access_log {
        response
            .extensions_mut()
            .insert(KeyId(access.record().id.clone()));
    }
    Ok(response)
}
