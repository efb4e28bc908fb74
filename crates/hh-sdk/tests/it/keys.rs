use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hh_sdk::api::types::{Change, CreateKey, CreateOwner, Key, KeyState, ProjectNames, UpdateKey};
use hh_sdk::auth::Level;
use hh_sdk::{ErrorKind, HoneyHive, Identity};
use hh_testing::HttpServer;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{TestServer, empty_env, reveal};

fn wanted(owner: Option<&str>) -> CreateKey {
    CreateKey {
        name: "build".to_owned(),
        level: Level::ReadWrite,
        projects: ProjectNames::All,
        expires_at: None,
        owner: owner.map(str::to_owned),
        note: Some("of the build machines".to_owned()),
    }
}

/// Returns the key of a client, as the server reports it.
async fn key_of(client: &HoneyHive) -> Option<Key> {
    match client.whoami().await.unwrap() {
        Identity::Known(me) => Some(me.key),
        Identity::Unknown | _ => None,
    }
}

// Feature S9.
#[tokio::test]
async fn a_key_can_describe_and_rotate_itself() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let created = admin.create_key(&wanted(Some("ci"))).await.unwrap();
    let old = server.client(&reveal(&created.secret));
    let me = key_of(&old).await.unwrap();
    assert_eq!((&me.id, me.level), (&created.key.id, Level::ReadWrite));
    assert_eq!(me.created_at, created.key.created_at);
    assert_eq!(
        (me.owner.name.as_str(), me.note.as_deref()),
        ("ci", Some("of the build machines"))
    );
    assert!(me.last_used_at.is_some() && me.replaced_by.is_none());

    let rotated = old.rotate_key(&me.id, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(
        key_of(&old).await.unwrap().replaced_by.as_ref(),
        Some(&rotated.key.id)
    );
    let new = server.client(&reveal(&rotated.secret));
    let me = key_of(&new).await.unwrap();
    assert_eq!(me.replaces.as_ref(), Some(&created.key.id));
    let error = old.whoami().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.to_string().contains(&rotated.key.id), "{error}");
    // The new key can revoke the old one during the grace period, and itself.
    let ended = new.revoke_key(&created.key.id).await.unwrap();
    assert_eq!(ended.state, KeyState::Revoked);
    assert_eq!(
        new.revoke_key(&me.id).await.unwrap().state,
        KeyState::Revoked
    );
    let long = admin.rotate_key(&created.key.id, Some(Duration::MAX)).await;
    assert_eq!(long.unwrap_err().kind(), ErrorKind::Invalid);
}

