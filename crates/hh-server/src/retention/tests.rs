use serde_json::{Value, json};

use super::*;
use crate::domain::retention::Retention;
use crate::store::check_counts;
use crate::testing::InProcess;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// The time of the tests, in Unix milliseconds.
const NOW: i64 = 1_767_225_600_000;

/// Stores an event in a session of its own unless a session is given, and returns its id.
fn create(server: &InProcess, project: &str, session: Option<&str>, started: i64) -> String {
    let event = json!({
        "event_type": "tool", "inputs": {}, "start_time": started, "duration": 1, "project": project,
        "session_id": session, "metadata": {"cost": 0.5},
    });
    let (status, created) = server.call(&server.admin, "POST", "/v1/events", &event);
    assert_eq!(status, 200, "{created}");
    created["event_id"].as_str().unwrap().to_owned()
}

/// Returns the number of events and the number of sessions of a project.
fn counts(server: &InProcess, project: &str) -> (u64, u64) {
    let count = |kind: Option<&str>| {
        let filters: Vec<_> = kind
            .map(|kind| json!({"field": "event_type", "operator": "is", "value": kind}))
            .into_iter()
            .collect();
        let body = json!({"project": project, "filters": filters});
        let (status, page) = server.call(&server.admin, "POST", "/v1/events/export", &body);
        assert_eq!(status, 200, "{page}");
        page["totalEvents"].as_u64().unwrap()
    };
    let sessions = count(Some("session"));
    (count(None) - sessions, sessions)
}

fn start(days: Option<u32>, projects: &[(&str, u32)]) -> InProcess {
    let server = InProcess::start();
    server.app.clock.set(NOW);
    let projects = projects
        .iter()
        .map(|(name, days)| ((*name).to_owned(), *days));
    server.app.set_retention(Retention {
        days,
        projects: projects.collect(),
    });
    server
}

fn expire(server: &InProcess) {
    server.runtime.block_on(apply(&server.app));
    check_counts(&server.data_dir().join("honeyhive.db"));
}

#[test]
fn events_are_kept_until_they_are_older_than_the_retention() {
    let server = start(Some(30), &[]);
    let kept = create(&server, "default", None, NOW - 30 * DAY);
    let expired = create(&server, "default", None, NOW - 30 * DAY - 1);
    expire(&server);
    let status = |id: &str| {
        server
            .call(
                &server.admin,
                "GET",
                &format!("/v1/events/{id}"),
                &Value::Null,
            )
            .0
    };
    assert_eq!((status(&kept), status(&expired)), (200, 404));
    // Both sessions ended when the events are still kept.
    assert_eq!(counts(&server, "default"), (1, 2));
    server.app.clock.set(NOW + 1);
    expire(&server);
    assert_eq!(counts(&server, "default"), (0, 1));
    server.app.clock.set(NOW + 2);
    expire(&server);
    assert_eq!(counts(&server, "default"), (0, 0));
}

#[test]
fn a_session_is_kept_while_it_has_an_event_that_is_kept() {
    let server = start(Some(1), &[]);
    let session = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    for day in 0..5 {
        create(&server, "default", Some(session), NOW - day * DAY - 10);
    }
    expire(&server);
    assert_eq!(counts(&server, "default"), (1, 1));
    server.app.clock.set(NOW + 2 * DAY);
    expire(&server);
    assert_eq!(counts(&server, "default"), (0, 0));
}

#[test]
fn a_project_can_have_its_own_retention() {
    let server = start(None, &[("short", 1)]);
    let project = json!({"name": "short"});
    assert_eq!(
        server
            .call(&server.admin, "POST", "/v1/projects", &project)
            .0,
        200
    );
    for project in ["default", "short"] {
        create(&server, project, None, NOW - 9 * DAY);
    }
    expire(&server);
    assert_eq!(counts(&server, "default"), (1, 1));
    assert_eq!(counts(&server, "short"), (0, 0));
    server.app.set_retention(Retention {
        days: Some(9),
        ..Retention::default()
    });
    server.app.clock.set(NOW + DAY);
    expire(&server);
    assert_eq!(counts(&server, "default"), (0, 0));
}

#[test]
fn a_clock_that_was_set_forward_deletes_nothing() {
    let server = start(Some(1), &[]);
    create(&server, "default", None, NOW);
    server.app.clock.set_system(NOW + 100 * DAY);
    expire(&server);
    assert_eq!(counts(&server, "default"), (1, 1));
}
