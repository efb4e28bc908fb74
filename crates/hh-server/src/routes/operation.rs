//! Decodes and runs one operation, independent of its types.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use hh_api::{DecodeError, DecodeErrorKind, Decoded, Endpoint, Route};
use http::{Response, Uri};

use super::call::Call;
use crate::app::App;
use crate::http::error::ApiError;

pub(super) type HandlerResult = Result<Response<Body>, ApiError>;

/// Runs an operation with the input that it was decoded with.
pub(super) type Run = Box<dyn FnOnce(Arc<App>, Call) -> BoxFuture<'static, HandlerResult> + Send>;

/// The part of a handler that depends on the types of its operation. It is compiled for every operation, so everything
/// else is outside of it.
pub(super) trait Operation: Send + Sync {
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
    fn decode(&self, route: &Route, uri: &Uri, body: &[u8]) -> Result<Decoded<Run>, DecodeError> {
        Ok(match route.decode(uri.path(), uri.query(), body)? {
            Decoded::Value(input) => Decoded::Value(self.with(input)),
            Decoded::Text(text) => Decoded::Text(text),
        })
    }

    fn decode_text(&self, route: &Route, text: &str) -> Result<Run, DecodeErrorKind> {
        route.decode_text(text).map(|input| self.with(input))
    }
}