// Feature S40.
#[tokio::test]
async fn disabling_an_owner_revokes_all_their_keys() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let name = "ada@example.com".to_owned();
    let owner = admin.create_owner(&CreateOwner { name }).await.unwrap();
    let created = admin
        .create_key(&wanted(Some("ada@example.com")))
        .await
        .unwrap();
    let theirs = server.client(&reveal(&created.secret));
    theirs.list_projects().await.unwrap();
    let disabled = admin.disable_owner(&owner.id).await.unwrap();
    assert_eq!((disabled.revoked_keys, disabled.owner.active_keys), (1, 0));
    let error = theirs.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let error = admin
        .create_key(&wanted(Some("ada@example.com")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let owners = admin.list_owners().await.unwrap();
    let own = owners
        .iter()
        .find(|owner| owner.principal.name == "admin@example.com");
    let error = admin.disable_owner(&own.unwrap().id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_key_can_be_changed_and_an_owner_enabled_again() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let created = admin.create_key(&wanted(Some("ci"))).await.unwrap();
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let update = UpdateKey {
        id: created.key.id.clone(),
        name: Some("deploy".to_owned()),
        note: Change::Remove,
        expires_at: Some(end),
    };
    let key = admin.update_key(&update).await.unwrap();
    assert_eq!((key.name.as_str(), key.note.as_deref()), ("deploy", None));
    assert_eq!(
        key.expires_at.map(Timestamp::as_millisecond),
        Some(end.as_millisecond())
    );
    let later = UpdateKey {
        id: created.key.id,
        expires_at: Some(end + SignedDuration::from_hours(1)),
        ..UpdateKey::default()
    };
    let error = admin.update_key(&later).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);

    let owners = admin.list_owners().await.unwrap();
    let owner = owners.iter().find(|owner| owner.principal.name == "ci");
    let id = &owner.unwrap().id;
    admin.disable_owner(id).await.unwrap();
    let enabled = admin.enable_owner(id).await.unwrap();
    assert_eq!((enabled.disabled_at, enabled.active_keys), (None, 0));
    admin.create_key(&wanted(Some("ci"))).await.unwrap();
}

/// The server creates a key, fails before it responds, and recognizes the retry.
#[tokio::test]
async fn a_key_whose_text_was_lost_on_the_way_is_named() {
    let count = AtomicU32::new(0);
    let server = HttpServer::with(move |_| {
        if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            return ("503 Service Unavailable", Vec::new());
        }
        let key = json!({
            "id": "KEYID", "name": "build", "shown": "hh_12345***", "level": "read_write",
            "projects": "all", "owner": {"type": "user", "name": "me"}, "state": "active",
            "created_at": "2026-01-01T00:00:00Z",
        });
        ("200 OK", key.to_string().into_bytes())
    });
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_base_url(server.url())
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap();
    let create = client.create_key(&wanted(None)).await.unwrap_err();
    let rotate = client.rotate_key("OLD", None).await.unwrap_err();
    assert_eq!(
        (create.kind(), rotate.kind()),
        (ErrorKind::Conflict, ErrorKind::Conflict)
    );
    let lost = "key KEYID was created, but its secret was lost in transit and cannot be retrieved";
    assert_eq!(
        (create.message(), create.hint()),
        (lost, Some("revoke the key and create another one"))
    );
    assert_eq!(
        (rotate.message(), rotate.hint()),
        (
            lost,
            Some("rotate the old key again, which revokes the lost key")
        )
    );
    let keys: Vec<_> = server
        .take_requests()
        .iter()
        .map(|request| request.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 4);
    assert_eq!((&keys[0], &keys[2]), (&keys[1], &keys[3]));
    assert_ne!(keys[0], keys[2], "each request has its own");
}

#[tokio::test]
async fn more_keys_than_one_response_may_hold_are_listed() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    // 5 MB as JSON; the limit of a response is 4 MiB.
    let count = 2000;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let client = admin.clone();
        let wanted = CreateKey {
            name: "🔑".repeat(100),
            note: Some("🔑".repeat(500)),
            ..wanted(None)
        };
        tasks.spawn(async move { client.create_key(&wanted).await.unwrap().key.id });
        if tasks.len() >= 32 {
            tasks.join_next().await.unwrap().unwrap();
        }
    }
    let id = tasks.join_all().await.remove(0);
    admin.revoke_key(&id).await.unwrap();
    let live = admin.list_keys().await.unwrap();
    assert_eq!(live.len(), count);
    assert!(live.iter().all(|key| key.state == KeyState::Active));
    let all = admin.list_all_keys().await.unwrap();
    assert_eq!(all.len(), count + 1);
    let different: std::collections::BTreeSet<_> = all.iter().map(|key| &key.id).collect();
    assert_eq!(different.len(), all.len());
}

#[tokio::test]
async fn a_list_of_keys_that_cannot_be_continued_is_an_error() {
    for next in ["7", "a/../b", "1&ended=true", "1#", "hh_\u{e9}", ""] {
        let page = json!({"keys": [], "next": next}).to_string().into_bytes();
        let server = HttpServer::with(move |_| ("200 OK", page.clone()));
        let client = HoneyHive::builder()
            .with_env(empty_env())
            .with_base_url(server.url())
            .with_api_key("hh_1234567890abcdef1234567890abcdef")
            .build()
            .unwrap();
        let error = client.list_keys().await.unwrap_err();
        assert!(error.to_string().contains("cursor"), "{next}: {error}");
    }
}
