use serde_json::{Value, json};
use uuid::Uuid;

use super::spans::SESSION;
use super::support::{Client, TestServer, text};

async fn start(client: &Client, session: Value) -> Value {
    let body = json!({"session": session});
    client.post("/session/start", &body).await.assert_ok()
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[tokio::test]
async fn the_answer_has_what_the_clients_require_and_no_nulls() {
    let server = TestServer::start().await;
    for session in [
        json!({}),
        json!({"session_name": "cap", "source": "cap", "inputs": {"q": "hello"}}),
        json!({"session_name": null, "source": null, "session_id": null, "project": null, "start_time": null}),
    ] {
        let started = start(&server.admin(), session).await;
        for id in [
            "event_id",
            "session_id",
            "org_id",
            "workspace_id",
            "project_id",
        ] {
            assert!(Uuid::try_parse(&text(&started[id])).is_ok(), "{id}");
        }
        assert_eq!(started["event_id"], started["session_id"]);
        assert_eq!(started["event_type"], "session");
        assert!(!has_null(&started), "{started}");
    }
}

#[tokio::test]
async fn the_stored_session_is_what_was_sent() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let sent = json!({
        "session_name": "cap-session", "source": "cap", "session_id": SESSION,
        "start_time": 1_795_461_676_672_u64, "inputs": {"q": "hello"}, "config": {"t": 0.5},
        "metadata": {"run_id": "r1"}, "user_properties": {"user_id": "u1"}, "unknown": [1],
    });
    let mut started = start(&admin, sent).await;
    let listed = admin.events(&json!({})).await["events"][0].clone();
    let members = started.as_object_mut().unwrap();
    members.remove("org_id");
    members.remove("workspace_id");
    assert_eq!(started, listed, "the answer is the event");
    members_without(&mut started, "project_id");
    let shown = serde_json::to_string_pretty(&started).unwrap();
    insta::assert_snapshot!(shown, @r#"
    {
      "config": {
        "t": 0.5
      },
      "duration": 0.0,
      "end_time": 1795461676672.0,
      "event_id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
      "event_name": "cap-session",
      "event_type": "session",
      "feedback": {},
      "inputs": {
        "q": "hello"
      },
      "metadata": {
        "run_id": "r1"
      },
      "metrics": {},
      "outputs": {},
      "session_id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
      "source": "cap",
      "start_time": 1795461676672.0,
      "user_properties": {
        "user_id": "u1"
      }
    }
    "#);
}

fn members_without(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name).unwrap();
}

#[tokio::test]
async fn what_is_not_given_is_unknown_and_new() {
    let server = TestServer::start().await;
    let first = start(&server.admin(), json!({})).await;
    let second = start(&server.admin(), json!({"session_id": ""})).await;
    assert_ne!(first["session_id"], second["session_id"]);
    assert_eq!(first["event_name"], "unknown");
    assert_eq!(first["source"], "unknown");
    assert!(
        first["start_time"].as_f64().unwrap() > 1e12,
        "now, in milliseconds"
    );
}

#[tokio::test]
async fn an_id_that_is_no_uuid_becomes_the_same_one_each_time() {
    let server = TestServer::start().await;
    server.project("other").await;
    let admin = server.admin();
    let started = |id: &'static str, project: &'static str| {
        let admin = admin.clone();
        async move {
            text(&start(&admin, json!({"session_id": id, "project": project})).await["session_id"])
        }
    };
    let id = started("my session", "").await;
    assert!(Uuid::try_parse(&id).is_ok());
    assert_eq!(started("my session", "default").await, id);
    assert_ne!(started("your session", "").await, id);
    assert_ne!(
        started("my session", "other").await,
        id,
        "ids of two projects do not meet"
    );
    let upper: &'static str = "6BA7B810-9DAD-41D1-80B4-00C04FD430C8";
    assert_eq!(started(upper, "").await, SESSION);
    let filters = json!([{"field": "session_id", "operator": "is", "value": "my session"}]);
    let found = admin.events(&json!({"filters": filters})).await;
    assert_eq!(found["count"], 1);
}

