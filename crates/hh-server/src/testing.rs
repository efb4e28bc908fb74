//! A whole server without its socket, and with a clock that tests move.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hh_config::Env;
use http::header::AUTHORIZATION;
use http::{Method, Request, Uri};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::ServerOptions;
use crate::app::App;
use crate::router::router;
use crate::start::{FirstKey, open};

/// The repetitions of a test, or as many as the variable asks for.
pub(crate) fn repetitions(variable: &str, usual: u32) -> u32 {
    let env = Env::from_process();
    let asked = env.get(variable).and_then(|text| text.to_str());
    asked.map_or(usual, |text| text.parse().unwrap())
}

pub(crate) struct InProcess {
    pub(crate) app: Arc<App>,
    router: TowerToHyperService<Router>,
    pub(crate) admin: String,
    pub(crate) runtime: Runtime,
    _dir: TempDir,
}

impl InProcess {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test sends the key in a header of its own making"
    )]
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = ServerOptions::new(dir.path().join("data")).settings();
        let (app, first, _) = open(settings.unwrap()).unwrap();
        let Some(FirstKey::Show { key, .. }) = first else {
            panic!("a first start shows a key");
        };
        let app = Arc::new(app);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        Self {
            router: TowerToHyperService::new(router(&app)),
            app,
            admin: key.secret().expose_secret().to_owned(),
            runtime,
            _dir: dir,
        }
    }

    /// Sends one request; the body is null for none.
    pub(crate) fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.runtime.block_on(self.send(key, method, path, body))
    }

    /// As [`InProcess::call`], for several requests at a time.
    pub(crate) async fn send(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = Request::new(if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        });
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = path.parse::<Uri>().unwrap();
        let value = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        let response = self.router.call(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}
