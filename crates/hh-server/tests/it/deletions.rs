use serde_json::{Value, json};

use super::support::{Client, TestServer, text};

const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// Returns the id of the `number`th event.
fn id(number: usize) -> String {
    format!("018f0000-0000-7000-8000-{number:012x}")
}

/// Creates events in a session, which have ids from `first` on.
async fn create(client: &Client, session: &str, first: usize, count: usize) {
    let events: Vec<_> = (first..first + count)
        .map(|number| {
            json!({
                "event_type": "model", "event_name": format!("call {}", number % 3), "event_id": id(number),
                "session_id": session, "inputs": {"q": number}, "start_time": 1_700_000_000_000_u64 + number as u64,
                "duration": number % 7, "error": number.is_multiple_of(5).then_some("failed"),
                "metadata": {"cost": 0.25, "prompt_tokens": number},
            })
        })
        .collect();
    for events in events.chunks(500) {
        let batch = json!({"events": events});
        client.post("/v1/events/batch", &batch).await.assert_ok();
    }
}

async fn total(client: &Client) -> Value {
    client.events(&json!({})).await["totalEvents"].clone()
}

#[tokio::test]
async fn a_deleted_event_is_gone_and_its_neighbors_stay() {
    let server = TestServer::start().await;
    let admin = server.admin();
    create(&admin, SESSION, 0, 3).await;
    let path = format!("/v1/events/{}", id(1));
    let dry = admin
        .delete(&format!("{path}?dry_run=true"))
        .await
        .assert_ok();
    assert_eq!(
        dry,
        json!({"success": true, "deleted": id(1), "sessions": 0, "events": 1, "dry_run": true, "complete": true})
    );
    assert_eq!(total(&admin).await, 4);
    let deleted = admin.delete(&path).await.assert_ok();
    assert_eq!(
        deleted,
        json!({"success": true, "deleted": id(1), "sessions": 0, "events": 1, "dry_run": false, "complete": true})
    );
    assert_eq!(total(&admin).await, 3);
    admin.get(&path).await.assert_problem(404);
    let message = admin.delete(&path).await.assert_problem(404);
    assert_eq!(message, format!("event {} not found", id(1)));
    let message = admin
        .delete(&format!("/v1/events/{SESSION}"))
        .await
        .assert_problem(404);
    insta::assert_snapshot!(message, @"event 6ba7b810-9dad-41d1-80b4-00c04fd430c8 is a session; delete the session instead");
    admin
        .delete("/v1/events/nonsense")
        .await
        .assert_problem(400);
}

#[tokio::test]
async fn a_deleted_session_is_gone_with_its_events_until_it_is_sent_again() {
    let server = TestServer::start().await;
    let admin = server.admin();
    create(&admin, SESSION, 0, 3).await;
    create(&admin, &id(99), 10, 2).await;
    let path = format!("/v1/sessions/{SESSION}");
    let dry = admin
        .delete(&format!("{path}?dry_run=true"))
        .await
        .assert_ok();
    assert_eq!((&dry["sessions"], &dry["events"]), (&json!(1), &json!(3)));
    assert_eq!(total(&admin).await, 7);
    let deleted = admin.delete(&path).await.assert_ok();
    assert_eq!(text(&deleted["deleted"]), SESSION);
    assert_eq!(
        (&deleted["sessions"], &deleted["events"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(total(&admin).await, 3);
    admin.get(&path).await.assert_problem(404);
    admin.delete(&path).await.assert_problem(404);
    create(&admin, SESSION, 0, 3).await;
    assert_eq!(total(&admin).await, 7);
}

#[tokio::test]
async fn the_data_of_a_user_is_deleted_and_no_other() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let list = admin.get("/v1/projects").await.assert_ok();
    let path = format!(
        "/v1/projects/{}/events/delete",
        text(&list["projects"][0]["id"])
    );
    for (user, session) in [("u1", 100), ("u2", 101)] {
        let start =
            json!({"session": {"session_id": id(session), "user_properties": {"user_id": user}}});
        admin.post("/session/start", &start).await.assert_ok();
        create(&admin, &id(session), 10 * session, 5).await;
    }
    create(&admin, SESSION, 0, 3).await;
    let change = json!({"event_id": id(1), "user_properties": {"user_id": "u1"}});
    admin.put("/events", &change).await.assert_ok();
    let body = json!({"user_property": "user_id", "value": "u1", "dry_run": true});
    let expected = json!({"sessions": 1, "events": 6, "dry_run": true, "complete": true});
    assert_eq!(admin.post(&path, &body).await.assert_ok(), expected);
    assert_eq!(total(&admin).await, 16);
    let body = json!({"user_property": "user_id", "value": "u1"});
    let expected = json!({"sessions": 1, "events": 6, "dry_run": false, "complete": true});
    assert_eq!(admin.post(&path, &body).await.assert_ok(), expected);
    assert_eq!(total(&admin).await, 9);
    let expected = json!({"sessions": 0, "events": 0, "dry_run": false, "complete": true});
    assert_eq!(admin.post(&path, &body).await.assert_ok(), expected);
    for body in [
        json!({"user_property": "user_id", "value": null}),
        json!({"user_property": "user_id"}),
        json!({"user_property": "", "value": "u1"}),
        json!({"user_property": "user_id", "value": "u1", "other": 1}),
    ] {
        admin.post(&path, &body).await.assert_problem(400);
    }
}

#[tokio::test]
async fn a_deleted_project_is_gone_and_its_name_is_free() {
    let server = TestServer::start().await;
    let admin = server.admin();
    create(&admin, SESSION, 0, 3).await;
    let wanted = json!({"name": "docs"});
    let project = admin.post("/v1/projects", &wanted).await.assert_ok();
    let start = json!({"session": {"project": "docs", "session_id": SESSION}});
    admin.post("/session/start", &start).await.assert_ok();
    let path = format!("/v1/projects/{}", text(&project["id"]));
    let (key, _) = server.mint(hh_auth::Level::ReadOnly, json!(["docs"])).await;
    let message = admin.delete(&path).await.assert_problem(409);
    let expected = format!(
        "API key {key} is limited to certain projects, and this is one of them; revoke the key first"
    );
    assert_eq!(message, expected);
    admin
        .delete(&format!("/v1/api_keys/{key}"))
        .await
        .assert_ok();
    let dry = admin
        .delete(&format!("{path}?dry_run=true"))
        .await
        .assert_ok();
    assert_eq!(
        dry,
        json!({"sessions": 1, "events": 0, "dry_run": true, "complete": true})
    );
    let deleted = admin.delete(&path).await.assert_ok();
    assert_eq!(
        deleted,
        json!({"sessions": 1, "events": 0, "dry_run": false, "complete": true})
    );
    admin.delete(&path).await.assert_problem(404);
    admin
        .post("/session/start", &start)
        .await
        .assert_problem(404);
    assert_eq!(total(&admin).await, 4);
    let again = admin.post("/v1/projects", &wanted).await.assert_ok();
    assert_ne!(again["id"], project["id"]);
    let found = admin.events(&json!({"project": "docs"})).await;
    assert_eq!(found["totalEvents"], 0);
}
