//! Connects a route to its handler: checks the key, decodes the request and counts the memory of the response.

use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use hh_api::{Batch, BatchInput, Endpoint, Requirement, Route};
use hh_auth::Need;
use http::{Request, Response, Uri};
use serde::Serialize;

use super::call::Call;
use super::operation::{HandlerResult, Operation, Typed, TypedBatch};
use super::request;
use crate::app::App;
use crate::auth::authorize;
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

type OpenFn =
    dyn Fn(Arc<App>, &'static Route, &Uri) -> BoxFuture<'static, HandlerResult> + Send + Sync;

/// The handler of one operation.
#[derive(Clone)]
pub(crate) struct Handler(Kind);

#[derive(Clone)]
enum Kind {
    /// Of an operation that requires no key.
    Open(Arc<OpenFn>),
    /// Of an operation that requires a key.
    Guarded(Requirement, Arc<dyn Operation>),
}

impl Handler {
    /// Returns a handler for an operation that requires no key.
    pub(crate) fn open<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint,
        F: Fn(Arc<App>, (), E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        const { assert!(matches!(E::OPERATION.need, Requirement::Open)) };
        Self(Kind::Open(Arc::new(
            move |app, route, uri| match request::decoded_members(route.decode(
                uri.path(),
                uri.query(),
                b"",
            )) {
                Ok(input) => run(app, (), input).map_ok(|output| output.response).boxed(),
                Err(error) => ready(Err(error)).boxed(),
            },
        )))
    }

    /// Returns a handler whose output is rendered as JSON.
    pub(super) fn json<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint + 'static,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<E::Output, ApiError>> + Send + 'static,
    {
        Self::guarded::<E, _, _, _>(run, |output| json(&output))
    }

    /// Returns a handler that renders its output itself.
    pub(super) fn rendered<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint + 'static,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        Self::guarded::<E, _, _, _>(run, |output| output.response)
    }

    /// Returns a handler that checks the key first.
    fn guarded<E, F, Fut, T>(run: F, render: fn(T) -> Response<Body>) -> Self
    where
        E: Endpoint + 'static,
        F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<T, ApiError>> + Send + 'static,
        T: 'static,
    {
        const { assert!(!matches!(E::OPERATION.need, Requirement::Open)) };
        let operation = Typed::<E, F, T>::new(run, render);
        Self(Kind::Guarded(E::OPERATION.need, Arc::new(operation)))
    }

    /// Returns a handler of a batch, whose items are decoded one by one. It renders its output itself.
    pub(super) fn batch<E, F, Fut>(run: F) -> Self
    where
        E: Endpoint + 'static,
        E::Input: BatchInput,
        <E::Input as BatchInput>::Item: Send,
        F: Fn(Arc<App>, Call, Batch<E::Input>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered<E::Output>, ApiError>> + Send + 'static,
    {
        const { assert!(matches!(E::OPERATION.need, Requirement::Need(Need::Ingest))) };
        let operation = TypedBatch::<E, _>::new(move |app, call, batch| {
            run(app, call, batch).map_ok(|output| output.response)
        });
        Self(Kind::Guarded(E::OPERATION.need, Arc::new(operation)))
    }

    /// Handles one request.
    pub(crate) async fn handle(
        &self,
        app: Arc<App>,
        route: &'static Route,
        request: Request<Body>,
    ) -> HandlerResult {
        let (need, operation) = match &self.0 {
            Kind::Open(run) => return run(app, route, request.uri()).await,
            Kind::Guarded(need, operation) => (*need, operation),
        };
        let (parts, body) = request.into_parts();
        let access = authorize(&app, need, route, &parts).await?;
        let handled = async {
            let (call, run) =
                request::read(&app, access.clone(), operation, route, parts, body).await?;
            let response = run(Arc::clone(&app), call).await?;
            response_budget::count(&app, &access, response).await
        };
        let mut response = handled
            .await
            .map_err(|error| error.with_key(&access.record().id))?;
        if app.has_access_log {
            let key_id = KeyId(access.record().id.clone());
            response.extensions_mut().insert(key_id);
        }
        Ok(response)
    }
}
