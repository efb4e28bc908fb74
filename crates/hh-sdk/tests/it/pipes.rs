//! Settings from named pipes, which can be read only once, although a client loads settings again.

use std::process::Command;
use std::time::{Duration, Instant};

use hh_sdk::config::{Env, names};
use hh_sdk::{ErrorKind, HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::HttpServer;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const LONG: Duration = Duration::from_secs(20);
/// A second read of a pipe would take 10 s.
const SHORT: Duration = Duration::from_secs(8);

/// A directory with named pipes, each of which is written once.
struct Pipes(tempfile::TempDir);

impl Pipes {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let (writer, text) = (path.clone(), text.to_owned());
        std::thread::spawn(move || hh_testing::write(writer, text));
        path.display().to_string()
    }
}

/// Returns a server that rejects the key of every request.
fn rejecting() -> HttpServer {
    HttpServer::start([("401 Unauthorized", br#"{"message": "no"}"#.to_vec())])
}

fn bearers(server: &HttpServer) -> Vec<String> {
    let requests = server.take_requests();
    let bearers = requests.iter().map(|request| request.bearer().unwrap());
    bearers.map(str::to_owned).collect()
}

/// A rejected key is loaded again, and so are all settings.
#[tokio::test]
async fn a_client_reads_each_pipe_once() {
    for name in ["a.env", "a.yaml", "key"] {
        let (pipes, server, start) = (Pipes::new(), rejecting(), Instant::now());
        let (variable, text) = match name {
            "a.env" => ("HH_ENV_FILE", format!("HH_API_KEY={KEY}\n")),
            "a.yaml" => ("HH_CONFIG_FILE", format!("api_key: {KEY}\n")),
            _ => ("HH_API_KEY_FILE", format!("{KEY}\n")),
        };
        let pipe = pipes.add(name, &text);
        let client = HoneyHive::builder()
            .with_env(Env::from_pairs([(variable, pipe)]))
            .with_base_url(server.url())
            .build()
            .unwrap();
        for _ in 0..2 {
            let error = client.list_projects().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        }
        let bearers = bearers(&server);
        assert!(bearers.len() >= 2 && bearers.iter().all(|key| key == KEY));
        assert!(start.elapsed() < SHORT, "{name}");
    }
}

#[test]
fn a_tracer_reads_each_pipe_once() {
    let (pipes, start) = (Pipes::new(), Instant::now());
    let server = HttpServer::start([
        ("401 Unauthorized", b"{}".to_vec()),
        ("200 OK", b"{}".to_vec()),
    ]);
    let key = pipes.add("key", &format!("\u{feff}{KEY}\n"));
    let text = format!(
        "OTHER=\"a\nb\"\nHH_API_KEY_FILE={key}\nHH_BASE_URL={}\n",
        server.url()
    );
    let tracer = HoneyHiveTracer::builder()
        .with_env(Env::from_pairs([("HOME", "/nonexistent")]))
        .with_env_file(pipes.add("a.env", &text))
        .with_project("docs")
        .build()
        .unwrap();
    tracer.span("s", SpanKind::Tool).start().end();
    // The first export is rejected, so that the key is loaded again.
    tracer.flush_blocking(LONG).ok();
    assert!(bearers(&server).iter().all(|key| key == KEY));
    assert!(start.elapsed() < SHORT);
}

#[test]
fn the_settings_of_one_set_of_options_are_read_once() {
    let (pipes, start) = (Pipes::new(), Instant::now());
    let pipe = pipes.add("a.env", &format!("HH_API_KEY={KEY}\nHH_PROJECT=docs\n"));
    let options = Options::new()
        .with_env(Env::from_pairs([("HOME", "/nonexistent")]))
        .with(names::ENV_FILE, pipe);
    for _ in 0..2 {
        let config = hh_sdk::get_config_with(&options).unwrap();
        assert_eq!(config.get("project"), Some("docs"));
        let credential = hh_sdk::load_credential(&options).unwrap();
        assert_eq!(credential.key.redacted(), "hh_12345***");
    }
    assert!(start.elapsed() < SHORT);
}
