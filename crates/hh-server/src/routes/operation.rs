//! Decodes and runs one operation, independent of its types.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use hh_api::{
    Batch, BatchInput, BodyKind, DecodeError, DecodeErrorKind, Decoded, Endpoint, Requirement,
    Route,
};
use hh_auth::Need;
use http::{Response, Uri};

use super::call::Call;
use crate::app::App;
use crate::http::error::ApiError;

pub(super) type HandlerResult = Result<Response<Body>, ApiError>;

/// Runs an operation with the input that it was decoded with.
pub(super) type Run = Box<dyn FnOnce(Arc<App>, Call) -> BoxFuture<'static, HandlerResult> + Send>;

/// How the JSON of a body is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Strict,
    /// Unusual values are accepted, because the client may not be able to send the data again.
    Tolerant,
    /// Like `Tolerant`, and the items are decoded one by one.
    Batch,
}

/// The part of a handler that depends on the types of its operation. It is compiled for every operation, so everything
/// else is outside of it.
pub(super) trait Operation: Send + Sync {
    fn reading(&self) -> Reading;

    fn decode(&self, route: &Route, uri: &Uri, body: &[u8]) -> Result<Decoded<Run>, DecodeError>;

    /// Decodes an input that is JSON text in a string.
    fn decode_text(&self, route: &Route, text: &str) -> Result<Run, DecodeErrorKind>;
}

/// An operation with the function that handles it and the one that renders its output.
pub(super) struct Typed<E, F, T> {
    run: F,
    render: fn(T) -> Response<Body>,
    endpoint: PhantomData<fn() -> E>,
}

impl<E, F, Fut, T> Typed<E, F, T>
where
    E: Endpoint,
    F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send + 'static,
    T: 'static,
{
    /// Operations that create data accept unusual values.
    const IS_TOLERANT: bool = matches!(E::OPERATION.need, Requirement::Need(Need::Ingest));

    pub(super) fn new(run: F, render: fn(T) -> Response<Body>) -> Self {
        Self {
            run,
            render,
            endpoint: PhantomData,
        }
    }

    fn with(&self, input: E::Input) -> Run {
        let (run, render) = (self.run, self.render);
        Box::new(move |app, call| run(app, call, input).map_ok(render).boxed())
    }
}

impl<E, F, Fut, T> Operation for Typed<E, F, T>
where
    E: Endpoint,
    F: Fn(Arc<App>, Call, E::Input) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send + 'static,
    T: 'static,
{
    fn reading(&self) -> Reading {
        if Self::IS_TOLERANT {
            Reading::Tolerant
        } else {
            Reading::Strict
        }
    }

    fn decode(&self, route: &Route, uri: &Uri, body: &[u8]) -> Result<Decoded<Run>, DecodeError> {
        let decoded = if Self::IS_TOLERANT {
            let has_input = matches!(route.body, BodyKind::Json | BodyKind::Optional);
            let body = if has_input { body } else { b"{}" };
            route.decode_tolerantly(uri.path(), body)?
        } else {
            route.decode(uri.path(), uri.query(), body)?
        };
        Ok(match decoded {
            Decoded::Value(input) => Decoded::Value(self.with(input)),
            Decoded::Text(text) => Decoded::Text(text),
        })
    }

    fn decode_text(&self, route: &Route, text: &str) -> Result<Run, DecodeErrorKind> {
        let decoded = if Self::IS_TOLERANT {
            route.decode_text_tolerantly(text)
        } else {
            route.decode_text(text)
        };
        decoded.map(|input| self.with(input))
    }
}

/// An operation on a batch with the function that handles it.
pub(super) struct TypedBatch<E, F> {
    run: F,
    endpoint: PhantomData<fn() -> E>,
}

impl<E, F> TypedBatch<E, F> {
    pub(super) fn new(run: F) -> Self {
        Self {
            run,
            endpoint: PhantomData,
        }
    }
}

impl<E, F, Fut> Operation for TypedBatch<E, F>
where
    E: Endpoint,
    E::Input: BatchInput,
    <E::Input as BatchInput>::Item: Send,
    F: Fn(Arc<App>, Call, Batch<E::Input>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
{
    fn reading(&self) -> Reading {
        Reading::Batch
    }

    fn decode(&self, route: &Route, uri: &Uri, body: &[u8]) -> Result<Decoded<Run>, DecodeError> {
        let batch = route.decode_batch(uri.path(), body)?;
        let run = self.run;
        Ok(Decoded::Value(Box::new(move |app, call| {
            run(app, call, batch).boxed()
        })))
    }

    fn decode_text(&self, _: &Route, _: &str) -> Result<Run, DecodeErrorKind> {
        Err(DecodeErrorKind::WrongType)
    }
}
