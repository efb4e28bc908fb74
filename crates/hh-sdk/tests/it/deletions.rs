use hh_sdk::api::types::{
    CreateEvent, CreateProject, DeleteProject, DeleteUserData, DeletedData, Object,
};
use hh_sdk::{ErrorKind, EventKind, HoneyHive};
use hh_testing::HttpServer;
use uuid::Uuid;

use crate::support::{TestServer, empty_env};

fn rows(sessions: u64, events: u64, dry_run: bool) -> DeletedData {
    DeletedData {
        sessions,
        events,
        dry_run,
        complete: true,
    }
}

/// Creates two events of a user in a session, and returns their ids.
async fn create(client: &HoneyHive, session: &str) -> Vec<Uuid> {
    let mut user_properties = Object::new();
    user_properties.insert("user_id".to_owned(), "u1".into());
    let event = CreateEvent {
        session_id: Some(session.to_owned()),
        user_properties,
        ..CreateEvent::new(EventKind::Tool, "search")
    };
    let events = vec![event.clone(), event];
    client.events().create_batch(events).await.unwrap()
}

#[tokio::test]
async fn a_preview_deletes_nothing_and_counts_what_is_deleted() {
    let server = TestServer::start().await;
    let client = server.client(&server.admin_key);
    let project = client
        .create_project(&CreateProject {
            name: "docs".to_owned(),
            description: None,
        })
        .await
        .unwrap();
    let session = Uuid::from_u128(1).to_string();
    let ids = create(&client, &session).await;

    let events = client.events();
    assert_eq!(
        events.preview_delete(ids[0]).await.unwrap(),
        rows(0, 1, true)
    );
    assert_eq!(events.delete(ids[0]).await.unwrap(), rows(0, 1, false));
    let error = events.delete(ids[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let sessions = client.sessions();
    let preview = sessions.preview_delete(&session).await.unwrap();
    assert_eq!(preview, rows(1, 1, true));
    assert_eq!(sessions.delete(&session).await.unwrap(), rows(1, 1, false));
    assert_eq!(
        events.get(ids[1]).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );

    create(&client, &session).await;
    let projects = client.list_projects().await.unwrap();
    let default = projects
        .iter()
        .find(|project| project.name == "default")
        .unwrap();
    for (dry_run, expected) in [(true, 2), (false, 2), (true, 0)] {
        let delete = DeleteUserData {
            project_id: default.id.clone(),
            user_property: "user_id".to_owned(),
            value: "u1".into(),
            dry_run,
        };
        let deleted = client.delete_user_data(&delete).await.unwrap();
        assert_eq!(deleted, rows(0, expected, dry_run));
    }
    for dry_run in [true, false] {
        let delete = DeleteProject {
            project_id: project.id.clone(),
            dry_run,
        };
        let deleted = client.delete_project(&delete).await.unwrap();
        assert_eq!(deleted, rows(0, 0, dry_run));
    }
    assert_eq!(client.list_projects().await.unwrap().len(), 1);
}

/// Such a server would delete the data, because it ignores the member `dry_run`.
#[tokio::test]
async fn a_preview_is_never_sent_to_a_server_that_does_not_support_it() {
    let server = HttpServer::start([("404 Not Found", b"{}".to_vec())]);
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_base_url(server.url())
        .with_api_key("hh_1234567890abcdef1234567890abcdef".to_owned())
        .build()
        .unwrap();
    let id = Uuid::from_u128(1);
    let data = DeleteUserData {
        dry_run: true,
        ..DeleteUserData::default()
    };
    let project = DeleteProject {
        dry_run: true,
        ..DeleteProject::default()
    };
    for result in [
        client.events().preview_delete(id).await,
        client.sessions().preview_delete(&id.to_string()).await,
        client.delete_user_data(&data).await,
        client.delete_project(&project).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.message(),
            "the server does not support dry runs of deletions"
        );
    }
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.path() == "/v1/auth/whoami")
    );
}
