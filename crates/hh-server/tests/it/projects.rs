use hh_auth::Level;
use serde_json::{Value, json};

use super::spans::{encode, label, span};
use super::support::{Client, TestServer, text};

async fn names(client: &Client, path: &str) -> Vec<String> {
    let list = client.get(path).await.assert_ok();
    let projects = list["projects"].as_array().unwrap();
    projects
        .iter()
        .map(|project| text(&project["name"]))
        .collect()
}

#[tokio::test]
async fn a_project_is_created_once() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let wanted = json!({"name": "Chat bot 2.0", "description": "what it is for"});
    let made = admin.post("/v1/projects", &wanted).await.assert_ok();
    assert_eq!(made["name"], "Chat bot 2.0");
    assert_eq!(made["description"], "what it is for");
    assert_ne!(text(&made["id"]), "");
    let message = admin
        .post("/v1/projects", &wanted)
        .await
        .assert_problem(409);
    insta::assert_snapshot!(message, @r#"a project "Chat bot 2.0" exists already"#);
    admin
        .post("/v1/projects", &json!({"name": "default"}))
        .await
        .assert_problem(409);
    assert_eq!(
        names(&admin, "/v1/projects").await,
        ["Chat bot 2.0", "default"]
    );
}

#[tokio::test]
async fn of_many_that_create_one_project_at_once_one_succeeds() {
    let server = TestServer::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let admin = server.admin();
        tasks.spawn(async move {
            admin
                .post("/v1/projects", &json!({"name": "p"}))
                .await
                .status
        });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn names_that_look_alike_or_break_lines_are_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let long = "x".repeat(101);
    for name in [
        "", " ", " a", "a ", "-a", "a.", "a/b", "../a", "a\nb", "a\u{0}", "é", "а", &long,
    ] {
        admin
            .post("/v1/projects", &json!({"name": name}))
            .await
            .assert_problem(400);
    }
    for body in [
        json!({}),
        json!({"name": 1}),
        json!({"name": null}),
        json!([]),
        json!({"name": "a", "extra": 1}),
        json!({"name": "a", "description": "x".repeat(501)}),
    ] {
        admin.post("/v1/projects", &body).await.assert_problem(400);
    }
    assert_eq!(names(&admin, "/v1/projects").await, ["default"]);
    for name in ["a", &"x".repeat(100)] {
        admin
            .post("/v1/projects", &json!({"name": name}))
            .await
            .assert_ok();
    }
}

#[tokio::test]
async fn a_key_for_some_projects_lists_them_and_cannot_create_projects() {
    let server = TestServer::start().await;
    for name in ["c", "a", "b d"] {
        server.project(name).await;
    }
    let client = server.key(Level::Admin, json!(["b d", "a"])).await;
    assert_eq!(names(&client, "/v1/projects").await, ["a", "b d"]);
    assert_eq!(names(&client, "/v1/projects?name=a").await, ["a"]);
    assert_eq!(
        names(&client, "/v1/projects?other=1&name=b+d").await,
        ["b d"]
    );
    assert_eq!(names(&client, "/v1/projects?name=b%20d").await, ["b d"]);
    assert!(names(&client, "/v1/projects?name=c").await.is_empty());
    assert_eq!(names(&server.admin(), "/v1/projects?name=c").await, ["c"]);
    client
        .post("/v1/projects", &json!({"name": "e"}))
        .await
        .assert_problem(403);
    // A project that is made later belongs to keys for all projects, and to no other.
    server.project("e").await;
    let all = server.key(Level::ReadOnly, "all").await;
    assert_eq!(
        names(&all, "/v1/projects").await,
        ["a", "b d", "c", "default", "e"]
    );
    assert_eq!(names(&client, "/v1/projects").await, ["a", "b d"]);
}

/// Starts a session, sends a span and reads events under a name; tells the statuses and the project's id.
async fn use_project(client: &Client, name: Option<&str>) -> (Vec<u16>, Value) {
    let mut session = json!({"session_name": "s"});
    let mut wanted = json!({});
    let mut labels = vec![];
    if let Some(name) = name {
        session["project"] = json!(name);
        wanted["project"] = json!(name);
        labels.push(label("honeyhive.project", name));
    }
    let started = client
        .post("/session/start", &json!({"session": session}))
        .await;
    let sent = client.export(&encode(vec![span(1, None, labels)])).await;
    let read = client.post("/v1/events/export", &wanted).await;
    let project = started.json()["project_id"].clone();
    if read.status == 200 {
        let events = read.json();
        let events = events["events"].as_array().unwrap();
        assert!(events.iter().all(|event| event["project_id"] == project));
    }
    (vec![started.status, sent.status, read.status], project)
}

#[tokio::test]
async fn the_project_of_a_request_follows_from_the_key_and_the_name() {
    let server = TestServer::start().await;
    for name in ["one", "two"] {
        server.project(name).await;
    }
    let listed = server.admin().get("/v1/projects").await.assert_ok();
    let id = |name: &str| {
        let list = listed["projects"].as_array().unwrap();
        list.iter().find(|project| project["name"] == name).unwrap()["id"].clone()
    };
    for (projects, name, meant) in [
        (json!("all"), None, Some("default")),
        (json!("all"), Some(""), Some("default")),
        (json!("all"), Some("one"), Some("one")),
        (json!("all"), Some("nowhere"), None),
        (json!(["one"]), None, Some("one")),
        (json!(["one"]), Some(""), Some("one")),
        (json!(["one"]), Some("one"), Some("one")),
        (json!(["one"]), Some("two"), None),
        (json!(["one"]), Some("default"), None),
        (json!(["one", "two"]), Some("two"), Some("two")),
        (json!(["one", "two"]), None, None),
        (json!(["default", "two"]), None, Some("default")),
    ] {
        let client = server.key(Level::ReadWrite, projects.clone()).await;
        let (statuses, project) = use_project(&client, name).await;
        let status = if meant.is_some() { 200 } else { 404 };
        assert_eq!(statuses, [status; 3], "{projects} {name:?}");
        assert_eq!(
            project,
            meant.map_or(Value::Null, id),
            "{projects} {name:?}"
        );
    }
    assert_eq!(
        names(&server.admin(), "/v1/projects").await,
        ["default", "one", "two"],
        "telemetry makes no project"
    );
}

#[tokio::test]
async fn a_missing_project_is_named_with_those_the_key_has() {
    let server = TestServer::start().await;
    for name in ["one", "two"] {
        server.project(name).await;
    }
    let mut messages = Vec::new();
    for projects in [json!("all"), json!(["one", "two"])] {
        let client = server.key(Level::ReadWrite, projects).await;
        let wanted = json!({"project": "nowhere"});
        messages.push(
            client
                .post("/v1/events/export", &wanted)
                .await
                .assert_problem(404),
        );
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    there is no project "nowhere" that this key applies to; it applies to: every project
    there is no project "nowhere" that this key applies to; it applies to: one, two
    "#);
}
