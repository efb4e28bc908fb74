use std::path::Path;

use hh_sdk::HoneyHive;
use hh_sdk::api::types::{CreateKey, ProjectNames};
use hh_sdk::auth::Level;
use hh_sdk::config::Env;
use hh_server::{Server, ServerOptions};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A server for one test, with its admin key.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) admin_key: String,
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
    _dir: TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join("admin.key");
        let options = ServerOptions::new(dir.path().join("data"))
            .with_bind(([127, 0, 0, 1], 0).into())
            .with_organization("Test Company")
            .with_admin("admin@example.com")
            .with_admin_key_file(key_file.clone());
        let server = Server::start(options).await.unwrap();
        let url = format!("http://{}", server.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async move {
            stopped.await.ok();
        }));
        Self {
            url,
            admin_key: std::fs::read_to_string(key_file).unwrap().trim().to_owned(),
            stop: Some(stop),
            task: Some(task),
            _dir: dir,
        }
    }

    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }

    /// Returns a client with an empty environment.
    pub(crate) fn client(&self, key: &str) -> HoneyHive {
        HoneyHive::builder()
            .with_env(empty_env())
            .with_base_url(&self.url)
            .with_api_key(key.to_owned())
            .build()
            .unwrap()
    }

    /// Creates a key with a level for one project.
    pub(crate) async fn key(&self, level: Level, project: &str) -> String {
        let created = self
            .client(&self.admin_key)
            .create_key(&CreateKey {
                name: format!("{level} of {project}"),
                level,
                projects: ProjectNames::Only(vec![project.to_owned()]),
                expires_at: None,
                owner: None,
                note: None,
            })
            .await
            .unwrap();
        reveal(&created.secret)
    }
}

pub(crate) fn empty_env() -> Env {
    Env::from_pairs::<&str, &str>([])
}

#[expect(clippy::disallowed_methods, reason = "the tests pass keys to clients")]
pub(crate) fn reveal(secret: &secrecy::SecretString) -> String {
    use secrecy::ExposeSecret as _;
    secret.expose_secret().to_owned()
}

pub(crate) fn env_with_home(home: &Path) -> Env {
    Env::from_pairs([("HOME", home.as_os_str())])
}
