//! A complete server without a socket, with a clock that tests control.

mod log;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use hh_config::Env;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::ServerOptions;
use crate::app::App;
use crate::http::router::router;
use crate::start::{DirLock, FirstKey, open};
pub(crate) use log::{line_of, log};

/// Returns how many times a test runs: the value of a variable, or else `usual`.
pub(crate) fn repetitions(variable: &str, usual: u32) -> u32 {
    let env = Env::from_process();
    let asked = env.get(variable).and_then(|text| text.to_str());
    asked.map_or(usual, |text| text.parse().unwrap())
}

/// A server that runs in the process of a test.
pub(crate) struct InProcess {
    pub(crate) app: Arc<App>,
    router: TowerToHyperService<Router>,
    pub(crate) admin: String,
    pub(crate) runtime: Runtime,
    dir: TempDir,
    lock: DirLock,
}

impl InProcess {
    /// Starts a server with an empty data directory.
    pub(crate) fn start() -> Self {
        Self::open(tempfile::tempdir().unwrap(), None)
    }

    /// Stops the server and starts it again, as a new process would.
    pub(crate) fn restart(self) -> Self {
        self.runtime.block_on(self.app.store.close());
        let Self {
            app,
            router,
            admin,
            runtime,
            dir,
            lock,
        } = self;
        drop((app, router, runtime, lock));
        Self::open(dir, Some(admin))
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test sends the key in a header that it creates"
    )]
    fn open(dir: TempDir, admin: Option<String>) -> Self {
        let settings = ServerOptions::new(dir.path().join("data")).settings();
        let (app, first, lock) = open(settings.unwrap()).unwrap();
        let admin = match first {
            Some(FirstKey::Show { key, .. }) => key.secret().expose_secret().to_owned(),
            Some(FirstKey::InFile { .. }) | None => admin.unwrap(),
        };
        let app = Arc::new(app);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        Self {
            router: TowerToHyperService::new(router(&app)),
            app,
            admin,
            runtime,
            dir,
            lock,
        }
    }

    /// Sends one request; a null body means none.
    pub(crate) fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.runtime.block_on(self.send(key, method, path, body))
    }

    /// Sends one request like [`InProcess::call`], for several requests at the same time.
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
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        let response = self.router.call(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}
