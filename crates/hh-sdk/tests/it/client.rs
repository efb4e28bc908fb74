use hh_sdk::api::types::{
    CreateProject, EventPatch, ExportEvents, Filter, KeyState, Object, StartSession,
};
use hh_sdk::auth::{ApiKey, FileStore, Level, Profile};
use hh_sdk::{ErrorKind, HoneyHive, Identity};

use crate::support::{TestServer, empty_env, env_with_home};

#[tokio::test]
async fn whoami_projects_and_keys() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let Identity::Known(me) = admin.whoami().await.unwrap() else {
        panic!("the server reports the identity of the key");
    };
    assert_eq!(me.principal.name, "admin@example.com");
    assert_eq!(me.organization, "Test Company");
    assert_eq!(me.permissions, "Admin");

    let wanted = CreateProject {
        name: "docs".to_owned(),
        description: Some("what we write".to_owned()),
    };
    admin.create_project(&wanted).await.unwrap();
    let again = admin.create_project(&wanted).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);

    let key = server.key(Level::ReadOnly, "docs").await;
    let reader = server.client(&key);
    let names: Vec<_> = reader.list_projects().await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].name, "docs");

    let keys = admin.list_keys().await.unwrap();
    assert_eq!(keys.len(), 2);
    let revoked = admin.revoke_key(&keys[0].id).await.unwrap();
    assert_eq!(revoked.state, KeyState::Revoked);
    let error = reader.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_read_only_key_is_refused_before_anything_is_sent() {
    let mut server = TestServer::start().await;
    let key = server.key(Level::ReadOnly, "default").await;
    let reader = server.client(&key);
    // The server is stopped, so only the client can reject the request.
    server.stop().await;
    let error = reader
        .start_session(StartSession::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("nothing was sent"), "{error}");
}

#[tokio::test]
async fn sessions_and_events() {
    let server = TestServer::start().await;
    let client = server.client(&server.key(Level::ReadWrite, "default").await);
    let session = client
        .start_session(StartSession {
            session_name: Some("one".to_owned()),
            ..StartSession::default()
        })
        .await
        .unwrap();
    let mut outputs = Object::new();
    outputs.insert("answer".to_owned(), 42.into());
    client
        .update_event(EventPatch {
            event_id: session.event_id,
            outputs: Some(outputs),
            ..EventPatch::default()
        })
        .await
        .unwrap();
    let page = client
        .export_events(ExportEvents {
            filters: vec![Filter::is("session_id", &session.session_id.to_string())],
            ..ExportEvents::default()
        })
        .await
        .unwrap();
    assert_eq!(page.total_events, 1);
    assert_eq!(page.events[0].outputs["answer"], 42);
    let prefix = &session.session_id.to_string()[..8];
    let found = client.find_sessions(prefix).await.unwrap();
    assert_eq!(found.sessions[0].session_id, session.session_id);
    assert_eq!(found.sessions[0].session_name, "one");
    let error = client.find_sessions("3f2a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_missing_server_a_wrong_host_and_a_foreign_key_give_different_errors() {
    let mut server = TestServer::start().await;
    let client = server.client("hh_1234567890abcdef1234567890abcdef");
    let error = client.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    server.stop().await;
    let client = HoneyHive::builder()
        .with_env(hh_sdk::config::Env::from_pairs([("HH_MAX_RETRIES", "0")]))
        .with_base_url(&server.url)
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap();
    let error = client.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!format!("{error:?}{error}").contains("34567890abcdef"));
}

#[test]
fn a_missing_key_and_a_malformed_one_give_different_errors() {
    let missing = HoneyHive::builder()
        .with_env(empty_env())
        .build()
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::MissingKey);
    let malformed = HoneyHive::builder()
        .with_env(empty_env())
        .with_api_key("sk-not-ours")
        .build()
        .unwrap_err();
    assert_eq!(malformed.kind(), ErrorKind::MalformedKey);
    assert_eq!(
        malformed.to_string(),
        "the API key from parameter api_key begins with sk-, so it is a key of another service"
    );
}

#[test]
fn a_stored_key_is_used_last_and_for_its_own_origin_only() {
    let home = tempfile::tempdir().unwrap();
    let env = env_with_home(home.path());
    let store = FileStore::of_user(&env).unwrap();
    let key = ApiKey::parse("hh_stored67890abcdef1234567890abcdef").unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    store
        .put(Profile::new("default", "http://127.0.0.1:9", key, now))
        .unwrap();

    let client = HoneyHive::builder().with_env(env.clone()).build().unwrap();
    let credential = client.credential().unwrap();
    assert_eq!(credential.key.redacted(), "hh_store***");
    assert_eq!(credential.origin.to_string(), "http://127.0.0.1:9");

    let elsewhere = HoneyHive::builder()
        .with_env(env.clone())
        .with_base_url("https://api.honeyhive.ai")
        .build()
        .unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::Config);

    let direct = HoneyHive::builder()
        .with_env(env)
        .with_api_key("hh_direct")
        .build()
        .unwrap();
    assert_eq!(direct.credential().unwrap().key.redacted(), "hh_***");
}

#[tokio::test]
async fn test_mode_needs_no_key_and_no_server() {
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_test_mode(true)
        .build()
        .unwrap();
    assert!(client.list_projects().await.unwrap().is_empty());
    let page = client.export_events(ExportEvents::default()).await.unwrap();
    assert!(page.events.is_empty());
    let project = CreateProject {
        name: "docs".to_owned(),
        description: None,
    };
    assert_eq!(client.create_project(&project).await.unwrap().name, "docs");
    let session = StartSession {
        session_name: Some("s".to_owned()),
        ..StartSession::default()
    };
    let session = client.start_session(session).await.unwrap();
    assert_eq!(session.event_name, "s");
    assert_eq!(session.event_id, session.session_id);
    // Test mode does not invent responses that only a server can create.
    let error = client.whoami().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TestMode);
}
