//! Tests every operation of the table with every kind of caller.

use hh_api::{Dialect, Method, OpId, Requirement, Route};
use hh_auth::{Level, mint};
use serde_json::{Value, json};

use super::spans::{encode, in_session, label, span};
use super::support::{Answer, Client, JSON, PROTOBUF, TestServer, text, text_of};

/// The objects that a request refers to.
#[derive(Clone, Default)]
struct Target {
    /// The name of a project; empty for the default project.
    project: String,
    /// The id of the project.
    project_id: String,
    /// The id of a key.
    key: String,
    /// The id of an owner.
    owner: String,
    /// The id of an event.
    event: String,
    /// A name that is not in use.
    fresh: String,
}

/// The expected result of a request with a key of one project for objects of another project.
#[derive(PartialEq)]
enum ForeignAccess {
    /// The response is 404, because the request names an object of the other project.
    Missing,
    /// The response is a list that does not contain the object.
    Unseen,
    /// The operation does not depend on a project.
    NotApplicable,
}

/// Returns the body of a valid request, and the expected result for a key of another project. The match has no
/// wildcard, so that a new operation needs a case.
#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
fn case(op: OpId, route: &Route, target: &Target) -> (Vec<u8>, ForeignAccess) {
    let json = |value: Value| value.to_string().into_bytes();
    let project = target.project.as_str();
    match op {
        OpId::Health
        | OpId::GetOpenApi
        | OpId::ListOwners
        | OpId::DisableOwner
        | OpId::EnableOwner => (Vec::new(), ForeignAccess::NotApplicable),
        OpId::Whoami | OpId::ListKeys | OpId::ListProjects => (Vec::new(), ForeignAccess::Unseen),
        OpId::CreateKey => {
            let projects = match project {
                "" => json!("all"),
                name => json!([name]),
            };
            let body = json!({"name": "new", "level": "read_only", "projects": projects});
            (json(body), ForeignAccess::Missing)
        }
        OpId::GetKey
        | OpId::RevokeKey
        | OpId::RotateKey
        | OpId::FindSessions
        | OpId::GetSession
        | OpId::GetEvent
        | OpId::GetEventSchema
        | OpId::DeleteEvent
        | OpId::DeleteSession
        | OpId::DeleteProject => (Vec::new(), ForeignAccess::Missing),
        OpId::DeleteUserData => (
            json(json!({"user_property": "user_id", "value": "u1"})),
            ForeignAccess::Missing,
        ),
        OpId::UpdateKey => (json(json!({"name": "renamed"})), ForeignAccess::Missing),
        OpId::CreateOwner | OpId::CreateProject => (
            json(json!({"name": target.fresh})),
            ForeignAccess::NotApplicable,
        ),
        OpId::StartSession => (
            json(json!({"session": {"session_name": "s", "project": project}})),
            ForeignAccess::Missing,
        ),
        OpId::ExportTraces => {
            let labels = match project {
                "" => Vec::new(),
                name => vec![label("honeyhive.project", name)],
            };
            (encode(vec![span(1, None, labels)]), ForeignAccess::Missing)
        }
        OpId::SearchEvents if route.dialect == Dialect::Scoped => {
            (b"{}".to_vec(), ForeignAccess::Missing)
        }
        OpId::CreateSession | OpId::ExportEvents | OpId::SearchEvents => {
            (json(json!({"project": project})), ForeignAccess::Missing)
        }
        OpId::UpdateEvent => {
            let mut patch = json!({"event_id": target.event, "metadata": {"a": 1}});
            if route.path.contains("{event_id}") {
                patch.as_object_mut().unwrap().remove("event_id");
            }
            (json(patch), ForeignAccess::Missing)
        }
        OpId::CreateEvent => {
            let event = json!({"event_type": "tool", "inputs": {}, "project": project});
            let body = match route.wrapper {
                Some(name) => json!({name: event}),
                None => event,
            };
            (json(body), ForeignAccess::Missing)
        }
        OpId::CreateEvents | OpId::AddSessionEvents => (
            json(json!({"events": [{"event_type": "tool", "inputs": {}, "project": project}]})),
            ForeignAccess::Missing,
        ),
        OpId::CreateModelEvent => (
            json(json!({"model_event": {"model": "m", "project": project}})),
            ForeignAccess::Missing,
        ),
        OpId::CreateModelEvents => (
            json(json!({"model_events": [{"model": "m", "project": project}]})),
            ForeignAccess::Missing,
        ),
    }
}

