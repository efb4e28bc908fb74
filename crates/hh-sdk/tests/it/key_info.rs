//! What the server knows about the key in use.

use std::sync::atomic::{AtomicU32, Ordering};

use hh_sdk::api::types::{CreateKey, ProjectNames};
use hh_sdk::auth::{CreatedSource, Level, LevelSource};
use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHive, Options, get_key_info_with};
use hh_testing::{HttpServer, IdleListener, Request, write};
use serde_json::json;

use crate::network::KEY;
use crate::support::{TestServer, reveal};

const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// Returns a client with the key in the environment.
fn client(url: &str, key: &str) -> HoneyHive {
    let variables = [("HH_API_KEY", key), ("HH_BASE_URL", url)];
    let builder = HoneyHive::builder().with_env(Env::from_pairs(variables));
    builder.build().unwrap()
}

/// Returns the identity of a key of this age.
fn whoami(request: &Request, days: i64) -> (&'static str, Vec<u8>) {
    let created = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    let shown = format!("{}***", &request.bearer().unwrap()[..8]);
    let body = json!({
        "principal": {"type": "user", "name": "ada@example.com"},
        "organization": "Test Company",
        "permissions": "Read/Write",
        "key": {
            "id": format!("ID-{shown}"), "name": "build", "shown": shown, "level": "read_write",
            "projects": "all", "owner": {"type": "user", "name": "ada@example.com"},
            "state": "active", "created_at": created,
        },
    });
    ("200 OK", body.to_string().into_bytes())
}

// Features S99, S100, S101.
#[tokio::test]
async fn a_key_of_the_environment_has_the_level_and_the_age_that_the_server_reports() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let wanted = CreateKey {
        name: "build".to_owned(),
        level: Level::ReadOnly,
        projects: ProjectNames::All,
        expires_at: None,
        owner: Some("ci".to_owned()),
        note: None,
    };
    let created = admin.create_key(&wanted).await.unwrap();
    let key = reveal(&created.secret);
    let variables = [("HH_API_KEY", &*key), ("HH_BASE_URL", &server.url)];
    let options = Options::new().with_env(Env::from_pairs(variables));
    let local = get_key_info_with(&options).unwrap();
    assert_eq!((local.created, local.owner), (None, None));

    let client = client(&server.url, &key);
    let info = client.key_info().await.unwrap();
    assert_eq!(
        info.created,
        Some((created.key.created_at, CreatedSource::Server))
    );
    assert_eq!(info.level, Some((Level::ReadOnly, LevelSource::Server)));
    assert_eq!(info.id.as_ref(), Some(&created.key.id));
    assert_eq!(info.owner.as_deref(), Some("ci"));
    assert_eq!(info.redacted, local.redacted);
    assert_eq!(info.provenance.to_string(), "HH_API_KEY (environment)");
    let age = info.age(jiff::Timestamp::now()).unwrap();
    assert!(age.as_hours() < 24 * 90, "{age:?}");
    assert!(!format!("{info:?}{client:?}").contains(&key[8..]));
}

#[tokio::test]
async fn a_key_older_than_ninety_days_is_found_with_one_request() {
    let server = HttpServer::with(|request| whoami(request, 91));
    let client = client(server.url(), KEY);
    for client in [&client, &client.clone(), &client] {
        let info = client.key_info().await.unwrap();
        let age = info.age(jiff::Timestamp::now()).unwrap();
        assert!(age.as_hours() >= 24 * 90, "{age:?}");
    }
    let requests = server.take_requests();
    let paths: Vec<_> = requests.iter().map(Request::path).collect();
    assert_eq!(paths, ["/v1/auth/whoami"]);
}

#[tokio::test]
async fn a_server_that_reports_no_identities_leaves_the_age_and_the_level_unknown() {
    let server = HttpServer::with(|request| match request.path() {
        "/v1/auth/whoami" => ("404 Not Found", Vec::new()),
        _ => (
            "200 OK",
            br#"{"events": [], "totalEvents": 0, "count": 0}"#.to_vec(),
        ),
    });
    let client = client(server.url(), KEY);
    for _ in 0..3 {
        let info = client.key_info().await.unwrap();
        assert_eq!(info.age(jiff::Timestamp::now()), None);
        assert_eq!((info.created, info.level, info.owner), (None, None, None));
        assert_eq!((info.id, info.expires_at), (None, None));
    }
    // Without identities, one event is requested to verify the key.
    let requests = server.take_requests();
    let calls = requests
        .iter()
        .filter(|request| request.path() != "/v1/auth/whoami");
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_key_that_changes_is_looked_up_again() {
    let server = HttpServer::with(|request| {
        let is_old = request.bearer() == Some(KEY);
        whoami(request, if is_old { 100 } else { 1 })
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    write(&file, KEY);
    let variables = [
        ("HH_API_KEY_FILE", file.to_str().unwrap()),
        ("HH_BASE_URL", server.url()),
    ];
    let builder = HoneyHive::builder().with_env(Env::from_pairs(variables));
    let client = builder.build().unwrap();
    for (key, days) in [(KEY, 100), (OTHER_KEY, 1)] {
        let new = folder.path().join("new");
        write(&new, key);
        std::fs::rename(&new, &file).unwrap();
        // The change of a file is detected within a short time, not immediately.
        let deadline = std::time::Instant::now() + crate::network::LONG;
        let info = loop {
            let info = client.key_info().await.unwrap();
            if info.redacted == format!("{}***", &key[..8]) {
                break info;
            }
            assert!(std::time::Instant::now() < deadline, "{info:?}");
            tokio::task::yield_now().await;
        };
        assert_eq!(info.id, Some(format!("ID-{}", info.redacted)));
        let age = info.age(jiff::Timestamp::now()).unwrap();
        assert_eq!(age.as_hours() / 24, days);
    }
    assert_eq!(server.take_requests().len(), 2);
}

#[tokio::test]
async fn a_rejected_key_has_no_information_and_a_failure_is_not_stored() {
    let count = AtomicU32::new(0);
    let server = HttpServer::with(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => ("401 Unauthorized", Vec::new()),
        _ => whoami(request, 3),
    });
    let client = client(server.url(), KEY);
    let error = client.key_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(client.key_info().await.unwrap().created.is_some());
}

#[test]
fn the_local_information_sends_nothing() {
    let listener = IdleListener::new();
    let url = listener.url();
    let variables = [("HH_API_KEY", KEY), ("HH_BASE_URL", &url)];
    let options = Options::new().with_env(Env::from_pairs(variables));
    assert_eq!(get_key_info_with(&options).unwrap().created, None);
    drop(client(&url, KEY));
    assert!(listener.is_untouched());
}