#[tokio::test]
async fn a_second_start_merges_metadata_and_user_properties_and_keeps_the_rest() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let first = json!({
        "session_id": SESSION, "session_name": "first", "source": "s1", "inputs": {"a": 1},
        "start_time": 1000.0, "metadata": {"a": 1, "b": 1}, "user_properties": {"u": 1},
    });
    start(&admin, first).await;
    let second = json!({
        "session_id": SESSION, "session_name": "second", "source": "s2", "inputs": {"b": 2},
        "start_time": 2000.0, "metadata": {"b": 2, "c": {"d": null}}, "user_properties": {"v": 2},
    });
    let merged = start(&admin, second).await;
    assert_eq!(
        merged["metadata"],
        json!({"a": 1, "b": 2, "c": {"d": null}})
    );
    assert_eq!(merged["user_properties"], json!({"u": 1, "v": 2}));
    assert_eq!(merged["event_name"], "first");
    assert_eq!(merged["source"], "s1");
    assert_eq!(merged["inputs"], json!({"a": 1}));
    assert_eq!(merged["start_time"], 1000.0);
    assert_eq!(admin.events(&json!({})).await["count"], 1);
}

#[tokio::test]
async fn many_starts_of_one_session_at_once_make_one() {
    let server = TestServer::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let admin = server.admin();
        let mut metadata = json!({});
        metadata[number.to_string()] = json!(number);
        tasks.spawn(async move {
            start(&admin, json!({"session_id": SESSION, "metadata": metadata})).await
        });
    }
    tasks.join_all().await;
    let events = server.admin().events(&json!({})).await;
    assert_eq!(events["count"], 1);
    let metadata = events["events"][0]["metadata"].as_object().unwrap();
    assert_eq!(metadata.len(), 16, "none is lost");
}

#[tokio::test]
async fn a_session_that_cannot_be_meant_is_refused_without_quoting_it() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for body in [
        json!({}),
        json!({"session": "hh_secret"}),
        json!({"session": {"session_id": ["hh_secret"]}}),
        json!({"session": {"metadata": ["hh_secret"]}}),
        json!({"session": {"start_time": "hh_secret"}}),
        json!({"session": {"inputs": "hh_secret"}}),
    ] {
        let message = admin
            .post("/session/start", &body)
            .await
            .assert_problem(400);
        assert!(!message.contains("hh_secret"), "{message}");
    }
    admin
        .send("POST", "/session/start", &[], b"")
        .await
        .assert_problem(400);
    admin
        .send("POST", "/session/start", &[], b"{\"session\": {}} x")
        .await
        .assert_problem(400);
    assert_eq!(admin.events(&json!({})).await["count"], 0);
}

#[tokio::test]
async fn odd_times_are_taken_without_failing() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for time in ["-1", "0", "1e300", "-1e300", "1.5", "9223372036854775807"] {
        let body = format!("{{\"session\": {{\"start_time\": {time}}}}}");
        admin
            .send("POST", "/session/start", &[], body.as_bytes())
            .await
            .assert_ok();
    }
    assert_eq!(admin.events(&json!({})).await["count"], 6);
}

#[tokio::test]
async fn a_time_comes_back_as_it_was_sent() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for step in 0..40_u32 {
        for fraction in [0.0, 0.25, 0.123] {
            let time = 1_795_461_676_672.0 + f64::from(step) + fraction;
            let started = start(&admin, json!({"start_time": time})).await;
            assert_eq!(started["start_time"], json!(time));
            let end = time + 1.0;
            let patch = json!({"event_id": started["event_id"], "end_time": end});
            admin.put("/events", &patch).await.assert_ok();
            let wanted = json!({"filters": [{
                "field": "session_id", "operator": "is", "value": started["session_id"],
            }]});
            let list = admin.events(&wanted).await;
            assert_eq!(list["events"][0]["end_time"], json!(end));
        }
    }
}