async fn call(client: &Client, op: OpId, route: &Route, target: &Target) -> Answer {
    let id = if matches!(op, OpId::DisableOwner | OpId::EnableOwner) {
        &target.owner
    } else {
        &target.key
    };
    let mut path = route
        .path
        .replace("{id}", id)
        .replace("{event_id}", &target.event)
        .replace("{session_id}", &target.event)
        .replace("{project_id}", &target.project_id);
    if op == OpId::FindSessions {
        path = format!("{path}?prefix={}&project={}", target.event, target.project);
    } else if route.method == Method::Get && route.dialect != Dialect::Scoped
        || matches!(op, OpId::DeleteEvent | OpId::DeleteSession)
    {
        path = format!("{path}?project={}", target.project);
    }
    let kind = if op == OpId::ExportTraces {
        PROTOBUF
    } else {
        JSON
    };
    let (body, _) = case(op, route, target);
    client
        .send(route.method.as_str(), &path, &[kind], &body)
        .await
}

/// Creates the objects of a target: a key and a session, and a name for a new project.
async fn target(server: &TestServer, project: &str) -> Target {
    let projects = match project {
        "" => json!("all"),
        name => json!([name]),
    };
    let (key, _) = server.mint(Level::ReadOnly, projects).await;
    let session = json!({"session": {"session_name": format!("of {project}"), "project": project}});
    let started = server
        .admin()
        .post("/session/start", &session)
        .await
        .assert_ok();
    let owner = json!({"name": format!("owner of {key}")});
    let owner = server.admin().post("/v1/owners", &owner).await.assert_ok();
    Target {
        project: project.to_owned(),
        project_id: text(&started["project_id"]),
        key,
        owner: text(&owner["id"]),
        event: text(&started["event_id"]),
        fresh: format!("fresh {project} 1"),
    }
}

/// Creates the object that an operation deletes, if other operations of the tests need the one of the target.
async fn create_deleted(server: &TestServer, op: OpId, target: &mut Target) {
    let admin = server.admin();
    if op == OpId::DeleteEvent {
        let event = json!({"event_type": "tool", "inputs": {}});
        let created = admin.post("/v1/events", &event).await.assert_ok();
        target.event = text(&created["event_id"]);
    } else if op == OpId::DeleteProject {
        let project = json!({"name": format!("to delete {}", target.key)});
        let created = admin.post("/v1/projects", &project).await.assert_ok();
        target.project_id = text(&created["id"]);
    }
}

/// Returns every route of the operations that require a key.
fn guarded() -> impl Iterator<Item = (OpId, &'static Route)> {
    OpId::ALL
        .into_iter()
        .filter(|op| op.operation().need != Requirement::Open)
        .flat_map(|op| op.operation().routes.iter().map(move |route| (op, route)))
}

#[tokio::test]
async fn open_operations_take_no_key_and_a_bad_one_does_not_matter() {
    let server = TestServer::start().await;
    for client in [server.anonymous(), server.client("nonsense")] {
        let health = OpId::Health.operation().route().path;
        assert_eq!(client.get(health).await.assert_ok()["status"], "ok");
        let openapi = OpId::GetOpenApi.operation().route().path;
        assert_eq!(client.get(openapi).await.assert_ok()["openapi"], "3.1.1");
    }
    let open = |op: &OpId| op.operation().need == Requirement::Open;
    let open: Vec<_> = OpId::ALL.into_iter().filter(open).collect();
    assert_eq!(open, [OpId::Health, OpId::GetOpenApi]);
}

#[tokio::test]
async fn the_openapi_document_has_every_route_and_no_other() {
    let server = TestServer::start().await;
    let document = server.anonymous().get("/openapi.json").await.assert_ok();
    let mut missing = Vec::new();
    let mut count = 0;
    for op in OpId::ALL {
        for route in op.operation().routes {
            let method = route.method.as_str().to_ascii_lowercase();
            count += 1;
            if !document["paths"][route.path][&method].is_object() {
                missing.push((op, route.path));
            }
        }
    }
    assert_eq!(missing, [], "run `cargo xtask references`");
    let paths = document["paths"].as_object().unwrap().values();
    let described: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, count);
}

