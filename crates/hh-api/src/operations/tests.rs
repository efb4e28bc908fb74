use std::collections::BTreeSet;

use super::*;

#[test]
fn the_table() {
    let mut table = String::new();
    for id in OpId::ALL {
        let operation = id.operation();
        let (need, retry) = (operation.need, operation.retry);
        let keys: Vec<_> = operation.keys.iter().map(|key| key.as_str()).collect();
        for route in operation.routes {
            let (dialect, method) = (route.dialect.as_str(), route.method.as_str());
            let line = format!(
                "{dialect:6} {method:6} {:41} {need:?} {retry:?} {}",
                route.path,
                keys.join("/")
            );
            table.push_str(line.trim_end());
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table, @"
    legacy GET    /api/v1/health                            Open Safe
    legacy GET    /openapi.json                             Open Safe
    v1     GET    /v1/auth/whoami                           AnyKey Safe project
    v1     POST   /v1/api_keys                              Need(Admin) Keyed project
    v1     GET    /v1/api_keys                              Need(Admin) Safe project
    v1     GET    /v1/api_keys/{id}                         Need(Admin) Safe project
    v1     PATCH  /v1/api_keys/{id}                         Need(Admin) Safe project
    v1     DELETE /v1/api_keys/{id}                         Own(Admin) Safe project
    v1     POST   /v1/api_keys/{id}/rotate                  Own(Admin) Keyed project
    v1     POST   /v1/owners                                Need(Admin) Never project
    v1     GET    /v1/owners                                Need(Admin) Safe project
    v1     POST   /v1/owners/{id}/disable                   Need(Admin) Safe project
    v1     POST   /v1/owners/{id}/enable                    Need(Admin) Safe project
    v1     POST   /v1/projects                              Need(Admin) Never project
    v1     GET    /v1/projects                              Need(Read) Safe project
    v1     DELETE /v1/projects/{project_id}                 Need(Admin) Never project
    legacy POST   /session/start                            Need(Ingest) Safe ingestion/project
    v1     POST   /v1/sessions                              Need(Ingest) Safe ingestion/project
    v1     GET    /v1/sessions/{session_id}                 Need(Read) Safe project
    legacy GET    /session/{session_id}                     Need(Read) Safe project
    v1     POST   /v1/sessions/{session_id}/events/batch    Need(Ingest) Safe ingestion/project
    legacy POST   /session/{session_id}/traces              Need(Ingest) Safe ingestion/project
    v1     GET    /v1/sessions                              Need(Read) Safe project
    v1     DELETE /v1/sessions/{session_id}                 Need(Write) Never project
    legacy POST   /opentelemetry/v1/traces                  Need(Ingest) Otlp ingestion/project
    v1     POST   /v1/traces                                Need(Ingest) Otlp ingestion/project
    v1     POST   /v1/events/export                         Need(Read) Safe project
    legacy POST   /events/export                            Need(Read) Safe project
    v1     POST   /v1/events/search                         Need(Read) Safe project/data plane
    scoped POST   /v1/projects/{project_id}/events/search   Need(Read) Safe project/data plane
    v1     GET    /v1/events/{event_id}                     Need(Read) Safe project/data plane
    scoped GET    /v1/projects/{project_id}/events/{event_id} Need(Read) Safe project/data plane
    v1     GET    /v1/events/schema                         Need(Read) Safe project
    legacy POST   /events                                   Need(Ingest) Safe ingestion/project
    v1     POST   /v1/events                                Need(Ingest) Safe ingestion/project
    legacy POST   /events/batch                             Need(Ingest) Safe ingestion/project
    v1     POST   /v1/events/batch                          Need(Ingest) Safe ingestion/project
    legacy POST   /events/model                             Need(Ingest) Never ingestion/project
    legacy POST   /events/model/batch                       Need(Ingest) Never ingestion/project
    legacy PUT    /events                                   Need(Ingest) Safe ingestion/project
    v1     PUT    /v1/events/{event_id}                     Need(Ingest) Safe ingestion/project
    v1     DELETE /v1/events/{event_id}                     Need(Write) Never project
    scoped POST   /v1/projects/{project_id}/events/delete   Need(Admin) Safe project
    ");
}

#[test]
fn no_two_operations_share_a_route() {
    let mut routes = BTreeSet::new();
    for id in OpId::ALL {
        for route in id.operation().routes {
            // Two patterns that differ only in the names of members match the same paths.
            let path: Vec<_> = route
                .path
                .split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        "{}"
                    } else {
                        segment
                    }
                })
                .collect();
            let is_new = routes.insert((route.method.as_str(), path.join("/")));
            assert!(is_new, "{id:?} has a route of another operation");
        }
    }
}

#[test]
fn every_operation_is_described_by_one_sentence() {
    for id in OpId::ALL {
        let description = id.operation().description.trim();
        assert!(description.ends_with('.'), "{id:?}: {description}");
    }
}