#[tokio::test]
async fn every_operation_refuses_a_request_without_a_valid_key() {
    let mut messages = std::collections::BTreeSet::new();
    for (what, key) in [
        ("no key", None),
        (
            "an unknown key",
            Some(text_of(&mint(Level::Admin).unwrap().key)),
        ),
        ("a malformed key", Some("sk-1234".to_owned())),
        (
            "a hosted key",
            Some("hh_1234567890abcdef1234567890abcdef".to_owned()),
        ),
        ("an empty key", Some(String::new())),
        ("a revoked key", None),
    ] {
        // Each server limits the number of attempts with invalid keys.
        let server = TestServer::start().await;
        let target = target(&server, "").await;
        let (revoked_id, revoked) = server.mint(Level::Admin, "all").await;
        // After this request, the server has the key in memory.
        server
            .client(&revoked)
            .get("/v1/auth/whoami")
            .await
            .assert_ok();
        let path = format!("/v1/api_keys/{revoked_id}");
        server.admin().delete(&path).await.assert_ok();
        let client = match (what, &key) {
            ("a revoked key", _) => server.client(&revoked),
            (_, Some(key)) => server.client(key),
            (_, None) => server.anonymous(),
        };
        let challenge = match what {
            "no key" => "Bearer",
            _ => "Bearer error=\"invalid_token\"",
        };
        for (op, route) in guarded() {
            let answer = call(&client, op, route, &target).await;
            assert_eq!(answer.status, 401, "{op:?} at {} with {what}", route.path);
            assert_eq!(
                answer.header("www-authenticate"),
                Some(challenge),
                "{op:?} at {} with {what}",
                route.path
            );
            let message = answer.assert_problem(401);
            messages.insert(
                message
                    .replace(&revoked_id, "ID")
                    .replace(&revoked[..8], "hh_FIRST"),
            );
            let id = answer.header("x-request-id").unwrap();
            if answer.header("content-type") == Some("application/json") {
                assert_eq!(answer.json()["request_id"], id);
            }
        }
    }
    let messages = messages.into_iter().collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(messages, @"
    no API key; send it as Authorization: Bearer hh_…
    the API key ID (hh_FIRST***) was revoked; use another
    this server does not know the API key
    ");
}

#[tokio::test]
async fn every_operation_accepts_exactly_the_levels_of_the_table() {
    let server = TestServer::start().await;
    for level in Level::ALL {
        let client = server.key(level, "all").await;
        for (number, (op, route)) in guarded().enumerate() {
            let mut target = target(&server, "").await;
            target.fresh = format!("{level} made it by route {number}");
            if level == Level::IngestOnly {
                // A key of this level may only patch events that keys of its own rotation family stored.
                let session = json!({"session": {}});
                let started = client.post("/session/start", &session).await.assert_ok();
                target.event = text(&started["event_id"]);
            }
            create_deleted(&server, op, &mut target).await;
            let answer = call(&client, op, route, &target).await;
            let allowed = match op.operation().need {
                Requirement::Open | Requirement::AnyKey => true,
                // Other tests cover requests of a key about itself (`Own`).
                Requirement::Need(need) | Requirement::Own(need) => level.allows(need),
            };
            if allowed {
                let path = route.path;
                let text = answer.text();
                assert_eq!(answer.status, 200, "{op:?} at {path} as {level}: {text}");
            } else {
                let message = answer.assert_problem(403);
                assert!(message.contains(level.as_str()), "{op:?}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn every_operation_hides_the_objects_of_another_project() {
    let server = TestServer::start().await;
    server.project("ours").await;
    server.project("theirs").await;
    let theirs = target(&server, "theirs").await;
    target(&server, "ours").await;
    let client = server.key(Level::Admin, json!(["ours"])).await;
    for (op, route) in guarded() {
        let answer = call(&client, op, route, &theirs).await;
        match case(op, route, &theirs).1 {
            ForeignAccess::Missing => drop(answer.assert_problem(404)),
            ForeignAccess::Unseen => assert_eq!(answer.status, 200, "{op:?}"),
            ForeignAccess::NotApplicable => continue,
        }
        if op != OpId::UpdateEvent && answer.status == 200 {
            assert!(
                !answer.text().contains("theirs"),
                "{op:?}: {}",
                answer.text()
            );
            assert!(!answer.text().contains(&theirs.key), "{op:?}");
        }
    }
    // The objects still exist and are unchanged.
    let admin = server.admin();
    let key = admin
        .get(&format!("/v1/api_keys/{}", theirs.key))
        .await
        .assert_ok();
    assert_eq!(
        (&key["state"], &key["name"]),
        (&json!("active"), &json!("test"))
    );
    let events = admin.events(&json!({"project": "theirs"})).await;
    assert_eq!(events["count"], 1);
    assert_eq!(events["events"][0]["metadata"], json!({}));
}

#[tokio::test]
async fn a_key_of_one_project_sees_only_that_project() {
    let server = TestServer::start().await;
    for name in ["ours", "theirs"] {
        server.project(name).await;
        target(&server, name).await;
    }
    let client = server.key(Level::Admin, json!(["ours"])).await;
    let events = client.events(&json!({})).await;
    assert_eq!(events["count"], 1);
    assert_eq!(events["events"][0]["event_name"], "of ours");
    let projects = client.get("/v1/projects").await.assert_ok();
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
    assert_eq!(projects["projects"][0]["name"], "ours");
    let keys = client.get("/v1/api_keys").await.assert_ok();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "the read-only key and the client's own");
    assert!(keys.iter().all(|key| key["projects"] == json!(["ours"])));
}

#[tokio::test]
async fn an_event_of_another_project_cannot_be_changed_by_naming_that_project() {
    let server = TestServer::start().await;
    server.project("ours").await;
    server.project("theirs").await;
    let theirs = target(&server, "theirs").await;
    for level in [Level::Admin, Level::ReadWrite, Level::IngestOnly] {
        let client = server.key(level, json!(["ours"])).await;
        for project in ["", "ours", "theirs", "nowhere"] {
            let patch = json!({"event_id": theirs.event, "project": project, "metadata": {"a": 1}});
            client.put("/events", &patch).await.assert_problem(404);
        }
    }
    let events = server.admin().events(&json!({"project": "theirs"})).await;
    assert_eq!(events["events"][0]["metadata"], json!({}));
}

#[tokio::test]
async fn an_export_with_one_foreign_span_stores_none() {
    let server = TestServer::start().await;
    server.project("ours").await;
    server.project("theirs").await;
    let client = server.key(Level::IngestOnly, json!(["ours"])).await;
    let foreign = span(2, None, vec![label("honeyhive.project", "theirs")]);
    let own = in_session(1, super::spans::SESSION);
    let message = client
        .export(&encode(vec![own, foreign]))
        .await
        .assert_problem(404);
    insta::assert_snapshot!(message, @r#"project "theirs" not found; this key applies to: ours"#);
    for project in ["ours", "theirs", "default"] {
        let events = server.admin().events(&json!({"project": project})).await;
        assert_eq!(events["count"], 0, "{project}");
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for path in [
        "/",
        "/nothing",
        "/v1/api_keys/",
        "/v1/api_keys/a/b",
        "/../../../../etc/passwd",
        "/v1/../../pepper",
        "/v1/owners/..%2f..%2fpepper",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//v1/projects",
        "/V1/PROJECTS",
        "/v1/projects%00",
    ] {
        admin.get(path).await.assert_problem(404);
    }
    for (method, path) in [
        ("DELETE", "/v1/projects"),
        ("GET", "/session/start"),
        ("PATCH", "/events"),
        ("POST", "/v1/auth/whoami"),
    ] {
        let answer = admin.send(method, path, &[], b"").await;
        answer.assert_problem(405);
        assert!(answer.header("allow").is_some(), "{method} {path}");
    }
    // An id is never interpreted as a path.
    for id in [
        "..",
        "%2e%2e",
        "..%2f..%2fpepper",
        "' OR 1=1 --".replace(' ', "%20").as_str(),
    ] {
        admin
            .get(&format!("/v1/api_keys/{id}"))
            .await
            .assert_problem(404);
    }
}
